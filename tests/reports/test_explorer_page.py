"""The explorer's page as a file: one piece, small, and safe whatever labels and file names hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import made_atlas
import numpy as np

from noss.reports._explorer import write_explorer

HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "&quot;\"'`", "=cmd()", "\u2028line"]


def written(folder: Path, *atlases: made_atlas.Atlas, run: str = "first") -> str:
    path = folder / "explorer.html"
    write_explorer(atlases, path, run=run, notes=[HOSTILE[0]])
    return path.read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    return re.findall(r'<script type="application/json" class="atlas">(.*?)</script>', page, re.S)


def test_markup_in_labels_files_and_names_is_text(tmp_path: Path) -> None:
    files = [f"{text}/{number}.wav" for number, text in enumerate(HOSTILE)]
    made = made_atlas.atlas(5, tmp_path, texts=HOSTILE, files=files)
    page = written(tmp_path, replace(made, dataset=HOSTILE[0], notes=[HOSTILE[1]]), run=HOSTILE[0])
    assert "<img" not in page
    assert "<!--" not in page
    assert "<i>own</i>" not in page
    assert page.count("</script>") == page.count("<script") == 2
    (block,) = blocks(page)
    facts = json.loads(block)
    assert facts["columns"][0]["words"] == HOSTILE
    folders = facts["files"]["folders"]
    assert sorted(folders) == sorted(f"{file.rpartition('/')[0]}/" for file in files)


def test_ten_thousand_clips_and_two_models_stay_below_three_megabytes(tmp_path: Path) -> None:
    assert len(written(tmp_path, made_atlas.atlas(10_000, tmp_path)).encode()) < 3_000_000


def test_page_may_fetch_nothing_but_sound_of_this_machine(tmp_path: Path) -> None:
    page = written(tmp_path, made_atlas.atlas(5, tmp_path))
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    rules = dict(rule.strip().split(" ", 1) for rule in found.group(1).replace("&#39;", "'").split(";"))
    assert rules["default-src"] == rules["connect-src"] == rules["form-action"] == "'none'"
    assert rules["media-src"] == "'self' file: data: blob:"
    assert "unsafe" not in rules["script-src"]
    assert re.findall(r'(?:src|href)="(?!#|data:|report\.html)', page) == []


def test_sound_is_linked_from_where_the_page_stands(tmp_path: Path) -> None:
    page = tmp_path / "runs" / "first" / "explorer.html"
    page.parent.mkdir(parents=True)
    write_explorer([made_atlas.atlas(5, tmp_path / "a corpus")], page, run="first")
    sound = json.loads(blocks(page.read_text(encoding="utf-8"))[0])["sound"]
    assert sound == {"near": "../../a corpus", "far": (tmp_path / "a corpus").as_uri()}


def test_a_dataset_has_a_block_of_its_own(tmp_path: Path) -> None:
    page = written(tmp_path, made_atlas.atlas(5, tmp_path), replace(made_atlas.atlas(7, tmp_path), dataset="other"))
    assert [json.loads(block)["dataset"] for block in blocks(page)] == ["made", "other"]
    assert '<option value="1">other</option>' in page


def test_segments_are_carried_where_there_are_any(tmp_path: Path) -> None:
    made = made_atlas.atlas(3, tmp_path)
    whole = json.loads(blocks(written(tmp_path, made))[0])
    assert (whole["starts"], whole["ends"]) == (None, None)
    ends_s = np.array([1.5, np.nan, 2.0], dtype=np.float32)
    cut = json.loads(blocks(written(tmp_path, replace(made, ends_s=ends_s)))[0])
    assert cut["ends"] is not None
