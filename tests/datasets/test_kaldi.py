"""Kaldi data folders: segments, speakers and labels from list files; pipes and contradictions are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from noss.datasets import Clip, kaldi
from noss.errors import DataError
from noss.pipeline._clips import open_tasks

LISTS = {
    "wav.scp": "a wavs/a.wav\nb wavs/b.flac\n",
    "utt2spk": "a ann\nb bob\n",
    "spk2gender": "ann f\nbob m\n",
    "utt2lang": "a de\nb en\n",
    "text": "a guten Tag\nb\n",
}


def folder(root: Path, **lists: str | None) -> Path:
    for name in ("a.wav", "b.wav"):
        (root / "wavs").mkdir(parents=True, exist_ok=True)
        (root / "wavs" / name).touch()
    named = LISTS | {name.replace("wav_scp", "wav.scp"): text for name, text in lists.items()}
    for name, text in named.items():
        if text is not None:
            (root / name).write_bytes(text.encode())
    return root


def clips(root: Path, **lists: str | None) -> list[Clip]:
    return list(kaldi.clips(folder(root, **lists)))


def test_speakers_labels_and_texts_come_from_their_lists(tmp_path: Path) -> None:
    first, second = clips(tmp_path)
    assert (first.path, first.speaker, first.sentence) == (tmp_path / "wavs/a.wav", "ann", "guten Tag")
    assert first.labels == {"gender": "f", "language": "de", "speaker": "ann"}
    assert (first.start_s, first.end_s) == (0.0, None)
    assert (second.path, second.sentence) == (tmp_path / "wavs/b.wav", None)


def test_any_utt2_list_is_a_target(tmp_path: Path) -> None:
    card = kaldi.describe(folder(tmp_path, utt2mood="b sad\na happy\n", utt2dur="a 1800\nb 1800\n"))
    assert card.targets["mood"] == ("happy", "sad")
    assert (card.hours, card.num_speakers, card.title) == (1.0, 2, tmp_path.name)


def test_segments_are_utterances_and_an_end_below_zero_is_the_end_of_the_recording(tmp_path: Path) -> None:
    segments = "a-1 a 0.5 1.25\na-2 a 1.25 -1\n"
    listed = clips(tmp_path, segments=segments, utt2spk=None, spk2gender=None, utt2lang="a-2 en\n", text=None)
    assert [(clip.path.name, clip.start_s, clip.end_s) for clip in listed] == [
        ("a.wav", 0.5, 1.25),
        ("a.wav", 1.25, None),
    ]
    assert [clip.facts for clip in listed] == [{}, {"language": "en"}]


def test_a_list_cannot_move_the_segments(tmp_path: Path) -> None:
    (first, _) = clips(tmp_path, utt2start="a 7\nb 8\n")
    assert (first.start_s, first.facts["utt2start"]) == (0.0, "7")


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path, ends: str) -> None:
    lists = {name.replace(".", "_"): "\ufeff" + text.replace("\n", ends) for name, text in LISTS.items()}
    assert [clip.speaker for clip in clips(tmp_path, **lists)] == ["ann", "bob"]


def test_every_utterance_its_own_speaker_means_that_speakers_are_unknown(tmp_path: Path) -> None:
    listed = clips(tmp_path, utt2spk="a a\nb b\n", spk2gender="a f\nb m\n")
    assert [clip.speaker for clip in listed] == [None, None]
    assert [clip.labels["gender"] for clip in listed] == ["f", "m"]


def test_paths_are_seen_from_the_folder_above_where_they_lead_to_files(tmp_path: Path) -> None:
    folder(tmp_path)
    inner = tmp_path / "data/train"
    inner.mkdir(parents=True)
    for name, text in LISTS.items():
        (inner / name).write_text(text)
    assert [clip.path for clip in kaldi.clips(inner)] == [tmp_path / "wavs/a.wav", tmp_path / "wavs/b.wav"]


def test_folders_named_like_splits_are_one_corpus_with_that_split(tmp_path: Path) -> None:
    for split in ("train", "test_other"):
        folder(tmp_path / split)
    assert [(clip.split, clip.speaker) for clip in kaldi.clips(tmp_path)] == [
        ("test", "ann"), ("test", "bob"), ("train", "ann"), ("train", "bob"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["sph2pipe -f wav a.sph |", "| cat"])
def test_a_command_is_refused_with_its_line_and_never_run(tmp_path: Path, command: str) -> None:
    with pytest.raises(DataError, match=r"wav\.scp line 2: a command \(.*\), and commands are never run: write its"):
        clips(tmp_path, wav_scp=f"a wavs/a.wav\nb {command}\n")
    trap = tmp_path / "trap"
    with pytest.raises(DataError, match="never run"):
        clips(tmp_path, wav_scp=f"a touch {trap} |\n")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"wav_scp": "a foo.ark:123\n"}, r"wav\.scp line 1: foo\.ark:123 is no audio file"),
        ({"wav_scp": "a\n"}, r"wav\.scp line 1: nothing behind 'a'"),
        ({"wav_scp": ""}, r"wav\.scp has no line"),
        ({"wav_scp": "a wavs/a.wav\na wavs/b.wav\n"}, r"wav\.scp line 2: 'a' is on line 1 too"),
        ({"wav_scp": "a not_in_any_folder_above.wav\nb nor_this.wav\n"}, r"no file of .*wav\.scp is there"),
        ({"utt2lang": "a de\nc en\n"}, r"utt2lang line 2: there is no utterance 'c'"),
        ({"segments": "a z 0 1\n"}, r"segments line 1: wav\.scp has no recording 'z'"),
        ({"segments": "a a 0\n"}, r"segments line 1: 'a 0' is no segment"),
        ({"segments": "a a 0 1 1\nb b 0 1 1\n"}, r"segments line 1: .* of one channel"),
        ({"segments": "a a 0 1\nb b 2 1\n"}, r"segments line 2: the end \(1 s\) is not behind the start \(2 s\)"),
        ({"segments": "a a 0 1\nb b x 1\n"}, r"segments line 2: start 'x' is no time"),
    ],
)
def test_a_line_that_makes_no_sense_names_its_list_and_line(
    tmp_path: Path, lists: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        clips(tmp_path, **lists)


def test_bytes_that_are_not_utf_8_name_the_list(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "text").write_bytes(b"a f\xfcr\n")
    with pytest.raises(DataError, match=r"cannot read .*text: it is not UTF-8"):
        list(kaldi.clips(tmp_path))


def test_a_folder_without_wav_scp_says_which_folders_have_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no wav\.scp in .*: give the folder that holds it"):
        kaldi.describe(tmp_path)
    folder(tmp_path / "eval92")
    with pytest.raises(DataError, match=r"no wav\.scp in .*: give one of its folders, such as .*eval92"):
        kaldi.describe(tmp_path)


def test_a_missing_recording_keeps_its_clip(tmp_path: Path) -> None:
    listed = clips(tmp_path, wav_scp="a wavs/a.wav\nb wavs/gone.wav\n")
    assert [clip.path.exists() for clip in listed] == [True, False]


def test_a_target_follows_the_folder(tmp_path: Path) -> None:
    (task,) = open_tasks(f"kaldi/{folder(tmp_path)}/language", roots={})
    assert (task.classes, task.labels) == (("de", "en"), ["de", "en"])


def test_the_library_lhotse_reads_the_same_utterances(tmp_path: Path) -> None:
    pytest.importorskip("lhotse")
    from lhotse import kaldi as theirs

    from miniatures import sound

    sound(tmp_path, "wavs/a.wav", "wavs/b.wav")
    segments = "u-1 a 0.0 0.05\nu-2 a 0.05 0.1\nu-3 b 0.02 0.1\n"
    lists = {"wav_scp": f"a {tmp_path}/wavs/a.wav\nb {tmp_path}/wavs/b.wav\n", "utt2spk": "u-1 ann\nu-2 ann\nu-3 bob\n"}
    listed = clips(tmp_path, segments=segments, utt2lang=None, text="u-1 one\nu-2 two\nu-3 three\n", **lists)
    _, supervisions, _ = theirs.load_kaldi_data_dir(tmp_path, sampling_rate=16_000)
    expected = [(one.speaker, one.recording_id, one.start, round(one.end, 3)) for one in supervisions]
    assert len(expected) == 3
    assert [(clip.speaker, clip.path.stem, clip.start_s, clip.end_s) for clip in listed] == expected
