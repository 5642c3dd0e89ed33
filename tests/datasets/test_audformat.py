"""Databases in audformat, saved by the library itself: tables put together, schemes, splits, NaT, pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from noss.datasets import Clip
from noss.datasets import audformat as database
from noss.errors import DataError
from noss.pipeline._clips import open_tasks

audformat = pytest.importorskip("audformat")
pandas = pytest.importorskip("pandas")
FILES = ["a.wav", "b.wav", "c.wav", "d.wav"]


class Made:
    """A database under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.db = audformat.Database(
            "calls", source="https://example.org", languages=["de"], license="CC0-1.0", author="Ann"
        )
        for name in FILES:
            (root / name).touch()

    def scheme(self, name: str, *args: Any, **options: Any) -> Made:
        self.db.schemes[name] = audformat.Scheme(*args, **options)
        return self

    def table(
        self, name: str, columns: Mapping[str, Sequence[object]], *, files: Sequence[str] = FILES,
        starts: Sequence[object] | None = None, ends: Sequence[object] | None = None, split: str | None = None,
        schemes: Mapping[str, str] | None = None,
    ) -> Made:  # fmt: skip
        segmented = starts is not None or ends is not None
        index = audformat.segmented_index(files, starts, ends) if segmented else audformat.filewise_index(list(files))
        table = self.db[name] = audformat.Table(index, split_id=split)
        for column, values in columns.items():
            scheme = (schemes or {}).get(column, column if column in self.db.schemes else None)
            table[column] = audformat.Column(scheme_id=scheme)
            table[column].set(list(values))
        return self

    def save(self, storage_format: str = "csv") -> Path:
        self.db.save(str(self.root), storage_format=storage_format)
        return self.root

    def clips(self) -> list[Clip]:
        return list(database.clips(self.save()))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_the_header_states_the_facts(made: Made) -> None:
    card = database.describe(
        made.scheme("mood", labels=["sad", "happy"]).table("t", {"mood": ["happy", "sad"] * 2}).save()
    )
    assert (card.title, card.source, card.licence, card.citation) == ("calls", "https://example.org", "CC0-1.0", "Ann")
    assert (card.language, card.num_clips, card.speakers) == (("deu",), 4, "unknown")
    assert card.targets == {"mood": ("sad", "happy")}


@pytest.mark.parametrize("storage_format", ["csv", "parquet"])
def test_no_start_is_0_and_no_end_the_end_of_the_file(made: Made, storage_format: str) -> None:
    made.table("t", {"x": ["p", "q", "p", "q"]}, starts=[0, "500ms", None, 0], ends=[None, "1.25s", "2s", "3s"])
    listed = list(database.clips(made.save(storage_format)))
    assert [(clip.start_s, clip.end_s) for clip in listed] == [(0.0, None), (0.5, 1.25), (0.0, 2.0), (0.0, 3.0)]


def test_what_is_said_of_files_holds_for_their_segments(made: Made) -> None:
    made.scheme("speaker", labels={"ann": {"gender": "f"}, "bob": {"gender": "m"}})
    made.table("files", {"speaker": ["ann", "ann", "bob", "bob"]})
    made.table(
        "parts",
        {"mood": ["sad", "happy", "sad"]},
        files=["a.wav", "a.wav", "c.wav"],
        starts=[0, 1, 0],
        ends=[1, 2, None],
    )
    found = {(clip.path.name, clip.start_s): clip for clip in made.clips()}
    assert [(name, start, found[name, start].speaker) for name, start in sorted(found)] == [
        ("a.wav", 0.0, "ann"), ("a.wav", 1.0, "ann"), ("b.wav", 0.0, "ann"), ("c.wav", 0.0, "bob"), ("d.wav", 0.0, "bob"),
    ]  # fmt: skip
    assert found["a.wav", 1.0].labels == {"mood": "happy", "speaker": "ann", "gender": "f"}


