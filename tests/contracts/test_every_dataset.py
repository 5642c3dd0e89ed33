"""Every dataset on the shelf keeps its contract: on a small copy made here, and on the real corpus where there is one.

For a dataset of one's own, `check_dataset("./mine.py", roots={"mine": folder})` runs the same checks.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from noss import shelf
from noss.datasets import Clip, Dataset
from noss.pipeline._check_dataset import check_card, check_dataset
from noss.pipeline._clips import find, open_dataset, open_tasks
from noss.pipeline._split import folds

COMPLETE = {"clips", "speakers", "hours"}  # promises that a small copy cannot keep
MINIATURES = {path.stem for path in (Path(__file__).parent.parent / "miniatures").glob("[!_]*.py")}
REAL = {"ravdess": "ravdess", "fsdd": "fsdd", "speechocean762": "speechocean_test"}
HALF = {"speechocean762"}  # the real copy holds half of the corpus


@pytest.fixture(scope="module", params=shelf.names("datasets"))
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Path]]:
    """Each dataset's name and the root of its small copy."""
    part = request.param
    assert part in MINIATURES, f"add tests/miniatures/{part}.py, so that the contract of {part} can be tried"
    root = tmp_path_factory.mktemp("small") / part
    if part != "demo":
        root.mkdir()
    return importlib.import_module(f"miniatures.{part}").build(root), {part: root}


@pytest.mark.parametrize("part", shelf.names("datasets"))
def test_a_dataset_states_its_source_licence_citation_and_metric(part: str) -> None:
    module = shelf.load("datasets", part)
    if not hasattr(module, "DATASET"):
        pytest.skip("a wrapper: its facts depend on its path")
    assert isinstance(module.DATASET, Dataset)
    assert [verdict for verdict in check_card(module.DATASET) if not verdict.ok] == []
    assert module.DATASET.title
    assert module.DATASET.hours > 0


@pytest.mark.parametrize("part", shelf.names("datasets"))
def test_a_datasets_first_line_says_what_it_is(part: str) -> None:
    assert 10 < len(shelf.summary("datasets", part)) <= 100


def test_a_small_copy_keeps_every_promise(small: tuple[str, dict[str, Path]], tmp_path: Path) -> None:
    name, roots = small
    verdicts = check_dataset(name, roots=roots, cache=tmp_path)
    assert [v for v in verdicts if v.ok is False and v.name not in COMPLETE] == []


def test_no_speaker_is_in_train_and_test_unless_the_dataset_says_so(small: tuple[str, dict[str, Path]]) -> None:
    name, roots = small
    shared = {*find(name, roots=roots).card.shared_targets, "speaker"}
    for task in open_tasks(name, roots=roots):
        assert (task.speakers == "shared") == (task.target in shared)
        for fold in folds(task).folds:
            if task.speakers == "disjoint":
                sides = [{task.clips[row].speaker for row in rows} for rows in (fold.train_N, fold.test_N)]
                assert not sides[0] & sides[1]


def test_clips_come_in_the_same_order_every_time_and_carry_declared_labels(small: tuple[str, dict[str, Path]]) -> None:
    name, roots = small
    card, clips, _ = open_dataset(name, roots=roots)
    again = open_dataset(name, roots=roots)[1]
    assert clips == again
    for clip in clips:
        assert isinstance(clip, Clip)
        assert set(clip.labels) <= set(card.targets)
        assert all(classes is None or clip.labels.get(t, classes[0]) in classes for t, classes in card.targets.items())


@pytest.mark.parametrize("part", sorted(REAL))
def test_a_real_copy_keeps_every_promise(part: str, noss_data: Path, tmp_path: Path) -> None:
    verdicts = check_dataset(part, roots={part: noss_data / REAL[part]}, cache=tmp_path)
    broken = [verdict for verdict in verdicts if verdict.ok is False]
    if part in HALF:
        broken = [v for v in broken if v.name not in COMPLETE | {"speaker: labels"}]
    assert broken == []
