// Charts: one spec a kind, drawn when it comes into view, in the colours of the page.

const DATA = JSON.parse(document.getElementById("data").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map(); // figure -> its Vega view

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function filled(spec, texts) {
  if (typeof spec === "string") {
    if (spec.startsWith("var(")) return colour(spec.slice(4, -1));
    return spec.replace(/\{(\w+)\}/g, (whole, name) => texts[name] ?? whole);
  }
  if (Array.isArray(spec)) return spec.map((item) => filled(item, texts));
  if (spec === null || typeof spec !== "object") return spec;
  return Object.fromEntries(Object.entries(spec).map(([key, value]) => [key, filled(value, texts)]));
}

function config(width) {
  const [ink, muted, line] = ["--ink", "--muted", "--line"].map(colour);
  const font = getComputedStyle(document.body).fontFamily;
  const room = Math.max(70, Math.min(260, Math.round(width * 0.32)));
  return {
    background: "transparent", font, padding: 2,
    view: { stroke: null },
    axis: { labelColor: ink, titleColor: muted, titleFontWeight: "normal", domainColor: line, tickColor: line, gridColor: line,
      gridOpacity: 0.7, labelFontSize: 11, titleFontSize: 11, labelLimit: room, labelOverlap: true },
    axisX: { tickCount: width < 640 ? 5 : 8 },
    axisBand: { grid: false, domain: false, ticks: false },
    text: { font }, legend: { labelColor: ink, titleColor: muted },
  };
}

function bands(spec, rows) {
  const field = spec.layer.map((layer) => layer.encoding.y?.field).find(Boolean);
  return Math.max(1, new Set(rows.map((row) => row[field])).size);
}

async function draw(figure) {
  const chart = chartOf(figure); // { rows, texts, adjust }
  const plot = figure.querySelector(".plot");
  drawn.get(figure)?.finalize();
  const spec = filled(DATA.specs[figure.dataset.chart], chart.texts ?? {});
  spec.datasets = { rows: chart.rows };
  chart.adjust?.(spec, plot.clientWidth);
  if (spec.height.step) spec.height = spec.height.step * bands(spec, chart.rows);
  if (!chart.rows.length) {
    drawn.delete(figure);
    const tall = typeof chart.empty === "object";
    plot.replaceChildren(element(tall ? "div" : "p", { class: tall ? "scroll tall" : "note", tabindex: tall ? 0 : null }, chart.empty ?? "Nothing to show."));
    return;
  }
  const result = await vegaEmbed(plot, spec, {
    mode: "vega-lite", renderer: "svg", ast: true, logLevel: 1, config: config(plot.clientWidth), tooltip: { theme: dark.matches ? "dark" : "light" },
    actions: { export: true, source: false, compiled: false, editor: false }, downloadFileName: `noss-${figure.dataset.chart}`,
  });
  drawn.set(figure, result.view);
  plot.querySelector("summary")?.setAttribute("aria-label", "Save this chart");
  const numbers = figure.querySelector(".numbers");
  if (numbers?.open) numbers.lastElementChild.replaceChildren(numbersTable(chart.rows));
  chart.after?.(figure);
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    watcher.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "200px" });

function redraw(figures) {
  for (const figure of figures) watcher.unobserve(figure), watcher.observe(figure);
}

function watchCharts() {
  const figures = [...document.querySelectorAll("figure.chart")];
  redraw(figures);
  dark.addEventListener("change", () => redraw(figures));
  for (const figure of figures) {
    figure.querySelector(".numbers")?.addEventListener("toggle", (event) => {
      if (event.target.open) event.target.lastElementChild.replaceChildren(numbersTable(chartOf(figure).rows));
    });
  }
}
