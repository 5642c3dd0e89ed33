"""Every dataset on the shelf keeps its contract: on a small copy made here, and on the real corpus where there is one.

For a dataset of one's own, `check_dataset("./mine.py", roots={"mine": folder})` runs the same checks.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from noss import shelf
from noss.datasets import Clip, Dataset
from noss.datasets._files import stem
from noss.pipeline._check_dataset import check_card, check_dataset
from noss.pipeline._clips import find, open_dataset
from noss.pipeline._split import folds
from noss.pipeline._whereabouts import looks_like

COMPLETE = {"clips", "speakers", "hours", "files"}  # promises that a small copy cannot keep, and `clips by ...`
MINIATURES = {path.stem for path in (Path(__file__).parent.parent / "miniatures").glob("[!_]*.py")}
REAL = {"ravdess": "ravdess", "fsdd": "fsdd", "speechocean762": "speechocean_test"}
HALF = {"speechocean762"}  # the real copy holds half of the corpus


Build = Callable[[str], tuple[str, Path]]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Makes the small copy of a dataset and gives its name and its root; each is made once."""
    built: dict[str, tuple[str, Path]] = {}

    def built_once(part: str) -> tuple[str, Path]:
        assert part in MINIATURES, f"add tests/miniatures/{part}.py, so that the contract of {part} can be tried"
        if part not in built:
            root = tmp_path_factory.mktemp("small") / part
            if part != "demo":
                root.mkdir()
            built[part] = importlib.import_module(f"miniatures.{part}").build(root), root
        return built[part]

    return built_once


@pytest.fixture(scope="module", params=shelf.names("datasets"))
def small(request: pytest.FixtureRequest, build: Build) -> tuple[str, dict[str, Path]]:
    """Each dataset's name and the root of its small copy."""
    name, root = build(request.param)
    return name, {request.param: root}


@pytest.fixture(scope="module", params=shelf.names("datasets"))
def corpus(request: pytest.FixtureRequest) -> str:
    """The name of each dataset that is no wrapper."""
    if not hasattr(shelf.load("datasets", request.param), "DATASET"):
        pytest.skip("a wrapper: its facts depend on its path")
    return str(request.param)


def card_of(corpus: str) -> Dataset:
    card = shelf.load("datasets", corpus).DATASET
    assert isinstance(card, Dataset)
    return card


def makes_itself(corpus: str) -> bool:
    return hasattr(shelf.load("datasets", corpus), "default_root")


def can_be_kept_by_a_part(name: str) -> bool:
    return name not in COMPLETE and not name.startswith("clips by ")


def test_a_dataset_states_its_source_licence_citation_and_metric(corpus: str) -> None:
    card = card_of(corpus)
    assert [verdict for verdict in check_card(card) if not verdict.ok] == []
    assert card.title
    assert card.hours > 0


def test_a_dataset_states_the_family_of_every_target(corpus: str) -> None:
    card = card_of(corpus)
    assert set(card.families) == set(card.targets), f"set families of {corpus}, one for each target"


def test_a_dataset_states_its_layout_and_its_signs(corpus: str) -> None:
    if makes_itself(corpus):
        pytest.skip("it makes itself: nobody puts it anywhere")
    card = card_of(corpus)
    assert card.layout.strip(), f"set layout of {corpus}: the tree below its root"
    assert card.signs, f"set signs of {corpus}: globs from its root by which it is known"
    odd = [sign for sign in card.signs if {"", ".", "..", "**"} & set(sign.split("/"))]
    assert not odd, f"the signs {odd} of {corpus} must name every folder on the way: no '**', no '..'"


def test_a_dataset_says_how_it_is_got(corpus: str) -> None:
    card = card_of(corpus)
    if card.access == "open":
        got = card.downloads or card.ask or makes_itself(corpus)
        assert got, f"set downloads of {corpus}, or ask where nobody may fetch it for others"
    else:
        assert card.ask, f"set ask of {corpus}: where to ask for it, and which files to download then"


def test_counts_by_split_and_label_name_what_is_declared_and_add_up(corpus: str, build: Build) -> None:
    card, (name, root) = card_of(corpus), build(corpus)
    clips = open_dataset(name, roots={corpus: root})[1]
    counts = {"split": dict(card.num_by_split), **card.num_by_label}
    for fact, count in counts.items():
        known = {"train", "dev", "test"} if fact == "split" else set(card.targets[fact] or ())
        assert set(count) <= known, f"{corpus} counts clips of {sorted(set(count) - known)}, which {fact} does not have"
        assert sum(count.values()) <= card.num_clips, f"{corpus} counts more clips by {fact} than it has"
        has_all = all(clip.split if fact == "split" else fact in clip.labels for clip in clips)
        if has_all and set(count) >= {clip.split if fact == "split" else clip.labels[fact] for clip in clips}:
            assert sum(count.values()) in {0, card.num_clips}, f"{corpus}'s counts by {fact} must add up to num_clips"


def test_a_dataset_is_known_by_its_signs_and_taken_for_no_other(corpus: str, build: Build) -> None:
    card = card_of(corpus)
    if makes_itself(corpus):
        pytest.skip("it makes itself: nobody puts it anywhere")
    _, root = build(corpus)
    assert looks_like(card, root), f"a sign of {corpus} ({', '.join(card.signs)}) matches nothing in its miniature"
    others = [part for part in shelf.names("datasets") if part != corpus and part in MINIATURES]
    mistaken = [part for part in others if not makes_itself(part) and looks_like(card, build(part)[1])]
    assert not mistaken, f"the signs of {corpus} ({', '.join(card.signs)}) fit {', '.join(mistaken)} too: be narrower"


def test_the_files_that_a_dataset_expects_are_those_it_lists(corpus: str, build: Build) -> None:
    module, (name, root) = shelf.load("datasets", corpus), build(corpus)
    if not hasattr(module, "expected"):
        pytest.skip("it has no list of the complete corpus")
    expected = list(module.expected(root))
    listed = {stem(clip.path.relative_to(root).as_posix()) for clip in open_dataset(name, roots={corpus: root})[1]}
    assert len(expected) == len(set(expected)), f"{corpus} expects a file twice"
    unexpected = sorted(listed - set(expected))
    assert not unexpected, f"{corpus} lists {unexpected[0]}, which expected() does not name"


@pytest.mark.parametrize("part", shelf.names("datasets"))
def test_a_datasets_first_line_says_what_it_is(part: str) -> None:
    assert 10 < len(shelf.summary("datasets", part)) <= 100


def test_a_small_copy_keeps_every_promise(small: tuple[str, dict[str, Path]], tmp_path: Path) -> None:
    name, roots = small
    verdicts = check_dataset(name, roots=roots, cache=tmp_path)
    assert [v for v in verdicts if v.ok is False and can_be_kept_by_a_part(v.name)] == []


def test_no_speaker_is_in_train_and_test_unless_the_dataset_says_so(small: tuple[str, dict[str, Path]]) -> None:
    name, roots = small
    source = find(name, roots=roots)
    shared = {*source.card.shared_targets, "speaker"}
    for task in map(source.task, source.card.targets):
        is_told = any("is one speaker" in line for line in task.warnings)
        assert (task.speakers == "shared") == (task.target in shared or is_told)
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
        broken = [v for v in broken if can_be_kept_by_a_part(v.name) and v.name != "speaker: labels"]
    assert broken == []
