"""The page in a browser: it sorts, filters, plays, opens, fits a phone, obeys the keyboard, and says no error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from watched import Watched, chromium, until

from noss.reports import Details, Score, html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def address(scores: list[Score], details: Details, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    html.write(scores, path, details=details)
    return path.as_uri()


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    found = Watched(browser, address, viewport={"width": 1280, "height": 900})
    yield found
    found.close()


def names(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#board tbody tr:visible th .name").all_text_contents()]


def test_a_column_sorts_both_ways(watched: Watched) -> None:
    page = watched.page
    heading = page.locator("#board thead th", has_text="emotion")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    falling = names(page)
    assert falling[0] == "transformers/facebook/wav2vec2-base@6"
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(page) == falling[::-1]
    assert page.locator("#board th[aria-sort]").count() == 1


def test_what_is_missing_sorts_last_either_way(watched: Watched) -> None:
    page = watched.page
    button = page.locator("#board thead th", has_text="Size").get_by_role("button")
    button.click()
    assert names(page)[:3] == ["onnx/./embedding_model.onnx", "yamnet", "transformers/facebook/wav2vec2-base@6"]
    button.click()
    assert names(page)[:3] == ["transformers/facebook/wav2vec2-base@6", "yamnet", "onnx/./embedding_model.onnx"]


def test_filter_keeps_the_models_that_match(watched: Watched) -> None:
    page = watched.page
    page.get_by_label("Filter").fill("yam")
    assert names(page) == ["yamnet"]
    assert page.locator("[data-count=board]").text_content() == "1 of 5 models"
    page.get_by_label("Filter").fill("")
    page.get_by_label("Controls").uncheck()
    assert "trivial" not in names(page)
    assert len(names(page)) == 4


def test_play_button_plays_a_sound(watched: Watched) -> None:
    page = watched.page
    button = page.locator("button.play").first
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    until(page, "playing.audio && playing.audio.readyState >= 2 && playing.audio.currentTime > 0")
    assert page.evaluate("playing.audio.duration") == pytest.approx(2.0, abs=0.2)
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.evaluate("playing.audio") is None


def test_a_second_sound_stops_the_first(watched: Watched) -> None:
    page = watched.page
    first, second = page.locator("button.play").all()[:2]
    first.click()
    second.click()
    assert (first.get_attribute("aria-pressed"), second.get_attribute("aria-pressed")) == ("false", "true")


def test_every_section_opens_and_every_chart_is_drawn(watched: Watched) -> None:
    page = watched.page
    page.locator("#open-all").click()
    watched.see_everything()
    assert page.locator("details.task:not([open])").count() == 0
    drawn = page.locator("figure.chart .plot svg.marks").count()
    empty = page.locator("figure.chart .plot p.note").count()
    assert drawn + empty == page.locator("figure.chart").count()
    assert drawn >= 25
    marks = page.locator("figure.chart").evaluate_all(
        "all => all.map(f => f.querySelectorAll('.mark-symbol path, .mark-rect path, .mark-rule line').length)"
    )
    assert min(count for count in marks) > 0


def test_markup_in_labels_stays_text(watched: Watched) -> None:
    page = watched.page
    page.locator("#open-all").click()
    watched.see_everything()
    assert page.locator("img").count() == 0
    assert page.locator("table.mistakes td", has_text="<img src=x onerror=alert(1)>").count() > 0


def test_another_model_changes_the_figures_and_the_mistakes(watched: Watched) -> None:
    page = watched.page
    watched.see_everything()
    confusion = page.locator("#task-0 [data-chart=confusion] svg.marks")
    before, mistakes = confusion.inner_html(), page.locator("#task-0 .mistakes").inner_text()
    page.locator("[data-model='0']").select_option(label="trivial")
    confusion.scroll_into_view_if_needed()
    until(page, "document.querySelector('#task-0 [data-chart=confusion] svg.marks')?.innerHTML !== given", before)
    assert page.locator("#task-0 .mistakes").inner_text() != mistakes


def test_map_is_coloured_by_label_or_speaker(watched: Watched) -> None:
    page = watched.page
    page.locator("#map-0 figure").scroll_into_view_if_needed()
    page.locator("#map-0 .legend button").first.wait_for()
    assert page.locator("#map-0 .legend button").count() == 8
    page.locator("[data-map-colour='0']").select_option("speaker")
    until(page, "document.querySelectorAll('#map-0 .legend button').length === 24")
    page.locator("#map-0 .legend button").nth(3).click()
    until(page, "document.querySelectorAll('#map-0 .legend button[aria-pressed=true]').length === 1")


def test_numbers_of_a_chart_can_be_read_as_a_table(watched: Watched) -> None:
    page = watched.page
    watched.see_everything()
    numbers = page.locator("#task-0 [data-chart=scores] .numbers")
    numbers.locator("summary").click()
    assert numbers.locator("tbody tr").count() == 5


def test_quality_can_be_any_task(watched: Watched) -> None:
    page = watched.page
    watched.see_everything()
    page.locator("#tradeoff-quality").select_option(index=1)
    until(
        page, "document.querySelector('[data-chart=tradeoff] svg')?.textContent.includes('Unweighted average recall')"
    )


def test_link_to_a_task_opens_it(watched: Watched) -> None:
    page = watched.page
    page.locator(".card a").nth(2).click()
    until(page, "document.getElementById('task-2').open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_has_no_sideways_scroll(browser: Browser, address: str, scheme: Any) -> None:
    watched = Watched(browser, address, viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True)
    watched.page.locator("#open-all").click()
    for summary in watched.page.locator("details:not([open]) > summary").all():
        if summary.is_visible():
            summary.evaluate("summary => summary.parentElement.open = true")
    watched.see_everything()
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 360
    assert watched.complaints == []
    watched.context.close()


def luminance(colour: str) -> float:
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_dark_mode_darkens_the_page_and_lightens_the_charts(browser: Browser, address: str) -> None:
    watched = Watched(browser, address, viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = watched.page
    page.locator("#task-0 [data-chart=scores]").scroll_into_view_if_needed()
    label = "document.querySelector('#task-0 [data-chart=scores] svg .mark-text text')"
    until(page, f"{label} !== null")
    light = page.evaluate(f"[getComputedStyle(document.body).backgroundColor, getComputedStyle({label}).fill]")
    page.emulate_media(color_scheme="dark")
    until(page, f"{label} && getComputedStyle({label}).fill !== given", light[1])
    dark = page.evaluate(f"[getComputedStyle(document.body).backgroundColor, getComputedStyle({label}).fill]")
    assert luminance(light[0]) > 0.9 > 0.3 > luminance(light[1])
    assert luminance(dark[0]) < 0.1 < 0.7 < luminance(dark[1])
    assert watched.complaints == []
    watched.context.close()


def test_keyboard_alone_sorts_opens_and_plays(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached: set[str] = set()
    for _ in range(160):
        page.keyboard.press("Tab")
        kind = page.evaluate(
            "document.activeElement.closest('th') ? 'sort' : document.activeElement.className || document.activeElement.tagName"
        )
        if kind == "sort" and "sort" not in reached:
            page.keyboard.press("Enter")
            assert page.locator("#board th[aria-sort]").count() == 1
        if kind == "play" and "play" not in reached:
            page.keyboard.press("Space")
            assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
        if kind == "SUMMARY":
            before = page.evaluate("document.activeElement.parentElement.open")
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open") != before
            page.keyboard.press("Enter")
        reached.add(kind)
    assert {"sort", "play", "SUMMARY", "INPUT", "SELECT"} <= reached


def test_focus_can_be_seen(watched: Watched) -> None:
    page = watched.page
    for _ in range(12):
        page.keyboard.press("Tab")
    width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert width == "2px"


def test_charts_have_names_for_those_who_do_not_see_them(watched: Watched) -> None:
    labels = watched.page.locator("figure.chart .plot").evaluate_all(
        "all => all.map(plot => plot.getAttribute('aria-label'))"
    )
    assert all(labels)


def test_page_opens_without_drawing_what_is_far_away(watched: Watched) -> None:
    watched.page.wait_for_timeout(500)
    drawn = watched.page.locator("figure.chart svg.marks").count()
    assert drawn < watched.page.locator("figure.chart").count() / 2


def test_page_without_details_has_no_error(browser: Browser, scores: list[Score], tmp_path: Path) -> None:
    html.write(scores, tmp_path / "bare.html")
    watched = Watched(browser, (tmp_path / "bare.html").as_uri())
    watched.page.locator("#open-all").click()
    watched.see_everything()
    assert watched.complaints == []
    watched.context.close()


def test_too_many_classes_show_their_most_frequent_confusions(
    browser: Browser, scores: list[Score], details: Details, tmp_path: Path
) -> None:
    page = {
        **details.pages["ravdess/emotion"][0],
        "confusion": None,
        "pairs": [("c1", "<i>c2</i>", 7), ("c3", "c4", 5)],
    }
    many: Any = {**details.pages, "ravdess/emotion": [page, *details.pages["ravdess/emotion"][1:]]}
    html.write(scores, tmp_path / "many.html", details=replace(details, pages=many))
    watched = Watched(browser, (tmp_path / "many.html").as_uri())
    watched.see_everything()
    assert watched.page.locator("#task-0 [data-chart=confusion] .plot td").all_text_contents() == [
        "c1",
        "<i>c2</i>",
        "7",
        "c3",
        "c4",
        "5",
    ]
    assert watched.complaints == []
    watched.context.close()
