"""Datasets and tasks by name: targets, roots, one's own files, and what is wrong with bad names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from noss.errors import DataError, UnknownPartError
from noss.pipeline._clips import Task, open_dataset, open_tasks

OWN = """
from pathlib import Path
from noss.datasets import Clip, Dataset

DATASET = Dataset(
    title="Mine", source="here", licence="CC0-1.0", citation="me", metric="uar", num_clips=4, hours=0.0, num_speakers=2,
    targets={"mood": ("calm", "cross", "unused"), "valence": None}, metrics={"valence": "ccc"},
)

def clips(root):
    for row, mood in enumerate(("cross", "calm", "cross", "calm")):
        yield Clip(path=root / f"{row}.wav", labels={"mood": mood, "valence": row / 2}, speaker=f"s{row % 2}")
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOSS_DATA", raising=False)


def table(text: str, name: str = "t.csv") -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    for line in text.splitlines()[1:]:
        (path.parent / line.split(",")[0]).touch()


def task(name: str, **roots: Path) -> Task:
    (only,) = open_tasks(name, roots=roots)
    return only


def test_the_target_follows_the_longest_path_that_exists() -> None:
    table("file,speaker,mood,label\na.wav,s1,sad,x\nb.wav,s2,happy,y\n", "deep/t.csv")
    found = task("csv/./deep/t.csv/mood")
    assert (found.name, found.dataset, found.target) == ("csv/./deep/t.csv/mood", "csv/./deep/t.csv", "mood")
    assert found.root == Path("./deep/t.csv")
    assert found.classes == ("happy", "sad")
    assert found.labels == ["sad", "happy"]


def test_absolute_paths_and_paths_with_an_at_sign_are_paths(tmp_path: Path) -> None:
    table("file,mood\na.wav,sad\nb.wav,happy\n", "at@home/t@2.csv")
    assert task(f"csv/{tmp_path}/at@home/t@2.csv").target == "mood"
    assert task("csv/at@home/t@2.csv/mood").target == "mood"


def test_without_a_target_a_table_means_its_label_or_else_its_only_target() -> None:
    table("file,mood,label\na.wav,sad,x\nb.wav,happy,y\n", "both.csv")
    table("file,speaker,mood\na.wav,s1,sad\nb.wav,s2,happy\n", "one.csv")
    table("file,mood,age\na.wav,sad,x\nb.wav,happy,y\n", "two.csv")
    assert task("csv/both.csv").name == "csv/both.csv/label"
    assert task("csv/one.csv").name == "csv/one.csv/mood"
    with pytest.raises(DataError, match=r"has the targets mood, age: say which, as csv/two\.csv/mood"):
        task("csv/two.csv")


def test_a_table_without_any_target_can_be_listed_but_not_learned() -> None:
    table("file,mood\na.wav,sad\nb.wav,sad\n")
    assert len(open_dataset("csv/t.csv", roots={})[1]) == 2
    with pytest.raises(
        DataError, match=r"csv/t.csv has no target to learn: The column mood .* all its values are 'sad'"
    ):
        task("csv/t.csv")
    with pytest.raises(DataError, match="The column mood is no target: all its values are 'sad'"):
        task("csv/t.csv/mood")


def test_a_mistyped_target_file_and_dataset_get_a_hint() -> None:
    table("file,mood,age\na.wav,sad,x\nb.wav,happy,y\n")
    with pytest.raises(DataError, match=r"csv/t.csv has no target 'mod': did you mean mood"):
        task("csv/t.csv/mod")
    for name in ("tt.csv", "./tt.csv", "./tt.csv/mood"):
        with pytest.raises(DataError, match=rf"there is no file {name}: did you mean t\.csv\?"):
            task(f"csv/{name}")
    with pytest.raises(DataError, match=r"there is no file gone/q\.csv: give a path"):
        task("csv/gone/q.csv")
    Path("w/x").mkdir(parents=True)
    Path("w/x/a.wav").touch()
    with pytest.raises(DataError, match=r"folder/\./w has no target 'y', and w/y is no folder"):
        task("folder/./w/y")
    with pytest.raises(UnknownPartError, match=r"no dataset named 'ravdes': did you mean ravdess\?"):
        task("ravdes/emotion")
    with pytest.raises(DataError, match="csv names no path: write csv/PATH"):
        task("csv")


