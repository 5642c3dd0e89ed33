"""The page: what stands in it, what cannot run in it, how large it is."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from noss.reports import Details, Score, Unit, html
from noss.reports._charts import specs

ATTACK = "<img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Tags with their attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def text(scores: list[Score], details: Details, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    html.write(scores, path, details=details)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    sources = [
        value for _, attributes in page.tags for key, value in attributes.items() if key in {"src", "srcset", "action"}
    ]
    links = [attributes["href"] or "" for tag, attributes in page.tags if tag in {"a", "link"}]
    assert sources == []
    assert {link for link in links if not link.startswith("#")} <= {"data:,"}


def test_style_loads_nothing(text: str) -> None:
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    assert not re.search(r"@import|url\(", style.group(1))


def test_policy_allows_the_scripts_of_the_page_alone(page: Page) -> None:
    policy = next(
        a["content"] or "" for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    runnable = [
        script
        for script, (_, attributes) in zip(page.scripts, [t for t in page.tags if t[0] == "script"], strict=True)
        if attributes.get("type") != "application/json"
    ]
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in runnable}
    assert digests == set(re.findall(r"'sha256-[^']+'", policy))
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe-eval" not in policy


def test_labels_with_markup_are_text(text: str, page: Page) -> None:
    assert ATTACK not in text
    assert "img" not in {tag for tag, _ in page.tags}
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


def test_data_survives_the_escaping(page: Page) -> None:
    data = json.loads(page.scripts[0])
    mood = next(task for task in data["tasks"] if task["name"] == "csv/./calls.csv/mood")
    assert mood["classes"] == [ATTACK, "=cmd()"]
    assert len(data["tasks"]) == 5
    assert len(mood["models"]) == 5


def test_page_without_sound_is_under_three_megabytes(text: str, details: Details) -> None:
    sound = sum(len(uri) for uri in details.audio.values())
    assert sound > 0
    assert len(text.encode()) - sound < 3_000_000


def test_leaderboard_stands_without_scripts(text: str, scores: list[Score]) -> None:
    table = re.search(r'<table id="board".*?</table>', text, re.S)
    assert table is not None
    assert len(re.findall(r"<tr", table.group())) == 1 + 5
    assert len(re.findall(r'class="range"', table.group())) == sum(score.main for score in scores)
    assert table.group().count('class="control"') == 1


def test_every_task_has_a_section_and_every_button_a_type(page: Page) -> None:
    sections = [a.get("id") for tag, a in page.tags if tag == "details" and (a.get("id") or "").startswith("task-")]
    assert sections == [f"task-{index}" for index in range(5)]
    assert all(a.get("type") == "button" for tag, a in page.tags if tag == "button")


def test_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_warnings_and_failures_are_loud(text: str) -> None:
    assert "<b>1 failure</b>" in text
    assert text.count("the same speakers are in training and test") >= 2
    assert text.count("speakers are unknown") >= 2


def test_command_is_quoted_for_the_shell(text: str) -> None:
    assert "noss run --models yamnet --out &#39;runs/first; rm&#39;" in text


def test_a_run_started_in_python_shows_the_call(scores: list[Score], tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "command": None,
        "request": {"models": ["yamnet"], "tasks": ["demo"], "out": "runs/a", "seed": 0, "device": None},
    }
    html.write(scores, tmp_path / "a.html", details=Details(settings=settings))
    assert "noss.run(models=[&#39;yamnet&#39;], tasks=[&#39;demo&#39;], out=&#39;runs/a&#39;, seed=0)" in (
        tmp_path / "a.html"
    ).read_text(encoding="utf-8")


def test_scripts_are_kept_in_the_cache(scores: list[Score], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    html.write(scores, tmp_path / "a.html", details=Details(cache=tmp_path))
    kept = list((tmp_path / "scripts").glob("vega-*.js"))
    assert len(kept) == 1
    script = kept[0].read_text(encoding="utf-8")
    monkeypatch.setattr("noss.reports._script._bundled", lambda: "bundled = 1;")
    html.write(scores, tmp_path / "b.html", details=Details(cache=tmp_path))
    assert f"<script>{script}</script>" in (tmp_path / "b.html").read_text(encoding="utf-8")
    kept[0].write_text(script[:-1], encoding="utf-8")
    html.write(scores, tmp_path / "c.html", details=Details(cache=tmp_path))
    assert "<script>bundled = 1;</script>" in (tmp_path / "c.html").read_text(encoding="utf-8"), (
        "a damaged one is not used"
    )


def test_a_closing_script_tag_in_a_name_ends_no_script(scores: list[Score], tmp_path: Path) -> None:
    evil = [replace(score, model="</script><script>alert(1)</script>") for score in scores[:1]]
    html.write(evil, tmp_path / "a.html")
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert "alert(1)" not in page.scripts
    assert json.loads(page.scripts[0])["models"][0]["name"] == "</script><script>alert(1)</script>"


@pytest.mark.parametrize("kind", specs())
def test_charts_name_no_address_and_no_fixed_colour(kind: str) -> None:
    spec = json.dumps(specs()[kind])
    assert "http" not in spec
    assert not re.search(r"#[0-9a-fA-F]{3,8}", spec)


def test_what_another_draw_of_training_clips_would_change_is_shown(scores: list[Score], tmp_path: Path) -> None:
    drawn = [replace(score, draw_sd=0.0234) for score in scores if score.task == "ravdess/emotion"]
    html.write(drawn, tmp_path / "page.html", details=Details(units={"uar": Unit(title="Recall", percent=True)}))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "± 2.3 draws" in text
    assert "±2.3 from one training draw to another" in text
