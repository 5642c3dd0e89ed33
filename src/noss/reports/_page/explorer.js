// The page: what each choice does, and how its parts follow each other.

const skies = [...document.querySelectorAll("figure.sky")].map((figure) => new Sky(figure));
const NOTHING = "one map";

function shownModels() {
  return skies.filter((sky) => sky.active).map((sky) => sky.model);
}

function eachSky(does) {
  for (const sky of skies) if (sky.active) does(sky);
}

function redrawAll() {
  eachSky((sky) => sky.soon());
}

function refilter() {
  state.shown = shownClips(state.atlas, state.filters, state.text);
  if (state.brush) state.brush = state.brush.map((flag, clip) => flag & state.shown[clip]);
  eachSky((sky) => { sky.titles = null; });
  fillLegend();
  fillChips();
  fillSelection();
  redrawAll();
}

function pickClip(clip, { sounds = false, says = false } = {}) {
  if (!sounds || clip !== state.clip) stopSound();
  state.clip = clip;
  state.hover = -1;
  for (const sky of skies) sky.tip.hidden = true;
  eachSky((sky) => sky.reveal(clip));
  showSound("▶ Play", false);
  fillClip();
  if (says) $("said").textContent = wordsOf(clip).join(", ");
  if (sounds) playClip();
  redrawAll();
}

function wordsOf(clip) {
  const { atlas, column } = state;
  const label = atlas.columns.find((one) => one.name === atlas.label);
  const speaker = atlas.columns.find((one) => one.name === "speaker");
  return [...new Set([column, label, speaker])].filter(Boolean).map((one) => one.text(clip)).filter(Boolean).concat(atlas.file(clip));
}

function hoverClip(sky, clip, [x, y] = [0, 0]) {
  sky.tip.hidden = clip < 0;
  if (clip >= 0) {
    const words = wordsOf(clip);
    sky.tip.replaceChildren(element("b", {}, words.slice(0, -1).join(" · ")), element("span", {}, words.at(-1)));
    const right = x > sky.width / 2;
    sky.tip.style.cssText = `top:${Math.min(y + 14, sky.height - 52)}px;${right ? `right:${sky.width - x + 12}px` : `left:${x + 14}px`}`;
  }
  sky.canvas.classList.toggle("over", clip >= 0);
  if (state.hover === clip) return;
  state.hover = clip;
  redrawAll();
}

function brushClips(brush) {
  state.brush = brush && total(brush) ? brush : null;
  $("copy").textContent = "Copy names";
  $("said").textContent = state.brush ? `${counted(total(brush))} selected` : "nothing is selected";
  fillSelection();
  redrawAll();
}

function toggleClip() {
  if (state.clip < 0) return;
  const brush = state.brush?.slice() ?? new Uint8Array(state.atlas.size);
  brush[state.clip] ^= 1;
  brushClips(brush);
}

function options(select, names, chosen) {
  select.replaceChildren(...names.map((name) => element("option", { value: name, selected: name === chosen }, name)));
  select.value = names.includes(chosen) ? chosen : names[0];
}

// Columns by name: what is known of clips, and what models say about them; with two maps, the answers of both.
function colours() {
  const known = state.atlas.columns.map((column) => [column.name, column]);
  const said = skies[0].model.columns.map((column) => [column.name, null]);
  return new Map([...known, ...said]);
}

// A column that a model answers is that of the first map, and each map is coloured by its own.
function chooseColour(name) {
  const { atlas } = state;
  const known = atlas.columns.find((column) => column.name === name);
  const own = (sky) => known ?? sky.model.columns.find((column) => column.name === name) ?? null;
  state.column = own(skies[0]);
  if (state.column && !known) state.column.model = skies[0].model.name;
  state.palette = new Palette(state.column, atlas.size);
  state.unfolded = false;
  eachSky((sky) => {
    const column = own(sky);
    sky.palette = column === state.column ? state.palette : new Palette(column, atlas.size);
    sky.titles = null;
  });
  delete $("range").dataset.column;
  fillLegend();
  fillSelection();
  if (state.clip >= 0) fillClip();
  redrawAll();
}

function chooseModels() {
  const { atlas } = state;
  const [first, second] = ["model-0", "model-1"].map((id) => atlas.models.find((model) => model.name === $(id).value));
  skies[1].figure.hidden = !second;
  if (!second) skies[1].model = null;
  $("maps").classList.toggle("two", Boolean(second));
  [first, second].forEach((model, slot) => model && skies[slot].show(model, state.plane));
  const colour = $("colour").value || atlas.label;
  options($("colour"), [...colours().keys()], colour);
  chooseColour($("colour").value);
  if (state.clip >= 0) fillClip();
}

function chooseDataset(index) {
  stopSound();
  const atlas = atlasAt(index);
  Object.assign(state, { atlas, brush: null, clip: -1, hover: -1, filters: new Map(), text: "", plane: "" });
  state.shown = new Uint8Array(atlas.size).fill(1);
  $("title").textContent = atlas.dataset;
  $("count").textContent = counted(atlas.size);
  $("words").value = "";
  for (const sky of skies) Object.assign(sky, { places: null, order: null, palette: null, flight: null });
  const names = atlas.models.map((model) => model.name);
  options($("model-0"), names, names[0]);
  options($("model-1"), [NOTHING, ...names], NOTHING);
  const planes = Object.keys(atlas.models[0].planes);
  options($("plane"), planes, planes[0]);
  state.plane = planes[0];
  $("colour").replaceChildren();
  $("notes").replaceChildren(...atlas.notes.map((note) => element("li", {}, note)));
  chooseModels();
  fillChips();
  fillClip();
}

function begin() {
  for (const sky of skies) {
    new Hands(sky, { pick: pickClip, brush: brushClips, hover: (clip, place) => hoverClip(sky, clip, place), toggle: toggleClip });
  }
  $("dataset").addEventListener("change", (event) => chooseDataset(Number(event.target.value)));
  for (const id of ["model-0", "model-1"]) $(id).addEventListener("change", chooseModels);
  $("colour").addEventListener("change", (event) => chooseColour(event.target.value));
  $("plane").addEventListener("change", (event) => { state.plane = event.target.value; eachSky((sky) => sky.show(sky.model, state.plane)); redrawAll(); });
  $("words").addEventListener("input", (event) => { state.text = event.target.value; refilter(); });
  $("play").addEventListener("click", playClip);
  $("clear").addEventListener("click", () => brushClips(null));
  $("copy").addEventListener("click", copyNames);
  $("more").addEventListener("click", () => fillSelection(true));
  isDark.addEventListener("change", () => { inks.clear(); chooseColour($("colour").value); });
  chooseDataset(0);
}

begin();