def test_a_folder_of_classes_is_a_task_and_plain_audio_a_dataset() -> None:
    for name in ("w/sad/a.wav", "w/happy/b.wav", "plain/c.wav"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert task("folder/./w").classes == ("happy", "sad")
    card, clips, root = open_dataset("folder/./plain", roots={})
    assert (card.num_clips, [clip.path.name for clip in clips], root) == (1, ["c.wav"], Path("plain"))
    with pytest.raises(DataError, match="has no target to learn: There is no target: put the clips"):
        task("folder/plain")


def test_ones_own_file_stands_for_all_of_its_targets(tmp_path: Path) -> None:
    Path("mine.py").write_text(OWN)
    moods, valences = open_tasks("./mine.py", roots={"mine": tmp_path})
    assert (moods.name, moods.classes, moods.metric) == ("./mine.py/mood", ("calm", "cross"), "uar")
    assert (valences.name, valences.classes, valences.metric) == ("./mine.py/valence", None, "ccc")
    assert valences.labels == [0.0, 0.5, 1.0, 1.5]
    assert task("./mine.py/mood", **{"./mine.py": tmp_path}).name == "./mine.py/mood"


def test_a_label_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    Path("mine.py").write_text(OWN.replace('"calm", "cross", "unused"', '"calm", "unused"'))
    with pytest.raises(DataError, match=r"does not declare the label 'cross' of mood .2 clips."):
        task("./mine.py/mood", mine=tmp_path)


def test_a_text_among_numbers_is_refused(tmp_path: Path) -> None:
    Path("mine.py").write_text(OWN.replace('"valence": row / 2', '"valence": str(row)'))
    with pytest.raises(DataError, match=r"'0' for ./mine.py/valence, which takes numbers"):
        task("./mine.py/valence", mine=tmp_path)


def test_a_dataset_that_lists_nothing_is_refused(tmp_path: Path) -> None:
    Path("mine.py").write_text(OWN.replace('("cross", "calm", "cross", "calm")', "()"))
    with pytest.raises(DataError, match=r"no clip of ./mine.py in .*: check that it is the folder"):
        task("./mine.py/mood", mine=tmp_path)


def test_a_corpus_without_a_root_says_how_to_give_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"no folder is known for ravdess: give --root ravdess=DIR, or set NOSS_DATA"):
        task("ravdess/emotion")
    monkeypatch.setenv("NOSS_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"ravdess is not in .*/ravdess, which is no folder: give --root ravdess=DIR"):
        task("ravdess/emotion")
    (tmp_path / "ravdess").mkdir()
    with pytest.raises(DataError, match=r"no clip of ravdess in .*: it needs Actor_01"):
        task("ravdess/emotion")


def test_a_root_that_is_given_wins_over_the_one_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, digits in (("env/fsdd", (0, 1)), ("own", (2, 3))):
        for digit in digits:
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / f"{digit}_theo_7.wav").touch()
    monkeypatch.setenv("NOSS_DATA", str(tmp_path / "env"))
    assert task("fsdd/digit").classes == ("0", "1")
    assert task("fsdd/digit", fsdd=tmp_path / "own").classes == ("2", "3")


def test_the_demo_needs_no_root(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    (found,) = open_tasks("demo/word", roots={}, cache=tmp_path)
    assert found.root.parent == tmp_path
    assert (len(found.clips), len(found.classes or ())) == (864, 12)


def test_the_speakers_of_a_task_are_disjoint_shared_or_unknown() -> None:
    many = "".join(f"{n}.wav,s{n % 4},{'xy'[n % 2]},{'xy'[n // 4 % 2]},\n" for n in range(16))
    table(f"file,speaker,label,mood,empty\n{many}")
    assert task("csv/t.csv/mood").speakers == "disjoint"
    assert task("csv/t.csv/speaker").speakers == "shared"
    assert task("csv/t.csv/mood").warnings == []


@pytest.mark.parametrize(
    ("speakers", "known", "line"),
    [
        (["", "", "", ""], "unknown", "no clip says who speaks"),
        (["ann"] * 4, "unknown", "all clips are by one speaker .ann."),
        (["ann", "bob", "", ""], "unknown", "2 of 4 clips do not say who speaks"),
        (["ann", "bob", "ann", "bob"], "shared", "every class of label is one speaker: this measures who speaks"),
    ],
)
def test_what_is_wrong_with_the_speakers_is_a_loud_line(speakers: list[str], known: str, line: str) -> None:
    lines = "".join(f"{n}.wav,{speaker},{'xy'[n % 2]}\n" for n, speaker in enumerate(speakers))
    table(f"file,speaker,label\n{lines}")
    found = task("csv/t.csv")
    assert found.speakers == known
    assert re.search(line, found.warnings[0])


def test_a_column_that_looks_like_speakers_is_a_loud_line_of_the_task() -> None:
    table("file,patient,label\na.wav,p1,x\nb.wav,p2,y\n")
    assert any("'patient' looks like speakers" in line for line in task("csv/t.csv/label").warnings)


@pytest.mark.long
def test_150_000_files_are_listed_in_less_than_a_kilobyte_each(tmp_path: Path) -> None:
    import tracemalloc

    for label in range(30):
        (tmp_path / f"many/{label}").mkdir(parents=True)
        for row in range(5_000):
            (tmp_path / f"many/{label}/{row}.wav").touch()
    tracemalloc.start()
    found = task("folder/./many")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.clips) == 150_000
    assert held / 150_000 < 1_000
