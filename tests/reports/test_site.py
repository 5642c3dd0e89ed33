"""A results store as a site: every page is there, links lead somewhere, nothing in a record can run, search finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from watched import Watched, chromium

from noss.errors import DataError
from noss.pipeline.report import report
from noss.reports import Details, Score, Unit, html
from noss.reports._site_facts import Site, Suite

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHIFT = {"change": -0.1, "low": -0.2, "high": 0.0, "cosine": 0.5}
ATTACK = "<img src=x onerror=alert(1)>"
RESULTS = Path(__file__).parents[2] / "results"
SUITES = sorted({path.parent for path in RESULTS.glob("*/*.jsonl")})
FILES = sorted({path.name for path in RESULTS.glob("*/*.jsonl")})
TRAININGS = sorted(
    f"training/{path.stem}.html" for path in (RESULTS / "training").glob("*.json") if path.stem != "schema"
)


class Links(HTMLParser):
    """Where the links of a page lead, and the tags it is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in {"href", "src"} and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the published results."""
    return report(RESULTS, out=tmp_path_factory.mktemp("site")).parent


def made(scores: list[Score], **facts: dict[str, dict[str, str]]) -> Site:
    names = {score.model for score in scores} | {score.task for score in scores}
    return Site(
        suites=[Suite(name="first", scores=scores, details=Details(units={"uar": Unit(title="Recall", percent=True)}))],
        models=facts.get("models", {}),
        tasks=facts.get("tasks", {}),
        families={},
        pages={name: f"page-{index}" for index, name in enumerate(sorted(names))},
        records={"first/page-0.jsonl": json.dumps(asdict(scores[0]))},
    )


def test_every_suite_model_and_task_has_a_page_and_every_file_is_there(site: Path) -> None:
    for suite in SUITES:
        records = sorted(path.name for path in suite.glob("*.jsonl"))
        assert sorted(path.name for path in (site / "records" / suite.name).iterdir()) == records
    lines = [path.read_text(encoding="utf-8").splitlines() for suite in SUITES for path in suite.glob("*.jsonl")]
    tasks = {(score["dataset"], score["target"]) for some in lines for score in map(json.loads, some)}
    assert sorted(path.stem for path in (site / "models").iterdir()) == sorted(Path(name).stem for name in FILES)
    assert len(list((site / "tasks").iterdir())) == len(tasks)
    assert sorted(path.stem for path in (site / "suites").iterdir()) == [suite.name for suite in SUITES]


def test_no_link_of_any_page_is_broken(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        for address in Links(page.read_text(encoding="utf-8")).addresses:
            if not address.startswith(("https://", "#", "data:")):
                path, _, place = unquote(address).partition("#")
                assert (page.parent / path).is_file(), f"{page.name} links to {address}"
                assert f'id="{place}"' in (page.parent / path).read_text(encoding="utf-8") or not place, address


def test_a_record_on_the_site_is_the_record_of_the_store(site: Path) -> None:
    for path in (site / "records" / "open_here").iterdir():
        assert path.read_bytes() == (RESULTS / "open_here" / path.name).read_bytes()


def test_analyses_have_a_page_and_their_records_are_there(site: Path) -> None:
    page = (site / "analyses.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)"', page) == ["robustness", "context", "layers", "similarity"]
    assert (site / "index.html").read_text(encoding="utf-8").count('href="analyses.html#') == 4
    for path in (path for path in (RESULTS / "analyses").rglob("*.json*")):
        copied = site / "records" / path.relative_to(RESULTS)
        assert copied.read_bytes() == path.read_bytes()


def test_every_training_run_of_the_store_has_its_page_and_its_record_there(site: Path) -> None:
    assert sorted(f"training/{path.name}" for path in (site / "training").iterdir()) == TRAININGS
    assert any('class="value"' in (site / name).read_text(encoding="utf-8") for name in TRAININGS)
    for record in (f"training/{Path(name).stem}.json" for name in TRAININGS):
        assert (site / "records" / record).read_bytes() == (RESULTS / record).read_bytes()


def test_a_models_page_says_what_is_left_of_it_under_noise(site: Path) -> None:
    lines = (RESULTS / "analyses" / "robustness" / "byol_s.jsonl").read_text(encoding="utf-8").splitlines()
    one = next(one for one in map(json.loads, lines) if one["condition"] == "pink noise 20 dB")
    page = (site / "models" / "byol_s.html").read_text(encoding="utf-8")
    (row,) = re.findall(r'<tr><th scope="row">pink noise 20 dB</th>.*?</tr>', page, re.DOTALL)
    assert f"{100 * one['value']:.1f}" in row
    assert f"{100 * abs(one['shift']['change']):.1f}" in row


def test_the_best_value_of_a_task_stands_on_its_page_with_its_interval(site: Path) -> None:
    page = next((site / "tasks").glob("ravdess_emotion*"))
    lines = [
        json.loads(line) for path in (RESULTS / "open_here").glob("*.jsonl") for line in path.open(encoding="utf-8")
    ]
    best = max(
        (
            one
            for one in lines
            if (one["dataset"], one["target"]) == ("ravdess", "emotion") and one["main"] and one["ranked"]
        ),
        key=lambda one: float(one["value"]),
    )
    rows = re.findall(r"<tr data-name=.*?</tr>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert f'data-name="{best["model"]}"' in rows[0]
    assert f"{100 * best['value']:.1f}" in rows[0]
    assert f"{100 * best['low']:.1f}–{100 * best['high']:.1f}" in rows[0]


def test_text_from_outside_is_never_markup(tmp_path: Path, scores: list[Score]) -> None:
    nasty = [
        replace(score, model=f"{ATTACK}{index}", dataset=ATTACK, warnings=[ATTACK], probe=ATTACK, size_mb=index + 1.0)
        for index, score in enumerate(score for score in scores if score.task == "ravdess/emotion" and score.main)
    ]
    facts = {f"{ATTACK}0": {"Source": f"javascript:{ATTACK}", "Note": ATTACK}}
    studied = [score for one in nasty for score in (one, replace(one, condition=ATTACK, shift=SHIFT))]
    site = replace(made(nasty, models=facts), analyses=Details(run=ATTACK, studies={"robustness": studied}))
    html.write_site(site, tmp_path)
    assert "&lt;img" in (tmp_path / "analyses.html").read_text(encoding="utf-8")
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "img" not in Links(text).tags
        assert not any(address.startswith("javascript:") for address in Links(text).addresses)
    assert "&lt;img" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_style_of_one_run_says_so_for_a_store(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds results of many runs, and the style csv shows one run.*--style html"):
        report(RESULTS, style="csv", out=tmp_path / "x.csv")


def test_a_broken_record_leaves_the_old_site_as_it_was(tmp_path: Path) -> None:
    store = tmp_path / "results" / "open_here"
    store.mkdir(parents=True)
    (store / "yamnet.jsonl").write_text('{"model": "yamnet"}\n')
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("old")
    with pytest.raises(DataError, match=r"yamnet\.jsonl, line 1"):
        report(tmp_path / "results", out=tmp_path / "site")
    assert (tmp_path / "site" / "index.html").read_text() == "old"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def watched(browser: Browser, site: Path) -> Iterator[Watched]:
    found = Watched(browser, (site / "index.html").as_uri(), viewport={"width": 1280, "height": 900})
    yield found
    found.close()


@pytest.mark.slow
def test_search_finds_models_by_name_and_by_what_they_were_trained_on(watched: Watched) -> None:
    page, rows = watched.page, watched.page.locator("#models-table tbody tr:visible")
    page.get_by_label("Search").first.fill("opensmile egemaps")
    assert [text.strip() for text in rows.locator("th").all_text_contents()] == ["opensmile/egemaps"]
    assert page.locator("[data-count=models-table]").text_content() == f"1 of {len(FILES)} models"
    page.get_by_label("Search").first.fill("Apache-2.0")
    assert rows.count() >= 2
    page.get_by_label("Controls").first.uncheck()
    assert "trivial" not in "".join(rows.all_text_contents())


@pytest.mark.slow
def test_one_walks_from_the_board_to_suite_task_model_and_record(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("link", name="open_here").first.click()
    page.get_by_placeholder("task, family, metric").fill("emotion")
    assert page.locator("#board thead th.score:visible").count() == 1
    page.get_by_role("link", name="about ravdess/emotion").click()
    assert page.locator("h1").text_content() == "ravdess/emotion"
    assert page.locator("figure svg").count() >= 2
    assert page.locator(".drawn [aria-roledescription=point] title").first.text_content()
    page.get_by_role("link", name="yamnet").first.click()
    assert page.locator("h1").text_content() == "yamnet"
    page.get_by_role("link", name="record").first.click()
    assert '"model": "yamnet"' in page.content()


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", ["index.html", "suites/open_here.html", "models/yamnet.html", "analyses.html", *TRAININGS]
)
def test_a_phone_shows_it_without_scrolling_the_page_sideways(browser: Browser, site: Path, page: str) -> None:
    phone = Watched(browser, (site / page).as_uri(), viewport={"width": 375, "height": 700}, color_scheme="dark")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 375
    phone.close()


def test_the_broadest_suite_comes_first(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    found = list(dict.fromkeys(re.findall(r'href="suites/(\w+)\.html"', text)))
    assert found[0] == "open_here" and found[-1] == "ablation_small"
