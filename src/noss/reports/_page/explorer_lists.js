// Everything in words: legend, filters, the clip and its neighbours, the selection. Text goes in as text, never as markup.

const PAGE = 60; // rows of the selection shown at once
const MANY = 60; // values of a legend shown at once
const $ = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function pressable(attributes, click, ...children) {
  const button = element("button", { type: "button", ...attributes }, ...children);
  button.addEventListener("click", click);
  return button;
}

const counted = (number, noun = "clip") => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const total = (flags) => flags.reduce((sum, flag) => sum + flag, 0);

// What is filtered by a column is told apart by its name and, for what a model said, by the model.
const filterKey = (column) => (column.model ? `${column.name} · ${column.model}` : column.name);

function toggleValue(column, code) {
  const key = filterKey(column);
  const codes = new Set(state.filters.get(key)?.codes ?? []);
  if (!codes.delete(code)) codes.add(code);
  if (codes.size) state.filters.set(key, { column, codes });
  else state.filters.delete(key);
  refilter();
}

function fillLegend() {
  const { column, palette, atlas } = state;
  $("legend-title").textContent = column ? filterKey(column) : "";
  $("range").hidden = !column?.numbers;
  const chosen = column && state.filters.get(filterKey(column))?.codes;
  const inside = document.activeElement?.closest?.("#legend") ? document.activeElement.dataset.code : null;
  let items = [];
  if (column?.words) {
    const counts = column.counts(state.shown);
    const all = column.counts(new Uint8Array(atlas.size).fill(1));
    const codes = [...column.words.keys()].map((index) => index + 1).concat(all[0] ? [0] : []);
    const most = state.unfolded || codes.length <= MANY + 10 ? codes.length : MANY;
    items = codes.slice(0, most).map((code) => {
      const name = code ? column.words[code - 1] : "no value";
      const button = pressable({ "data-code": code, "aria-pressed": String(Boolean(chosen?.has(code))) }, () => toggleValue(column, code),
        palette.mark(code), element("span", { class: "value" }, name), element("small", {}, (counts[code] || all[code]).toLocaleString("en")));
      button.classList.toggle("gone", !counts[code]);
      return element("li", {}, button);
    });
    if (most < codes.length) {
      const unfold = () => { state.unfolded = true; fillLegend(); };
      items.push(element("li", {}, pressable({ class: "quiet" }, unfold, `${codes.length - most} more`)));
    }
  }
  $("legend").replaceChildren(...items);
  if (inside !== null) $("legend").querySelector(`[data-code="${inside}"]`)?.focus();
  if (column?.numbers) fillRange(column);
}

function fillRange(column) {
  const filter = state.filters.get(filterKey(column)) ?? { low: column.low, high: column.high };
  if ($("range").dataset.column === filterKey(column)) return;
  $("range").dataset.column = filterKey(column);
  const step = (column.high - column.low) / 200 || 1;
  const ends = ["low", "high"].map((end) => element("input", {
    type: "range", min: column.low, max: column.high, step, value: filter[end], "aria-label": `${end === "low" ? "From" : "To"}, ${column.name}`, "data-end": end }));
  const said = element("output", {});
  const changed = () => {
    let [low, high] = ends.map((input) => Number(input.value));
    if (low > high) [low, high] = [high, low];
    const whole = low <= column.low + step / 2 && high >= column.high - step;
    said.textContent = `${shortNumber(whole ? column.low : low)} to ${shortNumber(whole ? column.high : high)}`;
    return { column, low, high: high >= column.high - step ? column.high : high, whole };
  };
  for (const input of ends) {
    input.addEventListener("input", () => {
      const next = changed();
      if (next.whole) state.filters.delete(filterKey(column));
      else state.filters.set(filterKey(column), next);
      refilter();
    });
  }
  const stops = Array.from({ length: 9 }, (_, place) => ramp(place / 8)).join(",");
  $("range").replaceChildren(histogram(column), element("div", { class: "ramp", style: `background:linear-gradient(90deg,${stops})` }), ...ends, said);
  changed();
}

function histogram(column) {
  const bins = new Array(40).fill(0);
  const span = column.high - column.low || 1;
  for (const value of column.numbers) if (!Number.isNaN(value)) bins[Math.min(39, Math.floor((40 * (value - column.low)) / span))] += 1;
  const top = Math.max(...bins);
  return element("div", { class: "bins", "aria-hidden": "true" }, ...bins.map((count) => element("i", { style: `height:${(100 * count) / top}%` })));
}

function fillChips() {
  const chips = [...state.filters].map(([key, { column, codes, low, high }]) => {
    const values = codes ? [...codes].map((code) => (code ? column.words[code - 1] : "no value")).join(", ") : `${shortNumber(low)} to ${shortNumber(high)}`;
    const remove = () => { state.filters.delete(key); delete $("range").dataset.column; refilter(); };
    return element("li", {}, pressable({ class: "chip" }, remove, `${key}: ${values} ×`));
  });
  $("chips").replaceChildren(...chips);
  const shown = total(state.shown);
  $("shown").textContent = shown === state.atlas.size ? `all ${counted(shown)}` : `${shown.toLocaleString("en")} of ${counted(state.atlas.size)}`;
}

