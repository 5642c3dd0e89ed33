"""The explorer in a browser, with ten thousand clips: it colours, filters, selects, plays, compares, and says no error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import made_atlas
import numpy as np
import pytest
import soundfile
from watched import Watched, chromium, until

from noss.reports._explorer import write_explorer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
NUM = 10_000
WIDE = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page whose sounds lie beside it, all of them one and the same file behind many names."""
    folder = tmp_path_factory.mktemp("explorer")
    made = made_atlas.atlas(NUM, folder / "sounds")
    for file in made.files[:40]:
        path = folder / "sounds" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.2 * np.sin(np.arange(32_000) * 0.1), 16_000)
    write_explorer([made, made_atlas.atlas(60, folder / "sounds")], folder / "explorer.html", run="first")
    return (folder / "explorer.html").as_uri()


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    found = Watched(browser, address, viewport=WIDE, reduced_motion="reduce")
    until(found.page, "skies[0].frames > 0")
    yield found
    found.close()


def place(page: Page, clip: int, sky: int = 0) -> tuple[float, float]:
    """Where a clip is in the window."""
    return tuple(
        page.evaluate(
            """([sky, clip]) => {
                const box = skies[sky].canvas.getBoundingClientRect();
                const [x, y] = skies[sky].screen(clip);
                return [box.left + x, box.top + y];
            }""",
            [sky, clip],
        )
    )


def zoom_to(page: Page, clip: int) -> tuple[float, float]:
    """Zoom in until nothing lies over the clip; gives where it is."""
    page.evaluate(
        "clip => { Object.assign(skies[0].view, { x: skies[0].places[2 * clip], y: skies[0].places[2 * clip + 1], zoom: 60 }); skies[0].draw(); }",
        clip,
    )
    return place(page, clip)


