// What each kind of chart shows: rows from the page's data, and what differs from chart to chart.

const picked = {}; // task -> place of the model its figures show

function scaled(task, value) {
  return value === null || value === undefined ? null : task.percent ? 100 * value : value;
}

function unitTexts(task) {
  return { value: `${task.title}${task.percent ? ", %" : ""}`, format: task.percent ? ".1f" : ".3f" };
}

const BUILDERS = {
  scores: (task) => ({
    texts: unitTexts(task),
    rows: task.models.map((model) => ({
      model: model.name, value: scaled(task, model.value), low: scaled(task, model.low), high: scaled(task, model.high),
      chance: scaled(task, task.chance), state: model.state,
    })),
  }),
  confusion: (task, page) => {
    if (page.confusion === null) { // too many classes for a matrix: the most frequent confusions
      return { rows: [], empty: numbersTable(page.pairs.map(([truth, predicted, clips]) => ({ truth, predicted, clips }))) };
    }
    const names = task.classes;
    const few = names.length <= 12;
    const rows = page.confusion.flatMap((counts, truth) => {
      const total = counts.reduce((sum, count) => sum + count, 0);
      return counts.map((clips, predicted) => {
        const share = total ? clips / total : 0;
        return { truth: names[truth], predicted: names[predicted], clips, share, text: few && share >= 0.005 ? String(Math.round(100 * share)) : "" };
      });
    });
    return { rows, adjust: (spec, width) => { spec.height = { step: Math.min(44, Math.max(8, Math.min(400, 0.8 * width) / names.length)) }; } };
  },
  recall: (task, page) => ({
    rows: page.recall.map((row) => ({ label: row.label, recall: row.recall, clips: row.num_clips })),
    adjust: (spec) => { if (page.recall.length > 24) spec.height = { step: 13 }; },
  }),
  calibration: (task, page) => ({
    empty: "The scores of this probe are no probabilities, so there is nothing to calibrate.",
    rows: (page.bins ?? []).map((bin) => ({ confidence: bin.confidence, accuracy: bin.accuracy, clips: bin.num_clips })),
    after: (figure) => {
      const text = `Expected calibration error ${(100 * page.ece).toFixed(1)} %. `;
      const caption = figure.querySelector("figcaption");
      caption.dataset.text ??= caption.textContent;
      caption.textContent = text + caption.dataset.text;
    },
  }),
  points: (task, page) => ({ rows: page.points.map(([truth, predicted]) => ({ truth, predicted })) }),
  speakers: (task) => ({
    texts: unitTexts(task),
    empty: `${task.title} is not defined on the clips of a single speaker here.`,
    rows: task.models.flatMap((model) => (model.page?.speakers ?? []).map((row) => ({
      model: model.name, speaker: row.speaker, value: scaled(task, row.value), clips: row.num_clips,
    }))),
  }),
};

BUILDERS.curve = (task) => ({
  texts: unitTexts(task),
  rows: task.models.flatMap((model) => model.curve.map((row) => ({
    model: model.name, layer: row.layer, value: scaled(task, row.value), low: scaled(task, row.low), high: scaled(task, row.high),
    dev: scaled(task, row.dev), folds: row.folds,
  }))),
});

BUILDERS.mix = (task) => ({
  rows: task.models.flatMap((model) => model.mix.map((row) => ({
    model: model.name, layer: row.layer, weight: row.weight, even: 1 / model.mix.length,
  }))),
});