def test_what_a_table_of_speakers_tells_is_told_of_their_clips(made: Made) -> None:
    people = made.db["people"] = audformat.MiscTable(pandas.Index(["ann", "bob"], name="speaker", dtype="string"))
    people["gender"] = audformat.Column()
    people["gender"].set(["f", "m"])
    made.scheme("speaker", "str", labels="people").table(
        "files", {"who": ["ann", "ann", "bob", "bob"]}, schemes={"who": "speaker"}
    )
    assert [(clip.speaker, clip.labels["gender"]) for clip in made.clips()] == [("ann", "f")] * 2 + [("bob", "m")] * 2


def test_a_scheme_orders_its_classes_and_a_scheme_of_floats_is_a_target_of_numbers(made: Made) -> None:
    made.scheme("level", labels=["low", "mid", "high"]).scheme("arousal", "float")
    card = database.describe(made.table("t", {"level": ["high", "low", "low", "high"], "arousal": [1, 2, 1, 2]}).save())
    assert card.targets == {"level": ("low", "high"), "arousal": None}
    assert card.metrics == {"arousal": "ccc"}


@pytest.mark.parametrize("names", [("mood.train", "mood.test"), ("one", "two"), ("mood.train.gold", "mood.dev-1.gold")])
def test_splits_come_from_the_header_or_from_the_names_of_tables(made: Made, names: tuple[str, str]) -> None:
    if names[0] == "one":
        made.db.splits["first"], made.db.splits["second"] = audformat.Split("train"), audformat.Split("test")
    for name, files, split in zip(names, (FILES[:2], FILES[2:]), ("first", "second"), strict=True):
        made.table(name, {"mood": ["sad", "happy"]}, files=files, split=split if names[0] == "one" else None)
    second = "dev" if "dev" in names[1] else "test"
    assert {clip.path.name: clip.split for clip in made.clips()} == dict(
        zip(FILES, ("train", "train", second, second), strict=True)
    )


def test_a_split_column_counts(made: Made) -> None:
    made.table("mood.train", {"mood": ["sad", "happy"], "split": ["Train", "training"]}, files=FILES[:2])
    made.table("rest", {"split": ["dev", "test"]}, files=FILES[2:])
    assert [clip.split for clip in made.clips()] == ["train", "train", "dev", "test"]


def test_tables_that_contradict_each_other_about_splits_leave_none_and_say_so(made: Made) -> None:
    root = made.table("mood.train", {"mood": ["sad"] * 4}).table("age.test", {"age": [1] * 4}).save()
    assert [clip.split for clip in database.clips(root)] == [None] * 4
    (line,) = database.warnings(root)
    assert line.startswith("tables contradict each other about splits (")


def test_columns_that_contradict_each_other_are_kept_apart_by_their_tables(made: Made) -> None:
    made.scheme("mood", labels=["sad", "happy"])
    made.table("gold", {"mood": ["sad", "sad", "happy", "happy"]}).table(
        "rater", {"mood": ["happy", "sad", "happy", "sad"]}
    )
    root = made.save()
    assert database.describe(root).targets == {"gold.mood": ("sad", "happy"), "rater.mood": ("sad", "happy")}
    (task,) = open_tasks(f"audformat/{root}/rater.mood", roots={})
    assert task.labels == ["happy", "sad", "happy", "sad"]


def test_durations_of_files_are_hours(made: Made) -> None:
    made.scheme("duration", "time").table("files", {"duration": pandas.to_timedelta(["900s"] * 4), "x": list("ppqq")})
    assert database.describe(made.save()).hours == 1.0


def edit(root: Path, table: str, old: str, new: str) -> None:
    path = root / f"db.{table}.csv"
    text = path.read_text()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("b.wav", "", r"db\.t\.csv line 3: no file"),
        ("b.wav", "NaN", r"db\.t\.csv line 3: no file"),
        ("b.wav", "a.wav", r"db\.t\.csv line 3: a\.wav from 0 s is on line 2 too"),
        ("happy", "angry", r"db\.t\.csv line 3: 'angry' is no label of mood: add it to the scheme"),
        ("1.5", "much", r"db\.t\.csv line 3: arousal 'much' is no number"),
    ],
)
def test_a_wrong_cell_names_its_table_and_line(made: Made, old: str, new: str, message: str) -> None:
    made.scheme("mood", labels=["sad", "happy"]).scheme("arousal", "float")
    root = made.table("t", {"mood": ["sad", "happy", "sad", "sad"], "arousal": [1.0, 1.5, 2.0, 3.0]}).save()
    edit(root, "t", old, new)
    with pytest.raises(DataError, match=message):
        list(database.clips(root))


