// The page of a training run: curves, the suite over steps, and a button that copies.

function chartOf(figure) {
  const chart = DATA[figure.dataset.chart][Number(figure.dataset.task)];
  const { rows, log, value, format } = chart;
  return {
    rows, texts: { value, format },
    adjust: (spec) => {
      for (const layer of spec.layer) {
        if (log && layer.encoding.y?.scale) layer.encoding.y.scale = { type: "log", nice: false, padding: 4 };
        if (figure.dataset.chart === "curves" && new Set(rows.map((row) => row.series)).size < 2) layer.encoding.color.legend = null;
      }
    },
  };
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(text);
    button.textContent = "Selected: press Ctrl+C";
  }
}

for (const button of document.querySelectorAll("[data-sort]")) button.addEventListener("click", () => sortBy(button));
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));
watchCharts();
