// A site of results: sort, search in rows and columns, and say what a mark of a chart is.

function showColumns(box) {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const table = document.getElementById(box.dataset.columns);
  const hidden = [...table.tHead.rows[0].cells].map((cell) => {
    const text = cell.dataset.words?.toLowerCase();
    return text !== undefined && !words.every((word) => text.includes(word));
  });
  for (const row of table.rows) [...row.cells].forEach((cell, index) => { cell.hidden = hidden[index]; });
}

function nameMarks() {
  for (const mark of document.querySelectorAll(".drawn [aria-roledescription=point]")) {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = mark.getAttribute("aria-label");
    mark.append(title);
  }
}

for (const button of document.querySelectorAll("[data-sort]")) button.addEventListener("click", () => sortBy(button));
for (const box of document.querySelectorAll("[data-filter]")) box.addEventListener("input", () => filterTable(box.dataset.filter));
for (const box of document.querySelectorAll("[data-controls]")) box.addEventListener("change", () => filterTable(box.dataset.controls));
for (const box of document.querySelectorAll("[data-columns]")) box.addEventListener("input", () => showColumns(box));
nameMarks();
