"""Splits: no speaker and no bytes on both sides, every clip scored once, published splits respected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noss.datasets import Clip, Dataset, Speakers
from noss.errors import DataError
from noss.pipeline._clips import Task, open_tasks
from noss.pipeline._split import Fold, Splits, folds
from noss.pipeline._stratify import stratified


def task(rows: Sequence[dict[str, Any]], *, speakers: Speakers = "disjoint", shared: tuple[str, ...] = ()) -> Task:
    """A task with one clip a row: `label`, and anything a `Clip` takes."""
    labels = [row.get("label", "x") for row in rows]
    classes = tuple(sorted(set(labels))) if isinstance(labels[0], str) else None
    card = Dataset(
        title="", source="", licence="", targets={"label": classes}, metric="uar", num_clips=len(rows), hours=0.0,
        shared_targets=shared,
    )  # fmt: skip
    clips = [
        Clip(
            path=Path(row.get("path", f"/d/{place:05d}.wav")),
            labels={"label": label},
            **{key: value for key, value in row.items() if key not in ("label", "path")},
        )
        for place, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]
    return Task(
        name="t/label", dataset="t", target="label", card=card, classes=classes, metric="uar", clips=clips,
        speakers=speakers, root=Path("/d"),
    )  # fmt: skip


def random_task(seed: int) -> tuple[Task, list[str]]:
    """A task of any shape, with some clips of equal bytes."""
    random = np.random.default_rng(seed)
    num, num_speakers = int(random.integers(12, 150)), int(random.integers(2, 30))
    numbers = bool(random.random() < 0.2)
    rows = [
        {
            "label": float(random.normal()) if numbers else "abcdefg"[int(random.integers(0, 7) ** 2 // 7)],
            "speaker": f"s{random.integers(0, num_speakers)}",
        }
        for _ in range(num)
    ]
    ids = [f"id{random.integers(0, 4 * num)}" for _ in range(num)]
    return task(rows), ids


def every_fold_is_clean(found: Task, splits: Splits, *, ids: Sequence[str] = ()) -> None:
    names = list(ids) or [str(place) for place in range(len(found.clips))]
    for fold in splits.folds:
        disjoint = splits.speakers == "disjoint"
        assert not disjoint or not voices(found, fold.train_N) & voices(found, fold.test_N)
        disjoint = disjoint and len(voices(found, fold.train_N)) > 1
        for left_N, right_N in [(fold.train_N, fold.test_N), *fold.inner]:
            assert not {names[row] for row in left_N} & {names[row] for row in right_N}
            assert not disjoint or not voices(found, left_N) & voices(found, right_N)
        for fit_N, dev_N in fold.inner:
            assert not set(dev_N.tolist()) & set(fold.test_N.tolist())
            assert not set(fit_N.tolist()) & set(fold.test_N.tolist())


def voices(found: Task, rows: np.ndarray[Any, Any]) -> set[str | None]:
    return {found.clips[row].speaker for row in rows}


def scored(splits: Splits) -> list[int]:
    return sorted(int(row) for fold in splits.folds for row in fold.test_N)


def same(left: Fold, right: Fold) -> bool:
    rows = [(left.train_N, right.train_N), (left.test_N, right.test_N)]
    rows += [
        (a, b) for one, other in zip(left.inner, right.inner, strict=True) for a, b in zip(one, other, strict=True)
    ]
    return all(np.array_equal(a, b) for a, b in rows)


@pytest.mark.parametrize("seed", range(60))
def test_made_folds_share_no_speaker_and_test_every_clip_once(seed: int) -> None:
    found, _ = random_task(seed)
    splits = folds(found, seed=seed)
    assert scored(splits) == list(range(len(found.clips)))
    every_fold_is_clean(found, splits)
    for fold in splits.folds:
        inner = sorted(int(row) for _, dev_N in fold.inner for row in dev_N)
        assert inner == fold.train_N.tolist()
        assert len(fold.train_N) + len(fold.test_N) == len(found.clips)


@pytest.mark.parametrize("seed", range(60))
def test_made_folds_share_no_bytes_either_however_many_clips_are_equal(seed: int) -> None:
    found, ids = random_task(seed)
    splits = folds(found, seed=seed, ids=ids)
    assert scored(splits) == list(range(len(found.clips)))
    every_fold_is_clean(found, splits, ids=ids)


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_clips_does_not_matter(seed: int) -> None:
    found, ids = random_task(seed)
    order = np.random.default_rng(seed).permutation(len(found.clips))
    shuffled = replace(found, clips=[found.clips[row] for row in order])
    first, second = folds(found, seed=3, ids=ids), folds(shuffled, seed=3, ids=[ids[row] for row in order])
    for one, other in zip(first.folds, second.folds, strict=True):
        assert set(one.test_N.tolist()) == {int(order[row]) for row in other.test_N}
        assert set(one.inner[0][1].tolist()) == {int(order[row]) for row in other.inner[0][1]}


def test_the_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    found = task(by_speaker(12))
    first, again, other = folds(found, seed=1), folds(found, seed=1), folds(found, seed=2)
    assert all(same(a, b) for a, b in zip(first.folds, again.folds, strict=True))
    assert not all(np.array_equal(a.test_N, b.test_N) for a, b in zip(first.folds, other.folds, strict=True))


def by_speaker(num_speakers: int, *, each: int = 4) -> list[dict[str, Any]]:
    return [{"label": "ab"[n % 2], "speaker": f"s{n // each}"} for n in range(num_speakers * each)]


@pytest.mark.parametrize(
    ("num_speakers", "name", "num_folds"),
    [
        (12, "5 folds by speaker", 5),
        (5, "5 folds by speaker, one speaker each", 5),
        (3, "3 folds by speaker, one speaker each", 3),
        (2, "2 folds by speaker, one speaker each", 2),
    ],
)
def test_without_anything_published_there_are_five_folds_by_speaker_or_one_a_speaker(
    num_speakers: int, name: str, num_folds: int
) -> None:
    splits = folds(task(by_speaker(num_speakers)))
    assert (splits.name, len(splits.folds), splits.speakers) == (name, num_folds, "disjoint")


def test_settings_are_chosen_by_four_folds_by_speaker_inside_train() -> None:
    found = task(by_speaker(12))
    splits = folds(found)
    assert splits.selection == "4 folds inside train"
    assert all(len(fold.inner) == 4 for fold in splits.folds)


def test_without_speakers_there_are_folds_over_clips() -> None:
    splits = folds(task([{"label": "ab"[n % 2]} for n in range(20)], speakers="unknown"))
    assert splits.name == "5 folds over clips (no speakers)"
    assert [len(fold.test_N) for fold in splits.folds] == [4] * 5


def test_one_speaker_is_as_good_as_none() -> None:
    splits = folds(task(by_speaker(1, each=20), speakers="unknown"))
    assert splits.name == "5 folds over clips (one speaker)"
    assert len(splits.folds) == 5


def test_one_speaker_may_stand_in_a_published_split() -> None:
    rows = [{**row, "split": "train" if n < 10 else "test"} for n, row in enumerate(by_speaker(1, each=20))]
    assert folds(task(rows, speakers="unknown")).name == "published split"


def test_pieces_of_one_file_stay_together_where_nobody_says_who_speaks() -> None:
    rows = [{"label": "ab"[n % 2], "path": f"/d/{n // 5}.wav", "start_s": float(n)} for n in range(60)]
    found = task(rows, speakers="unknown")
    for fold in folds(found).folds:
        assert not {found.clips[r].path for r in fold.train_N} & {found.clips[r].path for r in fold.test_N}


def test_sessions_stay_together_where_nobody_says_who_speaks() -> None:
    found = task([{"label": "ab"[n % 2], "session": f"day {n // 5}"} for n in range(60)], speakers="unknown")
    for fold in folds(found).folds:
        assert not {found.clips[r].session for r in fold.train_N} & {found.clips[r].session for r in fold.test_N}


def test_pieces_of_a_single_file_are_split_with_a_warning() -> None:
    rows = [{"label": "ab"[n % 2], "path": "/d/one.wav", "start_s": float(n)} for n in range(20)]
    splits = folds(task(rows, speakers="unknown"))
    assert len(splits.folds) == 5
    assert "all clips are pieces of one file: the same recording is in train and test" in splits.warnings


def test_some_clips_without_a_speaker_are_folded_by_speaker_where_known() -> None:
    rows = [*by_speaker(6), *({"label": "ab"[n % 2]} for n in range(6))]
    found = task(rows, speakers="unknown")
    splits = folds(found)
    assert splits.name == "5 folds by speaker where known"
    for fold in splits.folds:
        assert not (voices(found, fold.train_N) & voices(found, fold.test_N)) - {None}


def with_split(rows: list[dict[str, Any]], splits: Sequence[str | None]) -> list[dict[str, Any]]:
    return [{**row, "split": split} for row, split in zip(rows, splits, strict=True)]


def test_a_published_split_with_dev_is_used_as_it_is_and_the_probe_is_fitted_on_train_alone() -> None:
    rows = with_split(by_speaker(4, each=5), ["train"] * 10 + ["dev"] * 5 + ["test"] * 5)
    splits = folds(task(rows))
    (fold,) = splits.folds
    assert (splits.name, splits.selection) == ("published split", "published dev split")
    assert fold.train_N.tolist() == list(range(10))
    assert fold.test_N.tolist() == list(range(15, 20))
    ((fit_N, dev_N),) = fold.inner
    assert (fit_N.tolist(), dev_N.tolist()) == (list(range(10)), list(range(10, 15)))


def test_a_published_split_without_dev_chooses_by_folds_inside_train() -> None:
    found = task(with_split(by_speaker(10), ["train"] * 32 + ["test"] * 8))
    splits = folds(found)
    (fold,) = splits.folds
    assert (splits.name, splits.selection) == ("published split", "4 folds inside train")
    assert sorted(int(row) for _, dev_N in fold.inner for row in dev_N) == list(range(32))
    every_fold_is_clean(found, splits)


def test_dev_is_scored_where_there_is_no_test() -> None:
    splits = folds(task(with_split(by_speaker(10), ["train"] * 32 + ["dev"] * 8)))
    assert splits.folds[0].test_N.tolist() == list(range(32, 40))
    assert splits.warnings == ["there is no test split: dev is scored in its place"]


def test_a_split_that_says_the_same_of_every_clip_is_left_aside() -> None:
    splits = folds(task(with_split(by_speaker(10), ["test"] * 40)))
    assert splits.name == "5 folds by speaker"
    assert splits.warnings == ["the split says test only: it is left aside"]


def test_clips_in_no_split_take_no_part() -> None:
    splits = folds(task(with_split(by_speaker(10), ["train"] * 20 + [None] * 12 + ["test"] * 8)))
    assert scored(splits) == list(range(32, 40))
    assert splits.warnings == ["12 of 40 clips are in no split: they take no part"]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (["train"] * 18 + ["test"] * 22, r"1 speaker is in two splits \(first: s4\), so a score would tell who speaks"),
        (
            ["train", "test"] * 20,
            r"10 speakers are in two splits \(first: s0\).*drop that column to get folds by speaker",
        ),
        (["train"] * 16 + ["dev"] * 6 + ["test"] * 18, r"1 speaker is in two splits \(first: s5\)"),
    ],
)
def test_a_speaker_in_two_splits_is_refused_and_named(splits: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        folds(task(with_split(by_speaker(10), splits)))


def test_a_leaking_split_gives_way_to_published_folds() -> None:
    rows = [{**row, "fold": n // 8} for n, row in enumerate(with_split(by_speaker(10), ["train", "test"] * 20))]
    splits = folds(task(rows))
    assert (splits.name, len(splits.folds)) == ("published folds, speaker-disjoint", 5)


def test_a_split_declared_for_another_target_gives_way_to_folds_by_speaker() -> None:
    splits = folds(task(with_split(by_speaker(10), ["train", "test"] * 20), shared=("speaker",)))
    assert (splits.name, splits.warnings) == ("5 folds by speaker", [])


def test_who_speaks_uses_a_published_split_with_the_speakers_on_both_sides() -> None:
    rows = [
        {**row, "label": row["speaker"]} for row in with_split(by_speaker(6), ["train", "train", "dev", "test"] * 6)
    ]
    splits = folds(task(rows, speakers="shared"))
    assert splits.name == "published split, same speakers on both sides"
    assert [len(fold.test_N) for fold in splits.folds] == [6]


def test_a_shared_target_uses_its_published_split_though_test_has_speakers_of_its_own() -> None:
    splits = ["train", "dev", "test"] * 8
    rows = [{**row, "label": "abc"[n // 3 % 3]} for n, row in enumerate(with_split(by_speaker(6), splits))]
    rows[-1]["speaker"] = "guest"
    splits = folds(task(rows, speakers="shared", shared=("label",)))
    assert (splits.name, splits.selection) == (
        "published split, same speakers on both sides",
        "published dev split",
    )
    assert "guest" in {rows[row]["speaker"] for row in splits.folds[0].test_N}


def test_who_speaks_leaves_a_split_aside_that_keeps_speakers_apart() -> None:
    rows = [{**row, "label": row["speaker"]} for row in with_split(by_speaker(6), ["train"] * 16 + ["test"] * 8)]
    splits = folds(task(rows, speakers="shared"))
    assert splits.name == "5 folds over clips, same speakers on both sides"
    assert "cannot tell who speaks" in splits.warnings[0]
    for fold in splits.folds:
        assert {rows[r]["label"] for r in fold.test_N} <= {rows[r]["label"] for r in fold.train_N}


def test_published_folds_are_tested_one_by_one_and_chosen_on_by_the_others() -> None:
    found = task([{**row, "fold": n // 16} for n, row in enumerate(by_speaker(12))])
    splits = folds(found)
    assert splits.name == "published folds, speaker-disjoint"
    assert [fold.test_N.tolist() for fold in splits.folds] == [list(range(a, a + 16)) for a in (0, 16, 32)]
    for fold in splits.folds:
        assert len(fold.inner) == 2
        assert all(len({found.clips[row].fold for row in dev_N}) == 1 for _, dev_N in fold.inner)


def test_a_speaker_in_two_published_folds_is_refused() -> None:
    with pytest.raises(DataError, match=r"10 speakers are in two folds \(first: s0\)"):
        folds(task([{**row, "fold": n % 4} for n, row in enumerate(by_speaker(10))]))


def test_training_clips_with_the_bytes_of_a_test_clip_are_left_out_of_a_published_split() -> None:
    found = task(with_split(by_speaker(10), ["train"] * 24 + ["dev"] * 8 + ["test"] * 8))
    ids = [f"id{n}" for n in range(40)]
    ids[3], ids[25], ids[30] = ids[39], ids[38], ids[0]
    splits = folds(found, ids=ids)
    (fold,) = splits.folds
    assert 3 not in fold.train_N
    ((fit_N, dev_N),) = fold.inner
    assert 25 not in dev_N
    assert 0 not in fit_N
    assert 0 in fold.train_N
    assert splits.warnings == ["1 training clips have the same bytes as a test clip: they are left out"]
    every_fold_is_clean(found, splits, ids=ids)


def test_speakers_who_share_bytes_are_one_group() -> None:
    ids: list[object] = [f"id{n}" for n in range(40)]
    ids[0] = ids[39]
    found = task(by_speaker(10))
    for fold in folds(found, ids=ids).folds:
        assert len({"s0", "s9"} & voices(found, fold.test_N)) != 1


def test_clips_without_an_identity_are_like_no_other() -> None:
    found = task(by_speaker(10))
    assert same(folds(found, ids=[None] * 40).folds[0], folds(found).folds[0])


def test_numbers_are_spread_by_their_fifths() -> None:
    found = task([{"label": float(n), "speaker": f"s{n}"} for n in range(100)])
    for fold in folds(found).folds:
        assert np.bincount(fold.test_N // 20, minlength=5).tolist() == [4] * 5


def test_a_class_with_one_clip_is_scored_and_named() -> None:
    rows = [*by_speaker(10), {"label": "rare", "speaker": "s0"}]
    splits = folds(task(rows))
    assert scored(splits) == list(range(41))
    assert splits.warnings == ["1 of 3 classes are tested where none of their clips trains: rare"]


def test_labels_of_test_that_train_has_not_are_named_up_to_five() -> None:
    rows = [{"label": "seen", "speaker": "s0", "split": "train"}] * 4
    rows += [{"label": f"new{n}", "speaker": "s1", "split": "test"} for n in range(7)]
    (line,) = folds(task(rows)).warnings
    assert line == "7 of 8 classes are tested where none of their clips trains: new0, new1, new2, new3, new4 and 2 more"


def test_two_clips_are_enough_and_one_is_not() -> None:
    assert len(folds(task([{"label": "a"}, {"label": "b"}], speakers="unknown")).folds) == 2
    with pytest.raises(DataError, match="folds need two that differ"):
        folds(task([{"label": "a"}], speakers="unknown"))
    with pytest.raises(DataError, match="folds need two that differ"):
        folds(task([{"label": "a"}, {"label": "b"}], speakers="unknown"), ids=["same", "same"])


def test_two_speakers_leave_one_to_train_whose_clips_choose() -> None:
    splits = folds(task(by_speaker(2, each=10)))
    assert [len(fold.inner) for fold in splits.folds] == [4, 4]


def test_stratified_groups_are_as_even_as_scikit_learns() -> None:
    from sklearn.model_selection import StratifiedGroupKFold

    ours, theirs = [], []
    for seed in range(30):
        random = np.random.default_rng(seed)
        group_N = random.integers(0, int(random.integers(10, 60)), 400)
        y_N = (random.integers(0, 5, 400) + (group_N % 3 == 0)) % 6
        fold_N = np.zeros(400, np.int64)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for fold, (_, rows) in enumerate(splitter.split(y_N, y_N, group_N)):
            fold_N[rows] = fold
        ours.append(unevenness(y_N, stratified(y_N, group_N, num_folds=5, seed=seed)))
        theirs.append(unevenness(y_N, fold_N))
    assert np.mean(ours) <= 1.02 * np.mean(theirs)


def unevenness(y_N: np.ndarray[Any, Any], fold_N: np.ndarray[Any, Any]) -> float:
    count_FK = np.zeros((5, 6))
    np.add.at(count_FK, (fold_N, y_N), 1)
    return float((count_FK / count_FK.sum(0)).std(0).mean())


@pytest.mark.parametrize("num_folds", [2, 5, 12])
def test_no_fold_is_empty_even_where_every_group_is_a_class_of_its_own(num_folds: int) -> None:
    group_N = np.repeat(np.arange(12), 3)
    fold_N = stratified(group_N, group_N, num_folds=num_folds, seed=0)
    assert np.unique(fold_N).tolist() == list(range(num_folds))


def test_single_clips_are_dealt_out_evenly_by_class_and_in_all() -> None:
    y_N = np.repeat([0, 1, 2], [50, 33, 7])
    fold_N = stratified(y_N, np.arange(90), num_folds=5, seed=0)
    counts = [[int(np.sum((y_N == k) & (fold_N == f))) for f in range(5)] for k in range(3)]
    assert all(max(row) - min(row) <= 1 for row in counts)
    assert np.bincount(fold_N).tolist() == [18] * 5


def test_the_folds_of_a_published_score_never_change() -> None:
    """Computed once with this code, 2026-11; a change here changes every score on folds made here."""
    group_N = np.array([0, 0, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 7, 7, 8])
    y_N = np.array([0, 1, 0, 0, 1, 1, 1, 0, 2, 2, 0, 1, 2, 0, 1])
    assert stratified(y_N, group_N, num_folds=3, seed=7).tolist() == [0, 0, 0, 0, 2, 1, 1, 1, 0, 1, 1, 0, 2, 2, 2]
    assert stratified(y_N, np.arange(15), num_folds=3, seed=7).tolist() == [2, 1, 1, 2, 2, 0, 1, 1, 0, 2, 0, 0, 1, 0, 2]


@pytest.mark.parametrize(
    ("name", "splits", "num_folds"),
    [
        ("ravdess/emotion", "published folds, speaker-disjoint", 5),
        ("fsdd/speaker", "published split, same speakers on both sides", 1),
        ("fsdd/digit", "published folds, speaker-disjoint", 6),
        ("csv/{data}/languages/clips.csv", "published split", 1),
        ("csv/{data}/arabic_commands/clips.csv", "published split", 1),
        ("csv/{data}/minsk_als/clips.csv", "5 folds by speaker", 5),
        ("csv/{data}/noise/clips.csv", "published folds", 5),
        ("csv/{data}/speechocean_test/clips.csv", "5 folds over clips, same speakers on both sides", 5),
        ("csv/{data}/speechocean_test/clips.csv/gender", "5 folds by speaker", 5),
        ("csv/{data}/speechocean_test/clips.csv/age", "5 folds by speaker", 5),
    ],
)
def test_real_corpora_are_split_cleanly(noss_data: Path, name: str, splits: str, num_folds: int) -> None:
    (found,) = open_tasks(name.format(data=noss_data), roots={})
    made = folds(found)
    assert (made.name, len(made.folds)) == (splits, num_folds)
    every_fold_is_clean(found, made)
    assert len(scored(made)) == len(set(scored(made)))
