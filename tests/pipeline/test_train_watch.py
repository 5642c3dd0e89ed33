"""The watcher knows where corpora lie from the command as well as from the recipe."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from noss.pipeline import _train_corpus, _train_watch
from noss.pipeline._train_watch import Watcher
from noss.runs import write_json


def test_roots_of_the_command_reach_scores_and_held_out_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def run(**options: Any) -> Any:
        asked.append(options["root"])
        return SimpleNamespace(scores=[])

    def open_corpus(recipe: Any, **options: Any) -> Any:
        asked.append(options["roots"])
        return SimpleNamespace(held_out=[], clips=[])

    monkeypatch.setattr(_train_watch, "run", run)
    monkeypatch.setattr(_train_corpus, "open_corpus", open_corpus)
    watch = {"tasks": ["fsdd/digit"], "root": [f"fsdd={tmp_path}"]}
    recipe = {"student": "audiontt/512", "objective": "match_teacher", "teacher": "mfcc_stats", "steps": 1}
    write_json(tmp_path / "run.json", {"recipe": {**recipe, "data": ["esc50"], "watch": watch}})
    watcher = Watcher(tmp_path, cache=tmp_path, root=[f"esc50={tmp_path}"])
    watcher._scored(["trivial"], out=tmp_path, cache=tmp_path)
    watcher._held_out()
    assert asked == [[f"fsdd={tmp_path}", f"esc50={tmp_path}"], {"esc50": tmp_path}]
