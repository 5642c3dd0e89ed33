"""The page of a training run in a browser: every chart drawn, no wider than a phone, in both themes and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made_training import made
from watched import Watched, chromium

from noss.reports import html

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.mark.parametrize(("scheme", "step"), [("light", 900), ("dark", 900), ("light", 1)])
def test_every_chart_is_drawn_on_a_phone(browser: Browser, folder: Path, scheme: str, step: int) -> None:
    html.write_training(made(step=step), folder / "a.html")
    found = Watched(browser, (folder / "a.html").as_uri(), viewport={"width": 360, "height": 740}, color_scheme=scheme)
    found.see_everything()
    figures, width = (
        found.page.locator("figure.chart").count(),
        found.page.evaluate("document.documentElement.scrollWidth"),
    )
    drawn = found.page.locator("figure.chart .plot svg.marks").count()
    found.close()
    assert drawn == figures >= 5
    assert width <= 360


def test_numbers_and_settings_open_by_keyboard(browser: Browser, folder: Path) -> None:
    html.write_training(made(), folder / "b.html")
    found = Watched(browser, (folder / "b.html").as_uri())
    found.see_everything()
    numbers = found.page.locator("#curves .numbers").first
    numbers.locator("summary").focus()
    found.page.keyboard.press("Enter")
    numbers.locator("tbody tr").first.wait_for()
    settings = found.page.locator("#repeat details").first
    settings.locator("summary").focus()
    found.page.keyboard.press("Enter")
    assert settings.locator("tbody tr").first.is_visible()
    found.close()
