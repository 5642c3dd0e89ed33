"""The embedding explorer: what its maps cost to make, how large its page is, and how long a frame takes to draw.

    python benchmarks/explorer.py --clips 2000,10000,20000 --dim 1024

The embeddings are made: 8 labels and 200 speakers, apart in every dimension, noise in all. Making is one model's exact
neighbours, main directions and t-SNE, from vectors in memory. The page holds two models. Frames are counted in headless
Chromium without a graphics card, 1,440 x 900: *draw* is the time of the page's own drawing while the map is moved a little
at every frame, *frame* the time from one frame to the next. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._explorer import NUM_NEIGHBOURS, PLANES
from noss.pipeline._explorer_map import comparable, main_directions, nearest, neighbourhoods, on_grid
from noss.reports._explorer import write_explorer
from noss.reports._explorer_facts import Atlas, Column, ModelMap

NUM_LABELS, NUM_SPEAKERS, NUM_FOUND, NUM_FRAMES = 8, 200, 90, 90
PAN = """async (frames) => {
  const [draws, gaps] = [[], []];
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  let last = performance.now();
  for (let frame = 0; frame < frames; frame++) {
    const before = performance.now();
    eachSky((sky) => { sky.view.x += frame % 20 < 10 ? 0.004 : -0.004; sky.draw(); });
    draws.push(performance.now() - before);
    await new Promise(requestAnimationFrame);
    gaps.push(performance.now() - last);
    last = performance.now();
  }
  return [middle(draws), middle(gaps)];
}"""
Times = tuple[float, float, float]


def located(embeddings_ND: NDArray[np.float32], name: str) -> tuple[ModelMap, Times]:
    """A model's map, and the seconds that neighbours, main directions and t-SNE took."""
    clock = [time.perf_counter()]
    unit_ND = comparable(embeddings_ND)
    found = nearest(unit_ND, NUM_FOUND)
    clock.append(time.perf_counter())
    main_N2, share = main_directions(unit_ND, seed=0)
    clock.append(time.perf_counter())
    near_N2 = neighbourhoods(found, main_N2, seed=0)
    clock.append(time.perf_counter())
    listed = found.first(NUM_NEIGHBOURS)
    made = ModelMap(
        model=name,
        dim=embeddings_ND.shape[1],
        planes=dict(zip(PLANES, (on_grid(near_N2), on_grid(main_N2)), strict=True)),
        share=share,
        near_NK=listed.rows_NK.astype(np.uint16),
        distances_NK=listed.distances_NK,
        columns=[],
    )
    return made, (clock[1] - clock[0], clock[2] - clock[1], clock[3] - clock[2])


def atlas(num: int, *, dim: int) -> tuple[Atlas, Times]:
    """So many clips with two models, and what the first one took."""
    rng = np.random.default_rng(0)
    label_N, speaker_N = rng.integers(0, NUM_LABELS, num), rng.integers(0, NUM_SPEAKERS, num)
    models, times = [], []
    for place in range(2):
        parts = rng.standard_normal((NUM_LABELS, dim)), rng.standard_normal((NUM_SPEAKERS, dim))
        embeddings_ND = parts[0][label_N] + 0.7 * parts[1][speaker_N] + 1.5 * rng.standard_normal((num, dim))
        one, took = located(embeddings_ND.astype(np.float32), f"model {place}")
        models.append(one)
        times.append(took)
    made = Atlas(
        dataset="made",
        root=Path("sounds"),
        files=[f"speaker_{speaker:03d}/clip_{row:06d}.wav" for row, speaker in enumerate(speaker_N)],
        starts_s=np.zeros(num, dtype=np.float32),
        ends_s=np.full(num, np.nan, dtype=np.float32),
        columns=[
            _words("label", NUM_LABELS, label_N),
            _words("speaker", NUM_SPEAKERS, speaker_N),
            Column(name="seconds", numbers_N=rng.gamma(3, 1, num).astype(np.float32)),
        ],
        models=models,
        label="label",
        notes=[],
    )
    return made, times[0]


def _words(name: str, num: int, codes_N: NDArray[Any]) -> Column:
    return Column(
        name=name, words=[f"{name} {place:03d}" for place in range(num)], codes_N=(codes_N + 1).astype(np.uint16)
    )


def frames(page: Path) -> list[list[float]]:
    """Milliseconds (draw, frame) of the median frame, with one map and with two."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": 1440, "height": 900})
        shown.goto(page.as_uri())
        alone = shown.evaluate(PAN, NUM_FRAMES)
        shown.locator("#model-1").select_option("model 1")
        beside = shown.evaluate(PAN, NUM_FRAMES)
        browser.close()
    return [alone, beside]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", default="2000,10000,20000")
    parser.add_argument("--dim", type=int, default=1024)
    given = parser.parse_args()
    print(
        "| Clips | Neighbours, s | Main directions, s | t-SNE, s | Page, MB | Draw one map, ms | Frame, ms | Draw two, ms | Frame, ms |"
    )
    print("| --: | --: | --: | --: | --: | --: | --: | --: | --: |")
    for num in map(int, given.clips.split(",")):
        made, times = atlas(num, dim=given.dim)
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "explorer.html"
            write_explorer([made], page, run="benchmark")
            size_mb, drawn = page.stat().st_size / 1e6, frames(page)
        cells = [
            *(f"{seconds:.1f}" for seconds in times),
            f"{size_mb:.1f}",
            *(f"{ms:.1f}" for pair in drawn for ms in pair),
        ]
        print(f"| {num:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