function fillClip() {
  const { atlas, clip } = state;
  if (clip < 0) {
    $("file").textContent = "Point at a dot, and click it to listen. Shift and drag draws around many.";
    $("facts").replaceChildren();
    $("said-by").replaceChildren();
    $("near").replaceChildren();
    return;
  }
  const piece = atlas.segment(clip);
  $("file").textContent = atlas.file(clip) + (piece ? ` (${piece.start.toFixed(2)}–${Number.isNaN(piece.end) ? "end" : piece.end.toFixed(2)} s)` : "");
  const known = atlas.columns.map((column) => [column.name, column.text(clip)]);
  const first = known.filter(([name]) => name === atlas.label);
  const facts = [...first, ...known.filter(([name]) => name !== atlas.label)].filter(([, text]) => text !== "");
  $("facts").replaceChildren(...facts.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))));
  fillSaid();
  fillNear();
}

// What the models said of the clip: a row an answer, a column a model.
function fillSaid() {
  const models = shownModels();
  const answers = [...new Set(models.flatMap((model) => model.columns.map((column) => column.name)))];
  const text = (model, name) => model.columns.find((column) => column.name === name)?.text(state.clip) ?? "";
  const rows = answers.map((name) => [name, models.map((model) => text(model, name))]).filter(([, texts]) => texts.some(Boolean));
  $("said-by").replaceChildren(...(rows.length ? [
    element("thead", {}, element("tr", {}, element("td", {}), ...models.map((model) => element("th", { scope: "col" }, model.name)))),
    element("tbody", {}, ...rows.map(([name, texts]) => element("tr", {}, element("th", { scope: "row" }, name),
      ...texts.map((one) => element("td", { class: one === "wrong" ? "wrong" : null }, one || "–"))))),
  ] : []));
}

function fillNear() {
  const { atlas, clip } = state;
  const label = atlas.columns.find((column) => column.name === atlas.label && column.words);
  const models = shownModels();
  const lists = models.map((model) => model.near(clip));
  const both = models.length > 1 ? new Set(lists[0].map((one) => one.clip).filter((other) => lists[1].some((two) => two.clip === other))) : new Set();
  $("near").classList.toggle("two", models.length > 1);
  $("near").replaceChildren(...models.map((model, place) => {
    const same = label ? lists[place].filter((one) => label.codes[one.clip] === label.codes[clip]).length : 0;
    const text = label?.codes[clip] ? `${same} of ${lists[place].length} are ${label.text(clip)} too` : "";
    const shared = both.size ? `${text ? "; " : ""}${both.size} in both lists` : "";
    const items = lists[place].map(({ clip: other, distance }) => element("li", {},
      pressable({ class: both.has(other) ? "both" : null, title: atlas.file(other) }, () => pickClip(other, { sounds: true }), rowMark(other),
        element("span", { class: "value" }, label?.text(other) || atlas.names[other]), element("small", {}, distance.toFixed(3)))));
    return element("div", {}, element("h3", {}, models.length > 1 ? `Nearest by ${model.name}` : "Nearest clips"),
      element("p", { class: "note" }, text + shared), element("ol", { class: "list" }, ...items));
  }));
}

function rowMark(clip) {
  return state.palette.mark(state.palette.styles[clip]);
}

function fillSelection(more = false) {
  const { atlas, brush, column } = state;
  const clips = brush ? [...brush.keys()].filter((clip) => brush[clip]) : [];
  state.listed = more ? state.listed + PAGE : PAGE;
  for (const id of ["clear", "copy"]) $(id).hidden = !clips.length;
  $("more").hidden = clips.length <= state.listed;
  $("selected").textContent = clips.length ? `${counted(clips.length)}, ${((100 * clips.length) / atlas.size).toFixed(1)} % of the map` : "No clips yet: draw around some with the lasso, or press S on the map.";
  $("mix").replaceChildren(...(column?.words && clips.length ? shares(column, brush, clips.length) : []));
  const label = atlas.columns.find((one) => one.name === atlas.label);
  $("list").replaceChildren(...clips.slice(0, state.listed).map((clip) => element("li", {},
    pressable({ title: atlas.file(clip) }, () => pickClip(clip, { sounds: true }), rowMark(clip),
      element("span", { class: "value" }, atlas.names[clip]), element("small", {}, label?.text(clip) ?? "")))));
}

// What the selection is made of, beside what all clips are made of: a bar, and a tick where everything would put it.
function shares(column, brush, size) {
  const counts = column.counts(brush);
  const all = column.counts(new Uint8Array(state.atlas.size).fill(1));
  const codes = [...counts.keys()].filter((code) => counts[code]).sort((a, b) => counts[b] - counts[a]).slice(0, 6);
  return codes.map((code) => {
    const [here, everywhere] = [counts[code] / size, all[code] / state.atlas.size].map((share) => 100 * share);
    const bar = element("span", { class: "span", "aria-hidden": "true" },
      element("i", { class: "range", style: `left:0;width:${here.toFixed(1)}%;background:${state.palette.looks[code].fill}` }),
      element("i", { class: "mark", style: `left:${everywhere.toFixed(1)}%` }));
    return element("li", { title: `${here.toFixed(0)} % of the selection, ${everywhere.toFixed(0)} % of all clips` },
      element("span", { class: "value" }, code ? column.words[code - 1] : "no value"), element("small", {}, `${here.toFixed(0)} %`), bar);
  });
}

async function copyNames() {
  const { atlas, brush } = state;
  const text = [...brush.keys()].filter((clip) => brush[clip]).map((clip) => atlas.file(clip)).join("\n");
  try {
    await navigator.clipboard.writeText(text);
    $("copy").textContent = "Copied";
  } catch {
    $("copy").textContent = "cannot copy";
  }
}
