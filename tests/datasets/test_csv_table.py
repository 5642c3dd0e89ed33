"""Tables of clips: what columns mean, how times and splits are read, and what is wrong with bad ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from noss.datasets import Clip, csv
from noss.errors import DataError


def table(folder: Path, text: str, *, files: str = "a.wav b.wav c.wav", encoding: str = "utf-8") -> Path:
    for name in files.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    path = folder / "clips.csv"
    path.write_bytes(text.encode(encoding))
    return path


def clips(folder: Path, text: str, **options: str) -> list[Clip]:
    return list(csv.clips(table(folder, text, **options)))


def test_every_row_is_a_clip_in_the_tables_order(tmp_path: Path) -> None:
    listed = clips(tmp_path, "file,speaker,label\nb.wav,ann,sad\na.wav,bob,happy\n")
    assert [clip.path for clip in listed] == [tmp_path / "b.wav", tmp_path / "a.wav"]
    assert [clip.speaker for clip in listed] == ["ann", "bob"]
    assert [clip.labels["label"] for clip in listed] == ["sad", "happy"]


@pytest.mark.parametrize(
    ("start", "end", "start_s", "end_s"),
    [
        ("0.5", "1.5", 0.5, 1.5),
        ("0 days 00:00:00.500000", "0 days 00:00:01.500000", 0.5, 1.5),
        ("0:00:00.5", "0:01:01.5", 0.5, 61.5),
        ("1 days 00:00:00", "1 day, 0:00:01", 86_400.0, 86_401.0),
        ("0", "NaT", 0.0, None),
        ("", "", 0.0, None),
    ],
)
def test_times_are_read_as_audformat_and_pandas_write_them(
    tmp_path: Path, start: str, end: str, start_s: float, end_s: float | None
) -> None:
    (clip,) = clips(tmp_path, f'file,start,end\na.wav,"{start}","{end}"\n')
    assert (clip.start_s, clip.end_s) == (start_s, end_s)


def test_a_table_that_pandas_wrote_gives_the_same_segments(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    index = pandas.MultiIndex.from_arrays(
        [["a.wav", "a.wav"], pandas.to_timedelta([0, 1.25], unit="s"), pandas.to_timedelta([1.25, None], unit="s")],
        names=["file", "start", "end"],
    )
    frame = pandas.DataFrame({"label": ["x", "y"]}, index=index)
    listed = clips(tmp_path, frame.to_csv())
    assert [(clip.start_s, clip.end_s) for clip in listed] == [(0.0, 1.25), (1.25, None)]


@pytest.mark.parametrize("word", ["val", "valid", "VALIDATION", "Dev"])
def test_validation_is_dev_in_any_spelling(tmp_path: Path, word: str) -> None:
    assert clips(tmp_path, f"file,split\na.wav,{word}\n")[0].split == "dev"


def test_splits_with_something_behind_them_and_folds_in_the_split_column_are_understood(tmp_path: Path) -> None:
    assert [c.split for c in clips(tmp_path, "file,split\na.wav,train-clean-100\nb.wav,test-other\n")] == [
        "train",
        "test",
    ]
    folded = clips(tmp_path, "file,split\na.wav,fold1\nb.wav,fold12\n")
    assert [(clip.split, clip.fold) for clip in folded] == [(None, 1), (None, 12)]


def test_folds_named_by_words_are_numbered_in_their_order(tmp_path: Path) -> None:
    assert [clip.fold for clip in clips(tmp_path, "file,fold\na.wav,west\nb.wav,east\nc.wav,west\n")] == [1, 0, 1]


def test_an_unknown_split_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"clips.csv line 3: split 'tets' is none of train, dev and test"):
        clips(tmp_path, "file,split\na.wav,train\nb.wav,tets\n")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    text = "file,label\na.wav,x\nb.wav,y\n".replace(",", separator)
    assert [clip.labels["label"] for clip in clips(tmp_path, text)] == ["x", "y"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_with_a_mark_and_all_line_ends_are_read(tmp_path: Path, encoding: str, ends: str) -> None:
    text = "file,label\nä/µ 語.wav,würde\na.wav,y\n".replace("\n", ends)
    listed = clips(tmp_path, text, encoding=encoding, files="a.wav ä/x")
    assert listed[0].path == tmp_path / "ä/µ 語.wav"
    assert listed[0].labels["label"] == "würde"


def test_bytes_that_are_not_utf_8_name_their_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3 is not UTF-8.*: save it as UTF-8"):
        clips(tmp_path, "file,label\na.wav,x\nb.wav,würde\n", encoding="latin-1")


def test_a_quoted_cell_may_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    listed = clips(tmp_path, 'file,label\na.wav,"x, ""y""\nz"\nb.wav,b\n')
    assert listed[0].labels["label"] == 'x, "y"\nz'


def test_labels_that_look_like_formulas_or_html_pass_unchanged(tmp_path: Path) -> None:
    listed = clips(tmp_path, "file,label\na.wav,=1+1\nb.wav,<b>&amp;\n")
    assert [clip.labels["label"] for clip in listed] == ["=1+1", "<b>&amp;"]


def test_a_file_is_found_by_its_stem_whatever_its_suffix(tmp_path: Path) -> None:
    listed = clips(tmp_path, "file\na.flac\nb\nd/1.5 m.wav\n", files="a.opus.ogg b.WAV d/1.5\u00a0m.wav")
    assert [clip.path.name for clip in listed][:2] == ["a.opus.ogg", "b.WAV"]


def test_two_files_of_one_stem_are_refused_unless_one_is_named(tmp_path: Path) -> None:
    assert clips(tmp_path, "file\na.wav\n", files="a.wav a.mp3")[0].path.name == "a.wav"
    with pytest.raises(DataError, match=r"a\.flac may be a\.mp3 or a\.wav: give the suffix"):
        clips(tmp_path, "file\na.flac\n", files="a.wav a.mp3")


def test_a_missing_file_stays_in_the_list_under_its_own_name(tmp_path: Path) -> None:
    listed = clips(tmp_path, "file\na.wav\ngone.wav\n")
    assert listed[1].path == tmp_path / "gone.wav"


def test_a_table_none_of_whose_files_is_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file of .*clips\.csv is there \(first: .*x\.wav\)"):
        clips(tmp_path, "file\nx.wav\ny.wav\n")


def test_paths_may_lead_out_of_the_tables_folder_or_be_absolute_or_windows_like(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/e.wav").touch()
    (tmp_path / "t/sub").mkdir(parents=True)
    (tmp_path / "t/sub/w.wav").touch()
    path = tmp_path / "t/t.csv"
    path.write_text(f"file\n../elsewhere/e.wav\n{tmp_path}/elsewhere/e.flac\nsub\\w.wav\n")
    with pytest.raises(DataError, match=r"line 3: .* is on line 2 too"):
        list(csv.clips(path))
    path.write_text("file\n../elsewhere/e.wav\nsub\\w.wav\n")
    assert [clip.path.exists() for clip in csv.clips(path)] == [True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\na.wav,x\n", r"has no column 'file' \(its columns: path, label\)"),
        ("", r"has no column 'file' \(its columns: none\)"),
        ("file,label\n", "has a header and no row"),
        ("file,label,label\na.wav,x,y\n", "has two columns 'label'"),
        ("file,label\na.wav,x\na.wav,y\n", r"line 3: a\.wav from 0 s is on line 2 too"),
        ("file,label\na.wav,x\n./a.wav,y\n", "line 3: ./a.wav from 0 s is on line 2 too"),
        ("file,start,end\na.wav,0,1\na.wav,0.0,1\n", "line 3: .* is on line 2 too"),
        ("file,start,end\na.wav,2,1\n", r"line 2: the end \(1 s\) is not behind the start \(2 s\)"),
        ("file,start,end\na.wav,1,1\n", "is not behind the start"),
        ("file,start,end\na.wav,soon,1\n", "line 2: start 'soon' is no time"),
        ("file,start,end\na.wav,0,1\nb.wav,-1,1\n", "line 3: start '-1' is no time"),
        ("file,start,end\na.wav,0,inf\n", "end 'inf' is no time"),
        ("file,label\na.wav,x\nb.wav\n", "line 3: 1 cells, 2 are needed"),
        ("file,label\na.wav,x,y\n", "line 2: 3 cells, 2 are needed"),
        ("file,label\na.wav,x\n,y\n", "line 3: no file"),
        ('file,label\n"a.wav,x\n', "1 cells, 2 are needed|check its quotes"),
    ],
)
def test_a_bad_table_is_refused_with_its_line_and_a_way_out(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        clips(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert "clips.csv" in str(caught.value)


def test_the_line_of_an_error_counts_lines_inside_quotes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 5: the end"):
        clips(tmp_path, 'file,label,start,end\na.wav,"two\nlines",,\n\nb.wav,x,2,1\n')


def test_a_binary_file_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(DataError, match="is not a text table"):
        csv.describe(path)


def test_a_missing_table_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.csv: No such file"):
        csv.describe(tmp_path / "none.csv")


def rows(header: str, values: list[str]) -> str:
    return f"file,{header}\n" + "".join(f"{place}.wav,{value}\n" for place, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["1", "2", "10", "2"], ("1", "2", "10")),
        (["0.5", "1", "2", "2"], None),
        ([str(n) for n in range(30)], None),
        (["007", "008", "007", "008"], ("007", "008")),
        (["yes", "no", "", "nan"], ("no", "yes")),
    ],
)
def test_numbers_and_classes_are_told_apart(tmp_path: Path, values: list[str], classes: tuple[str, ...] | None) -> None:
    assert csv.describe(table(tmp_path, rows("mood", values))).targets == {"mood": classes}


@pytest.mark.parametrize(
    ("header", "values", "reason"),
    [
        ("text", [f"word {n}" for n in range(30)], "30 different values in 30 rows are names or texts"),
        ("age", [str(n) for n in range(29)] + ["x"], r"1 of 30 values are not numbers \(first: 'x'\)"),
        ("mood", ["a"] * 4, "all its values are 'a'"),
        ("seconds", ["1.5", "2.5"], "it describes the files"),
    ],
)
def test_a_column_that_is_no_target_is_named_with_the_reason(
    tmp_path: Path, header: str, values: list[str], reason: str
) -> None:
    card = csv.describe(table(tmp_path, rows(header, values)))
    assert card.targets == {}
    assert len(card.notes) == 1
    assert re.search(reason, card.notes[0])


def test_an_empty_label_is_left_out_of_the_clips_labels(tmp_path: Path) -> None:
    listed = clips(tmp_path, "file,mood,age\na.wav,,1.5\nb.wav,sad,\nc.wav,happy,3\n")
    assert [dict(clip.labels) for clip in listed] == [{"age": 1.5}, {"mood": "sad"}, {"mood": "happy", "age": 3.0}]


def test_further_columns_are_kept_as_facts(tmp_path: Path) -> None:
    (first, _) = clips(tmp_path, "file,gender,note,seconds\na.wav,f,loud,1.0\nb.wav,m,,2.0\n")
    assert first.facts == {"gender": "f", "note": "loud"}


def test_the_facts_of_a_table_are_counted(tmp_path: Path) -> None:
    card = csv.describe(table(tmp_path, "file,speaker,label,seconds\na.wav,s1,x,1800\nb.wav,s2,y,1800\n"))
    assert (card.num_clips, card.num_speakers, card.hours, card.speakers) == (2, 2, 1.0, "disjoint")
    assert csv.describe(table(tmp_path, "file,label\na.wav,x\nb.wav,y\n")).speakers == "unknown"


@pytest.mark.parametrize("name", ["speaker_id", "Subject", "patient id", "spk"])
def test_a_column_that_looks_like_speakers_is_pointed_out(tmp_path: Path, name: str) -> None:
    (line,) = csv.warnings(table(tmp_path, f"file,{name},label\na.wav,s1,x\n"))
    assert f"the column {name!r} looks like speakers" in line
    assert csv.warnings(table(tmp_path, f"file,speaker,{name}\na.wav,s1,x\n")) == []


def test_column_names_are_found_whatever_their_case_and_spaces(tmp_path: Path) -> None:
    (clip,) = clips(tmp_path, "File, Speaker ,SPLIT\na.wav,ann,Train\n")
    assert (clip.speaker, clip.split) == ("ann", "train")


@pytest.mark.parametrize(
    ("corpus", "target", "num_classes", "num_clips"),
    [
        ("languages", "label", 19, 749),
        ("languages", "gender", 3, 749),
        ("arabic_commands", "label", 10, 3000),
        ("minsk_als", "label", 2, 128),
        ("noise", "label", 10, 60),
        ("speechocean_test", "gender", 2, 2500),
        ("ravdess", "label", 8, 1440),
    ],
)
def test_real_tables_work_with_no_code(
    noss_data: Path, corpus: str, target: str, num_classes: int, num_clips: int
) -> None:
    path = noss_data / corpus / "clips.csv"
    classes = csv.describe(path).targets[target]
    listed = list(csv.clips(path))
    assert classes is not None
    assert (len(classes), len(listed)) == (num_classes, num_clips)
    assert all(clip.path.is_file() for clip in listed[:: max(1, len(listed) // 50)])