def lasso(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(*corner, steps=4)
    page.mouse.up()


def whole_map(page: Page, sky: int = 0) -> tuple[float, float, float, float]:
    box = page.locator("figure.sky canvas").nth(sky).bounding_box()
    assert box is not None
    return box["x"] + 3, box["y"] + 3, box["x"] + box["width"] - 3, box["y"] + box["height"] - 45


def test_no_dot_is_an_element_of_the_page(watched: Watched) -> None:
    assert watched.page.locator("#count").text_content() == "10,000 clips"
    assert watched.page.evaluate("document.querySelectorAll('*').length") < 400


def test_dots_are_drawn_in_the_colours_of_the_legend(watched: Watched) -> None:
    seen = """(() => { const { data } = skies[0].pen.getImageData(0, 0, skies[0].canvas.width, skies[0].canvas.height);
        const kinds = new Set(); for (let i = 0; i < data.length; i += 4) kinds.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]); return kinds.size; })()"""
    assert watched.page.evaluate(seen) > 20
    assert watched.page.locator("#legend button").all_text_contents() == [
        f"{mood}2,000" for mood in ("angry", "calm", "happy", "sad", "surprised")
    ]


def test_pointing_at_a_dot_says_what_it_is(watched: Watched) -> None:
    page = watched.page
    page.mouse.move(*zoom_to(page, 17))
    tip = page.locator("figure.sky .tip").first
    tip.wait_for(state="visible")
    assert "happy" in tip.inner_text()
    assert "clip 00017.wav" in tip.inner_text()


def test_a_click_plays_and_shows_the_neighbours(watched: Watched) -> None:
    page = watched.page
    page.mouse.click(*zoom_to(page, 17))
    until(page, "playing.audio && playing.audio.currentTime > 0")
    assert page.evaluate("decodeURI(playing.audio.src)").endswith("/clip 00017.wav")
    assert page.locator("#file").inner_text().endswith("clip 00017.wav")
    assert page.locator("#near li").count() == made_atlas.NUM_NEAR
    assert page.locator("#near .note").inner_text() == "12 of 12 are happy too"
    page.locator("#play").click()
    assert page.evaluate("playing.audio") is None


def test_a_neighbour_can_be_gone_to(watched: Watched) -> None:
    page = watched.page
    page.evaluate("pickClip(17)")
    nearest = page.evaluate("state.atlas.models[0].near(17)[0].clip")
    page.locator("#near button").first.click()
    assert page.evaluate("state.clip") == nearest


def test_a_sound_that_is_not_there_is_said(browser: Browser, address: str) -> None:
    watched = Watched(browser, address, viewport=WIDE)
    watched.page.evaluate("pickClip(9000, { sounds: true })")
    until(watched.page, "document.getElementById('play').textContent === 'cannot play'")
    watched.context.close()


def test_values_words_and_numbers_filter_together(watched: Watched) -> None:
    page = watched.page
    shown = page.locator("#shown")
    page.locator("#legend button", has_text="calm").click()
    assert shown.inner_text() == "2,000 of 10,000 clips"
    page.locator("#colour").select_option("gender")
    page.locator("#legend button", has_text="f").first.click()
    both = page.evaluate("total(state.shown)")
    assert 800 < both < 1200
    page.locator("#words").fill("S07 calm")
    assert page.evaluate("state.shown.every((flag, clip) => !flag || state.atlas.columns[1].text(clip) === 's07')")
    assert page.locator("#chips button").count() == 2
    page.locator("#words").fill("")
    page.locator("#colour").select_option("age")
    page.locator("#range input").first.fill("50")
    assert page.evaluate("state.shown.every((flag, clip) => !flag || state.atlas.columns[4].numbers[clip] >= 50)")
    assert 0 < page.evaluate("total(state.shown)") < both
    for _ in range(3):
        page.locator("#chips button").first.click()
    assert shown.inner_text() == "all 10,000 clips"


def test_lasso_selects_what_it_goes_around_and_what_is_shown(watched: Watched) -> None:
    page = watched.page
    page.locator("#legend button", has_text="sad").click()
    page.get_by_role("button", name="Lasso").first.click()
    lasso(page, *whole_map(page))
    assert page.evaluate("total(state.brush)") == 2000
    assert page.locator("#selected").inner_text() == "2,000 clips, 20.0 % of the map"
    assert page.locator("#list li").count() == 60
    page.get_by_role("button", name="Show more").click()
    assert page.locator("#list li").count() == 120
    assert page.locator("#mix li").first.inner_text().split() == ["sad", "100", "%"]
    page.get_by_role("button", name="Clear").click()
    assert page.evaluate("state.brush") is None


def test_shift_and_drag_draws_too(watched: Watched) -> None:
    page = watched.page
    page.keyboard.down("Shift")
    lasso(page, *whole_map(page))
    page.keyboard.up("Shift")
    assert page.evaluate("total(state.brush)") == NUM


def test_two_models_share_selection_colours_and_filters(watched: Watched) -> None:
    page = watched.page
    page.locator("#model-1").select_option("<i>own</i>")
    assert page.locator("figure.sky:visible").count() == 2
    assert page.locator("figure.sky [data-name]").all_text_contents() == ["yamnet", "<i>own</i>"]
    page.keyboard.down("Shift")
    lasso(page, *whole_map(page, 1))
    page.keyboard.up("Shift")
    assert page.evaluate("total(state.brush)") == NUM
    page.evaluate("pickClip(17)")
    assert page.locator("#near h3").all_text_contents() == ["Nearest by yamnet", "Nearest by <i>own</i>"]
    assert "12 in both lists" in page.locator("#near .note").first.inner_text()
    page.locator("#colour").select_option("mood, right or wrong")
    assert page.evaluate("skies[0].palette !== skies[1].palette")
    page.locator("#model-1").select_option("one map")
    assert page.locator("figure.sky:visible").count() == 1


def test_wheel_zooms_where_it_points_and_drag_moves(watched: Watched) -> None:
    page = watched.page
    x, y = place(page, 17)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    until(page, "skies[0].view.zoom > 2")
    assert place(page, 17) == pytest.approx((x, y), abs=3)  # the mouse is at whole pixels
    page.mouse.down()
    page.mouse.move(x + 40, y + 25, steps=3)
    page.mouse.up()
    assert place(page, 17) == pytest.approx((x + 40, y + 25), abs=3)
    page.get_by_role("button", name="Fit").first.click()
    assert page.evaluate("skies[0].view.zoom") == 1


def test_two_fingers_zoom(browser: Browser, address: str) -> None:
    watched = Watched(browser, address, viewport={"width": 390, "height": 844}, has_touch=True)
    until(watched.page, "skies[0].frames > 0")
    watched.page.evaluate(
        """() => { const { canvas } = skies[0]; canvas.setPointerCapture = () => {};
        const box = canvas.getBoundingClientRect();
        const send = (name, pointerId, x) => canvas.dispatchEvent(new PointerEvent(name, { pointerId, pointerType: "touch", clientX: box.left + x, clientY: box.top + 150 }));
        send("pointerdown", 1, 150); send("pointerdown", 2, 200); send("pointermove", 2, 300); send("pointerup", 1, 150); send("pointerup", 2, 300); }"""
    )
    assert watched.page.evaluate("skies[0].view.zoom") == pytest.approx(3, rel=0.01)
    assert watched.page.evaluate("state.clip") == -1
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 390
    watched.close()


def test_keyboard_alone_steps_plays_selects_and_lets_go(watched: Watched) -> None:
    page = watched.page
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "CANVAS":
            break
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Map of made by yamnet"
    page.keyboard.press("ArrowRight")
    first = page.evaluate("state.clip")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("state.clip")
    assert -1 not in (first, second) and first != second
    right = "([a, b]) => skies[0].target[2 * b] > skies[0].target[2 * a]"
    assert page.evaluate(right, [first, second])
    assert ".wav" in (page.locator("#said").text_content() or "")
    page.keyboard.press("s")
    assert page.locator("#list li").count() == 1
    page.evaluate("pickClip(17)")
    page.keyboard.press("Enter")
    until(page, "playing.audio && playing.audio.currentTime > 0")
    page.keyboard.press("Escape")
    assert page.locator("#list li").count() == 0
    page.keyboard.press("+")
    assert page.evaluate("skies[0].view.zoom") > 1


def test_another_dataset_and_another_plane(watched: Watched) -> None:
    page = watched.page
    page.locator("#plane").select_option("Main directions (PCA)")
    assert "31 % of the variance" in page.locator("[data-dim]").first.inner_text()
    page.locator("#dataset").select_option("1")
    assert page.locator("#count").text_content() == "60 clips"
    assert page.evaluate("state.clip") == -1
    page.locator("#dataset").select_option("0")
    assert page.locator("#shown").inner_text() == "all 10,000 clips"
    assert page.locator("#colour").input_value() == "mood"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ground_of_the_map_is_that_of_the_page(browser: Browser, address: str, scheme: Any) -> None:
    watched = Watched(browser, address, viewport=WIDE, color_scheme=scheme)
    until(watched.page, "skies[0].frames > 0")
    corner = watched.page.evaluate("[...skies[0].pen.getImageData(1, 1, 1, 1).data].slice(0, 3)")
    assert (min(corner) > 230) if scheme == "light" else (max(corner) < 60)
    watched.close()
