// The page: what each button, list and link does.

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName === "DETAILS") target.open = true;
}

function showModel(select) {
  const task = select.dataset.model;
  picked[task] = Number(select.value);
  stop();
  redraw(document.querySelectorAll(`figure.chart[data-task="${task}"]:not([data-chart=scores]):not([data-chart=speakers])`));
  fillMistakes(document.querySelector(`[data-mistakes="${task}"]`));
}

function openAll(button) {
  const open = button.getAttribute("aria-pressed") !== "true";
  for (const section of document.querySelectorAll("details.task")) section.open = open;
  button.setAttribute("aria-pressed", String(open));
  button.textContent = open ? "Close all" : "Open all";
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    button.textContent = "Selected: press Ctrl+C";
  }
}

function start() {
  for (const button of document.querySelectorAll("[data-sort]")) button.addEventListener("click", () => sortBy(button));
  for (const box of document.querySelectorAll("[data-filter]")) box.addEventListener("input", () => filterTable(box.dataset.filter));
  for (const box of document.querySelectorAll("[data-controls]")) box.addEventListener("change", () => filterTable(box.dataset.controls));
  for (const table of document.querySelectorAll("[data-mistakes]")) fillMistakes(table);
  for (const select of document.querySelectorAll("[data-model]")) select.addEventListener("change", () => showModel(select));
  for (const select of document.querySelectorAll("[data-map-model], [data-map-colour]")) {
    const figure = select.closest("details").querySelector("figure");
    select.addEventListener("change", () => { delete figure.dataset.alone; draw(figure); });
  }
  document.getElementById("tradeoff-quality")?.addEventListener("change", () => draw(document.querySelector("[data-chart=tradeoff]")));
  document.getElementById("open-all")?.addEventListener("click", (event) => openAll(event.currentTarget));
  for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));
  addEventListener("hashchange", openTarget);
  addEventListener("beforeprint", () => { for (const section of document.querySelectorAll("details.task")) section.open = true; });
  openTarget();
  watchCharts();
}

start();
