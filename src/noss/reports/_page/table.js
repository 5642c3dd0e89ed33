"use strict";
// Tables: sort by a column, filter by name. Text goes in as text, never as markup.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function sortValue(row, index) {
  const text = row.cells[index].dataset.value ?? row.cells[index].textContent.trim();
  const number = Number(text);
  return text === "" ? null : Number.isNaN(number) ? text.toLowerCase() : number;
}

function compare(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null); // what is missing stays last either way
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  return down ? -order : order;
}

function sortBy(button) {
  const heading = button.closest("th");
  const table = button.closest("table");
  const now = heading.getAttribute("aria-sort");
  const down = now ? now === "ascending" : button.hasAttribute("data-down");
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  const keys = new Map(rows.map((row) => [row, sortValue(row, heading.cellIndex)]));
  rows.sort((a, b) => compare(keys.get(a), keys.get(b), down));
  table.tBodies[0].append(...rows);
}

function filterTable(name) {
  const words = document.querySelector(`[data-filter="${name}"]`).value.toLowerCase().split(/\s+/).filter(Boolean);
  const controls = document.querySelector(`[data-controls="${name}"]`);
  const rows = [...document.getElementById(name).tBodies[0].rows];
  for (const row of rows) {
    const found = words.every((word) => row.dataset.name.toLowerCase().includes(word));
    row.hidden = !found || (controls && !controls.checked && row.classList.contains("control"));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  const count = document.querySelector(`[data-count="${name}"]`);
  count.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} ${count.dataset.noun ?? "models"}`;
}

function numbersTable(rows) {
  const names = [...new Set(rows.flatMap(Object.keys))].filter((name) => !["state", "text", "area", "colour", "shape", "opacity"].includes(name));
  const body = rows.slice(0, 2000).map((row) =>
    element("tr", {}, ...names.map((name) => {
      const value = row[name];
      const number = typeof value === "number";
      return element("td", { class: number ? "num" : null }, number ? String(Number(value.toPrecision(4))) : String(value ?? "–"));
    })));
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}