def test_a_time_that_is_none_names_its_table_and_line(made: Made) -> None:
    root = made.table("t", {"x": list("ppqq")}, starts=[0] * 4, ends=[1, 2, 3, 4]).save()
    edit(root, "t", "0 days 00:00:03", "later")
    with pytest.raises(DataError, match=r"db\.t\.csv line 4: end 'later' is no time"):
        list(database.clips(root))


def test_windows_line_ends_are_read(made: Made) -> None:
    root = made.table("t", {"x": list("ppqq")}).save()
    for path in (root / "db.t.csv", root / "db.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [clip.labels["x"] for clip in database.clips(root)] == list("ppqq")


def test_paths_may_be_absolute_missing_or_of_another_suffix(made: Made, tmp_path: Path) -> None:
    made.table("t", {"x": list("ppq")}, files=[str(tmp_path / "a.wav"), "gone.wav", "b.flac"])
    assert [clip.path for clip in made.clips()] == [tmp_path / "a.wav", tmp_path / "gone.wav", tmp_path / "b.wav"]


def test_a_database_none_of_whose_files_is_there_is_refused(made: Made) -> None:
    with pytest.raises(DataError, match=r"no file of .*db\.yaml is there \(first: .*x\.wav\)"):
        made.table("t", {"x": list("pq")}, files=["x.wav", "y.wav"]).clips()


def test_a_pickle_is_never_opened(made: Made) -> None:
    root = made.table("t", {"x": list("ppqq")}).save()
    (root / "db.t.pkl").write_bytes(b"not a pickle at all")
    assert len(list(database.clips(root))) == 4
    (root / "db.t.csv").unlink()
    with pytest.raises(
        DataError, match=r"db\.t is neither there as \.csv nor as \.parquet: only a pickle, which can run code"
    ):
        list(database.clips(root))


def test_a_header_cannot_build_objects(made: Made) -> None:
    root = made.table("t", {"x": list("ppqq")}).save()
    with (root / "db.yaml").open("a") as file:
        file.write(f"meta: !!python/object/apply:os.mkdir ['{root}/trap']\n")
    with pytest.raises(DataError, match=r"db\.yaml is no header of audformat"):
        database.describe(root)
    assert not (root / "trap").exists()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[1, 2]",
        "7",
        "name: x\ntables: {t: {type: odd}}",
        "name: x\ntables: [t]",
        "name: x\nschemes: {s: {dtype: odd}}",
        "name: x\nlanguages: [klingonish]",
        "a: b: c",
    ],
)
def test_what_is_no_header_is_one_line(tmp_path: Path, header: str) -> None:
    (tmp_path / "db.yaml").write_text(header)
    with pytest.raises(DataError, match=r"db\.yaml (is no header of audformat|has no table with rows)") as caught:
        database.describe(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_header_and_no_table_are_errors(made: Made, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no database in .*: give the folder that holds db\.yaml"):
        database.describe(tmp_path)
    root = made.table("t", {"x": list("ppqq")}).save()
    (root / "db.t.csv").unlink()
    with pytest.raises(DataError, match=r"db\.t is neither there as \.csv nor as \.parquet: save it"):
        database.describe(root)
    (root / "db.t.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(DataError, match=r"cannot read .*db\.t\.parquet"):
        database.describe(root)


def test_a_column_that_looks_like_speakers_is_pointed_out(made: Made) -> None:
    root = made.table("t", {"participant": ["p1", "p1", "p2", "p2"], "x": list("pqpq")}).save()
    assert any("'participant' looks like speakers" in line for line in database.warnings(root))
