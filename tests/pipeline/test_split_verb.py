"""`noss split`: the table again with a column more, nothing else changed, nothing overwritten unasked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from miniatures import sound
from noss.cli import main
from noss.datasets import _splitter
from noss.errors import DataError
from noss.pipeline._clips import open_dataset, open_tasks
from noss.pipeline._split import folds
from noss.pipeline.split import split

SPEAKERS = [f"s{row % 10}" for row in range(60)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(name: str = "mine.csv", *, speakers: list[str] = SPEAKERS, header: str = "file,speaker,mood") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    rows = [f"wavs/{row}.wav,{speaker},{'xy'[row // 10 % 2]}" for row, speaker in enumerate(speakers)]
    Path(name).write_text("\n".join([header, *rows, ""]))
    sound(Path(name).parent, *(f"wavs/{row}.wav" for row in range(len(speakers))))


def column(path: str, name: str) -> list[str]:
    header, *rows = Path(path).read_text().splitlines()
    return [row.split(",")[header.split(",").index(name)] for row in rows]


def test_the_split_is_that_of_the_rule_and_run_uses_it_as_it_is() -> None:
    table()
    told = str(split("csv/./mine.csv", out="mine_split.csv"))
    assert told.splitlines() == [
        "mine_split.csv:",
        "  train  36 clips, 6 of speaker",
        "  dev    12 clips, 2 of speaker",
        "  test   12 clips, 2 of speaker",
    ]
    expected = _splitter.inter(SPEAKERS, {"train": 0.6, "dev": 0.2, "test": 0.2}, number=666)
    assert column("mine_split.csv", "split") == expected
    (task,) = open_tasks("csv/./mine_split.csv", roots={})
    protocol = folds(task)
    assert (protocol.name, protocol.selection, protocol.warnings) == ("published split", "published dev split", [])
    assert [task.clips[row].split for row in protocol.folds[0].test_N] == ["test"] * 12


def test_on_the_command_line_it_takes_shares_and_another_number(capsys: pytest.CaptureFixture[str]) -> None:
    table()
    line = "split csv/./mine.csv --method inter --number 7 --parts train=0.8,test=0.2 --out out.csv"
    with pytest.raises(SystemExit) as stopped:
        main(line.split())
    assert stopped.value.code == 0
    assert "  train  48 clips, 8 of speaker\n  test   12 clips, 2 of speaker\n" in capsys.readouterr().out
    assert column("out.csv", "split") == _splitter.inter(SPEAKERS, {"train": 0.8, "test": 0.2}, number=7)


def test_all_else_in_the_table_stays_as_it_was() -> None:
    table()
    split("csv/mine.csv", out="out.csv")
    before, after = Path("mine.csv").read_text().splitlines(), Path("out.csv").read_text().splitlines()
    assert [line.rpartition(",")[0] for line in after] == before


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("separator", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\r")])
def test_encoding_separator_quotes_and_line_ends_stay(codec: str, separator: str, end: str) -> None:
    rows = [
        ["File", "speaker", " höhe; ", "note"],
        *([f"{n}.wav", f"ä{n}", "1", f'a "b"{separator}{n}'] for n in range(4)),
    ]
    quoted = [[*row[:3], '"{}"'.format(row[3].replace('"', '""')) if '"' in row[3] else row[3]] for row in rows]
    if separator == ";":
        quoted[0][2] = f'"{rows[0][2]}"'
    mark = "\ufeff" if codec.startswith("utf-16") else ""
    text = mark + "".join(separator.join(row) + end for row in quoted)
    Path("mine.csv").write_bytes(text.encode(codec))
    sound(Path(), *(f"{n}.wav" for n in range(4)))
    split("csv/mine.csv", out="out.csv")
    after = Path("out.csv").read_bytes().decode(codec)
    assert re.sub(rf"{re.escape(separator)}(split|train|dev|test)(?={end})", "", after) == text
    assert len(open_dataset("csv/out.csv", roots={})[1]) == 4


def test_paths_are_right_as_seen_from_another_folder(tmp_path: Path) -> None:
    table("deep/mine.csv")
    header, first, *rest = Path("deep/mine.csv").read_text().splitlines()
    absolute = first.replace("wavs/", f"{tmp_path}/deep/wavs/")
    Path("deep/mine.csv").write_text("\n".join([header, absolute, *rest]))
    split("csv/deep/mine.csv", out="other/place/out.csv")
    assert column("other/place/out.csv", "file")[:2] == [f"{tmp_path}/deep/wavs/0.wav", "../../deep/wavs/1.wav"]
    _, clips, _ = open_dataset("csv/other/place/out.csv", roots={})
    assert all(clip.path.is_file() for clip in clips)


def test_paths_are_right_where_a_folder_is_a_link(tmp_path: Path) -> None:
    table("real/deep/mine.csv")
    Path("short").symlink_to("real/deep")
    split("csv/short/mine.csv", out="out.csv")
    assert column("out.csv", "file")[0] == "real/deep/wavs/0.wav"


def test_nothing_is_overwritten_unasked() -> None:
    table()
    Path("out.csv").write_text("precious")
    with pytest.raises(DataError, match=r"out\.csv exists already: give another --out, or --overwrite"):
        split("csv/mine.csv", out="out.csv")
    assert Path("out.csv").read_text() == "precious"
    split("csv/mine.csv", out="out.csv", overwrite=True)
    with pytest.raises(DataError, match=r"out\.csv has a column 'split' already: take it out, or give --overwrite"):
        split("csv/out.csv", out="again.csv", number=7)
    before = column("out.csv", "split")
    split("csv/out.csv", out="out.csv", number=7, overwrite=True)
    assert column("out.csv", "split") != before
    assert Path("out.csv").read_text().splitlines()[0] == "file,speaker,mood,split"


def test_intra_shares_speakers_and_every_report_says_so() -> None:
    table()
    told = str(split("csv/mine.csv", out="out.csv", method="intra"))
    assert "note: 10 of 10 speakers are in more than one split: a score on it says nothing about new voices" in told
    assert column("out.csv", "split") == _splitter.intra(SPEAKERS, {"train": 0.6, "dev": 0.2, "test": 0.2})
    (task,) = open_tasks("csv/out.csv", roots={})
    assert (task.target, task.speakers) == ("mood", "shared")
    assert folds(task).name == "published split, same speakers on both sides"


def test_the_same_split_without_that_word_is_refused() -> None:
    table()
    split("csv/mine.csv", out="out.csv", method="intra")
    Path("bare.csv").write_text(Path("out.csv").read_text().replace(",shared", ",").replace(",speakers", ",x"))
    (task,) = open_tasks("csv/bare.csv", roots={})
    with pytest.raises(DataError, match="10 speakers are in two splits"):
        folds(task)


def test_splitting_again_by_speaker_takes_that_word_back() -> None:
    table()
    split("csv/mine.csv", out="out.csv", method="intra")
    split("csv/out.csv", out="out.csv", overwrite=True)
    (task,) = open_tasks("csv/out.csv", roots={})
    assert (task.speakers, folds(task).name) == ("disjoint", "published split")


def test_a_speaker_with_too_few_clips_is_left_out_loudly_or_an_error() -> None:
    table(speakers=[*SPEAKERS, "ann", "ann", "bob"])
    told = str(split("csv/mine.csv", out="out.csv", method="intra"))
    assert "note: 2 of speaker with fewer than 3 clips are in no split: ann (2), bob (1)" in told
    assert column("out.csv", "split")[-3:] == ["", "", ""]
    (task,) = open_tasks("csv/out.csv", roots={})
    assert "3 of 63 clips are in no split: they take no part" in folds(task).warnings
    with pytest.raises(DataError, match=r"2 of speaker with fewer than 3 clips .* ann \(2\), bob \(1\); give fewer"):
        split("csv/mine.csv", out="no.csv", method="intra", small="error")
    assert not Path("no.csv").exists()


def test_groups_may_be_another_column_and_speakers_that_it_does_not_keep_apart_are_told() -> None:
    rows = [f"wavs/{row}.wav,s{row % 2},day{row % 5},{'xy'[row % 2]}" for row in range(60)]
    table()
    Path("mine.csv").write_text("\n".join(["file,speaker,session,mood", *rows]))
    told = str(split("csv/mine.csv", out="out.csv", by="session"))
    assert "train  36 clips, 3 of session" in told
    assert "2 of 2 speakers are in more than one split" in told


def test_a_part_that_stays_empty_is_told() -> None:
    table()
    told = str(split("csv/mine.csv", out="out.csv", parts=["train=0.9", "dev=0.05", "test=0.05"]))
    assert "note: dev is empty: give it a larger share" in told


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ("train=0.6,dev=0.2", "the shares add up to 0.8 and need to add up to 1: mend --parts"),
        ("", "the shares add up to 0 and need"),
        ("train=0.5,train=0.4", "the part 'train=0.4' is not"),
        (
            "train=0.5,held=0.5",
            "the part 'held=0.5' is not SPLIT=SHARE: write, for example, train=0.6,dev=0.2,test=0.2",
        ),
        ("train=half,test=0.5", "the part 'train=half' is not SPLIT=SHARE"),
        ("train=1.2,test=-0.2", "the part 'train=1.2' is not SPLIT=SHARE"),
        ("train", "the part 'train' is not SPLIT=SHARE"),
    ],
)
def test_wrong_shares_are_one_line(parts: str, line: str) -> None:
    table()
    with pytest.raises(DataError, match=re.escape(line)):
        split("csv/mine.csv", out="out.csv", parts=[parts])


def test_wrong_tables_are_one_line() -> None:
    table()
    Path("few.csv").write_text("file,speaker\nwavs/0.wav,a\nwavs/1.wav,b\n")
    Path("none.csv").write_text("file,speaker\nwavs/0.wav,a\nwavs/1.wav,\n")
    with pytest.raises(DataError, match=r"mine\.csv has no column 'who' \(its columns: file, speaker, mood\)"):
        split("csv/mine.csv", out="out.csv", by="who")
    with pytest.raises(DataError, match=r"none\.csv line 3: no speaker: fill it in"):
        split("csv/none.csv", out="out.csv")
    with pytest.raises(DataError, match="2 speakers for 3 splits"):
        split("csv/few.csv", out="out.csv")
    with pytest.raises(DataError, match=r"2 of speaker with fewer than 3 clips are in no split: a \(1\), b \(1\)"):
        split("csv/few.csv", out="out.csv", method="intra")
    with pytest.raises(DataError, match=r"folder/wavs is no table: give one, as csv/TABLE"):
        split("folder/wavs", out="out.csv")
    with pytest.raises(DataError, match="the number -1 is not from 0 to"):
        split("csv/mine.csv", out="out.csv", number=-1)
    assert not Path("out.csv").exists()
