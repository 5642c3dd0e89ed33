// Mistakes, each with a button that plays it; one sound at a time.

const playing = { audio: null, button: null };

function stop() {
  playing.audio?.pause();
  if (playing.button) {
    playing.button.setAttribute("aria-pressed", "false");
    playing.button.textContent = "▶ Play";
  }
  playing.audio = playing.button = null;
}

function play(button, source) {
  const again = playing.button === button;
  stop();
  if (again) return;
  playing.audio = new Audio(source);
  playing.button = button;
  button.setAttribute("aria-pressed", "true");
  button.textContent = "■ Stop";
  playing.audio.addEventListener("ended", stop);
  playing.audio.addEventListener("error", () => { stop(); button.textContent = "cannot play"; });
  playing.audio.play().catch(() => {});
}

function playButton(mistake) {
  const source = DATA.audio[mistake.audio];
  if (!source) return element("span", { class: "note" }, "no sound");
  const label = `Play ${mistake.file}: true ${mistake.truth}, predicted ${mistake.predicted}`;
  const button = element("button", { type: "button", class: "play", "aria-pressed": "false", "aria-label": label }, "▶ Play");
  button.addEventListener("click", () => play(button, source));
  return button;
}

function segment(mistake) {
  if (!mistake.start_s && mistake.end_s === null) return "";
  return ` (${mistake.start_s.toFixed(2)}–${mistake.end_s === null ? "end" : mistake.end_s.toFixed(2)} s)`;
}

function fillMistakes(table) {
  const task = DATA.tasks[Number(table.dataset.mistakes)];
  const page = task.models[picked[table.dataset.mistakes] ?? 0].page;
  const numbers = task.classes.length === 0;
  const said = (value) => (typeof value === "number" ? String(Number(value.toPrecision(4))) : value);
  const headings = ["Sound", "Truth", "Predicted", numbers ? "Off by" : page.bins ? "Confidence" : "Margin", "Speaker", "File"];
  const rows = page.mistakes.map((mistake) => element("tr", {},
    element("td", {}, playButton(mistake)),
    element("td", {}, said(mistake.truth)), element("td", {}, said(mistake.predicted)),
    element("td", { class: "num" }, page.bins ? `${(100 * mistake.confidence).toFixed(1)} %` : mistake.confidence.toPrecision(3)),
    element("td", {}, mistake.speaker ?? "–"),
    element("td", { class: "file" }, mistake.file + segment(mistake)),
  ));
  const head = element("tr", {}, ...headings.map((name) => element("th", { scope: "col", class: ["Off by", "Confidence", "Margin"].includes(name) ? "num" : null }, name)));
  const none = element("tr", {}, element("td", { colspan: headings.length }, "None: every clip was right."));
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...(rows.length ? rows : [none])));
}
