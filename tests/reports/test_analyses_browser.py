"""The sections of similarity and layers in a browser: drawn, readable in both themes, and no wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from watched import Watched, chromium

from noss.reports import Details, Score, Similarity, html
from noss.reports._similarity import Compared

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
HTML = "<img src=x onerror=alert(1)>"
CONTRAST = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(Number).map((value) => text.includes("srgb") ? value : value / 255);
    const one = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    return 0.2126 * one(r) + 0.7152 * one(g) + 0.0722 * one(b);
  };
  return [...document.querySelectorAll(".heat td")].map((cell) => {
    const { color, backgroundColor } = getComputedStyle(cell);
    const [low, high] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
}"""


def _similarity(layers: int = 13) -> Similarity:
    """Two deep models and a flat one, with every value from 0 to 1 somewhere and one that is not defined."""
    sizes = [layers, layers, 1]
    places = [[model, layer] for model, size in enumerate(sizes) for layer in range(size)]
    values: Any = np.round(np.linspace(0, 1, len(places) ** 2), 6).reshape(len(places), len(places)).tolist()
    values[0][1] = None
    names = ["transformers/facebook/wav2vec2-base@all", f"{HTML}@all", "yamnet"]
    models = [
        Compared(name=name, revision="0" * 32, layers=size, dim=8, num_clips=40, clips="1" * 32)
        for name, size in zip(names, sizes, strict=True)
    ]
    return Similarity(
        dataset=f"made {HTML}", estimator="unbiased", standardised=False, models=models, layers=places, cka=values, low=[],
        high=[], interval="none: too few speakers", num_clips=40, num_left_out=2, num_speakers=None, seed=0, signature="2" * 32,
        noss_version="0.1.0", date="2026-01-02T03:04:05Z", seconds=0.1, notes=[f"{HTML} lacks 2 clips"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def address(scores: list[Score], details: Details, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of analyses alone."""
    rows = [
        {"layer": n, "dev": 0.4, "value": 0.5 + n / 100, "low": 0.4, "high": 0.7, "folds": n % 2} for n in range(13)
    ]
    layered = [replace(scores[0], layers=rows)]
    path = tmp_path_factory.mktemp("page") / "report.html"
    html.write([], path, details=Details(layers=layered, similarities=[_similarity()], units=details.units))
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_values_stand_out_on_their_shade(browser: Browser, address: str, scheme: str) -> None:
    found = Watched(browser, address, color_scheme=scheme)
    ratios = found.page.evaluate(CONTRAST)
    found.see_everything()
    found.close()
    assert len(ratios) == 13 * 13 * 3 + 2 * 13
    assert min(ratios) >= 4.5


def test_the_page_is_no_wider_than_a_phone(browser: Browser, address: str) -> None:
    found = Watched(browser, address, viewport={"width": 360, "height": 740})
    found.see_everything()
    width = found.page.evaluate("document.documentElement.scrollWidth")
    found.close()
    assert width <= 360


def test_a_map_scrolls_by_keyboard_and_keeps_its_rows_named(browser: Browser, address: str) -> None:
    found = Watched(browser, address, viewport={"width": 360, "height": 740})
    page, region = found.page, found.page.locator(".heat").last
    region.focus()
    before = region.locator("tbody th").first.bounding_box()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("element => element.scrollLeft > 0", arg=region.element_handle())
    after = region.locator("tbody th").first.bounding_box()
    found.close()
    assert before is not None and after is not None
    assert before["x"] == after["x"]