function mapChart(figure) {
  const index = figure.dataset.map;
  const map = DATA.maps[index];
  const model = document.querySelector(`[data-map-model="${index}"]`).value;
  const groups = map.colours[document.querySelector(`[data-map-colour="${index}"]`).value] ?? map.files.map(() => "");
  const names = [...new Set(groups)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const alone = figure.dataset.alone;
  const rows = map.places[model].map(([x, y], place) => {
    const group = names.indexOf(groups[place]);
    const dim = alone !== undefined && groups[place] !== alone;
    return { group: groups[place], file: map.files[place], x, y, colour: dim ? colour("--muted") : colour(`--g${group % 8}`),
      shape: SHAPES[Math.floor(group / 8) % SHAPES.length], opacity: dim ? 0.13 : 0.85 };
  });
  return {
    rows,
    adjust: (spec, width) => { spec.height = Math.min(520, Math.max(280, width * 0.62)); },
    after: () => legend(figure, names, alone),
  };
}

const SHAPES = ["circle", "triangle-up", "square", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left"];
const PATHS = {
  circle: "M11 6A5 5 0 1 1 1 6A5 5 0 1 1 11 6Z", "triangle-up": "M6 1L11 11H1Z", square: "M1.5 1.5H10.5V10.5H1.5Z", diamond: "M6 0L11 6L6 12L1 6Z",
  cross: "M4 1H8V4H11V8H8V11H4V8H1V4H4Z", "triangle-down": "M1 1H11L6 11Z", "triangle-right": "M1 1L11 6L1 11Z", "triangle-left": "M11 1V11L1 6Z",
};

function legend(figure, names, alone) {
  const items = names.map((name, group) => {
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    mark.setAttribute("viewBox", "0 0 12 12");
    mark.setAttribute("aria-hidden", "true");
    path.setAttribute("d", PATHS[SHAPES[Math.floor(group / 8) % SHAPES.length]]);
    path.setAttribute("fill", colour(`--g${group % 8}`));
    mark.append(path);
    const button = element("button", { type: "button", "aria-pressed": String(name === alone) }, mark, name || "unknown");
    button.addEventListener("click", async () => {
      if (figure.dataset.alone === name) delete figure.dataset.alone; else figure.dataset.alone = name;
      await draw(figure);
      figure.querySelectorAll(".legend button")[group].focus();
    });
    return element("li", {}, button);
  });
  figure.querySelector(".legend").replaceChildren(...items);
}

function tradeoffChart() {
  const choice = document.getElementById("tradeoff-quality").value;
  const task = choice === "" ? null : DATA.tasks[Number(choice)];
  const biggest = Math.max(1e-9, ...DATA.models.map((model) => model.size_mb ?? 0));
  const rows = DATA.models.filter((model) => model.speed !== null).map((model) => {
    const score = task ? task.models.find((other) => other.name === model.name) : null;
    const known = task ? score && { value: scaled(task, score.value), low: scaled(task, score.low), high: scaled(task, score.high) }
      : model.mean_rank !== null && { value: model.mean_rank, low: model.mean_rank, high: model.mean_rank };
    const state = !model.ranked ? "control" : (task ? score?.state : model.place === 1 ? "best" : "behind");
    return known && { model: model.name, ...known, speed: model.speed, size_mb: model.size_mb, dim: model.dim, area: (model.size_mb ?? 0) / biggest, state };
  }).filter(Boolean);
  return {
    rows, texts: { value: task ? unitTexts(task).value : "mean rank (1 is best)" },
    empty: "No speed was measured: every embedding was in the store before its time was kept.",
    adjust: (spec) => {
      const upside = task ? !task.higher : true;
      for (const layer of spec.layer) if (layer.encoding.y?.scale) layer.encoding.y.scale.reverse = upside;
    },
  };
}

function studyChart(figure) {
  const kind = figure.dataset.chart;
  const { rows, value } = DATA.studies[kind][Number(figure.dataset.task)];
  const num = new Set(rows.map((row) => row.task)).size;
  if (kind === "robustness") return { texts: { value }, rows, adjust: (spec) => { spec.height = { step: Math.max(22, 9 * num) }; } };
  const own = 2 * Math.max(0.5, ...rows.map((row) => row.seconds ?? 0)); // a model's own windows stand one step further
  const placed = rows.map(({ seconds, ...row }) => ({ ...row, window: seconds === null ? "own" : `${seconds} s`, place: seconds ?? own }));
  return {
    texts: { value, own: String(own) }, rows: placed,
    adjust: (spec) => { for (const layer of spec.layer) layer.encoding.x.axis.values = [...new Set(placed.map((row) => row.place))]; },
  };
}

function chartOf(figure) {
  const kind = figure.dataset.chart;
  if (kind in DATA.studies) return studyChart(figure);
  if (kind === "map") return mapChart(figure);
  if (kind === "tradeoff") return tradeoffChart();
  const task = DATA[figure.dataset.among ?? "tasks"][Number(figure.dataset.task)];
  return BUILDERS[kind](task, task.models[picked[figure.dataset.task] ?? 0].page);
}
