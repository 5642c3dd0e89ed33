"""Cuts of Lhotse, written by the library itself: segments, labels, and cuts that are no piece of one file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from noss.datasets import Clip
from noss.datasets import lhotse as cuts
from noss.errors import DataError
from noss.pipeline._clips import open_tasks

lhotse = pytest.importorskip("lhotse")


def recording(name: str = "wavs/a.wav", *, channels: tuple[int, ...] = (0,), kind: str = "file") -> Any:
    source = lhotse.AudioSource(type=kind, channels=list(channels), source=name)
    return lhotse.Recording(
        id=name, sources=[source], sampling_rate=16_000, num_samples=32_000, duration=2.0, channel_ids=list(channels)
    )


def supervision(**facts: Any) -> Any:
    return lhotse.SupervisionSegment(id="u", recording_id="r", start=0.0, duration=1.0, **facts)


def cut(name: str = "c1", *supervisions: Any, **fields: Any) -> Any:
    given = {"start": 0.0, "duration": 2.0, "channel": 0, "recording": recording()} | fields
    return lhotse.MonoCut(id=name, supervisions=list(supervisions), **given)


def manifest(root: Path, *listed: Any, name: str = "cuts.jsonl.gz") -> Path:
    for file in ("a.wav", "b.wav"):
        (root / "wavs").mkdir(exist_ok=True)
        (root / "wavs" / file).touch()
    lhotse.CutSet.from_cuts(listed).to_file(root / name)
    return root / name


def clips(root: Path, *listed: Any) -> list[Clip]:
    return list(cuts.clips(manifest(root, *listed)))


@pytest.mark.parametrize("name", ["cuts.jsonl.gz", "cuts.jsonl"])
def test_a_cuts_start_and_duration_are_the_segment(tmp_path: Path, name: str) -> None:
    path = manifest(tmp_path, cut(), cut("c2", start=0.5, duration=0.75), name=name)
    whole, piece = cuts.clips(path)
    assert (whole.path, whole.start_s, whole.end_s) == (tmp_path / "wavs/a.wav", 0.0, None)
    assert (piece.start_s, piece.end_s) == (0.5, 1.25)
    assert cuts.describe(path).hours == pytest.approx(2.75 / 3_600)
    assert cuts.describe(path).title == "cuts"


def test_speaker_language_gender_and_custom_fields_are_labels(tmp_path: Path) -> None:
    told = [
        supervision(speaker=name, language=language, gender="f", text="hi", custom={"valence": valence, "split": split})
        for name, language, valence, split in (("ann", "de", 0.5, "train"), ("bob", "en", 1.0, "test"))
    ]
    first, second = cut("c1", told[0]), cut("c2", told[1], recording=recording("wavs/b.wav"))
    first.custom, second.custom = {"mood": "sad"}, {"mood": "happy"}
    found = clips(tmp_path, first, second)
    assert found[0].labels == {"speaker": "ann", "language": "de", "valence": 0.5, "mood": "sad"}
    assert [(clip.speaker, clip.split, clip.sentence) for clip in found] == [
        ("ann", "train", "hi"), ("bob", "test", "hi"),
    ]  # fmt: skip
    card = cuts.describe(tmp_path / "cuts.jsonl.gz")
    assert (card.targets["mood"], card.targets["valence"], card.num_speakers) == (("happy", "sad"), None, 2)


def test_arrays_in_custom_fields_are_no_labels_and_cannot_move_the_segment(tmp_path: Path) -> None:
    one = cut("c1", supervision(custom={"start": 7, "file": "x.wav", "xs": [1, 2], "deep": {"a": 1}}))
    (found,) = clips(tmp_path, one)
    assert (found.path.name, found.start_s) == ("a.wav", 0.0)
    assert found.facts == {"custom_start": "7", "custom_file": "x.wav"}


def test_supervisions_that_agree_are_one_and_their_texts_follow_each_other(tmp_path: Path) -> None:
    (found,) = clips(tmp_path, cut("c1", supervision(speaker="ann", text="a"), supervision(speaker="ann", text="b")))
    assert (found.speaker, found.sentence) == ("ann", "a b")


def test_a_cut_of_two_speakers_is_refused(tmp_path: Path) -> None:
    two = cut("c1", supervision(speaker="ann"), supervision(speaker="bob"))
    with pytest.raises(
        DataError, match=r"line 1: the cut 'c1' has supervisions that differ in speaker \(ann, bob\): cut"
    ):
        clips(tmp_path, two)


def of_channels() -> Any:
    return cut("c1", channel=1, recording=recording(channels=(0, 1)))


def multi() -> Any:
    both = recording(channels=(0, 1))
    return lhotse.MultiCut(id="c1", start=0.0, duration=2.0, channel=[0, 1], recording=both)


def mixed() -> Any:
    return cut("c0").append(cut("c1")).with_id("c1")


def padded() -> Any:
    return cut("c0").pad(duration=5.0).with_id("c1")


def perturbed() -> Any:
    return cut("c0", duration=2.0).perturb_speed(1.1).with_id("c1")


def piped() -> Any:
    return cut("c1", recording=recording("sph2pipe a.sph |", kind="command"))


def streamed() -> Any:
    return cut("c1", recording=recording("https://example.org/a.wav", kind="url"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (of_channels, "is channel 1 of a recording of 2 channels, and clips are mixed down: save"),
        (multi, "is channel 0, 1 of a recording of 2 channels"),
        (mixed, "is a MixedCut, no piece of one file: save its audio first"),
        (padded, "is a MixedCut, no piece of one file"),
        (perturbed, r"is of a recording that is changed on the fly \(Speed\): save it"),
        (piped, "is of a recording made by a command, and commands are never run: save it"),
        (streamed, "is of a recording of the kind 'url': save it as a file"),
    ],
)
def test_what_is_no_piece_of_one_file_is_refused_with_its_line(
    tmp_path: Path, make: Callable[[], Any], message: str
) -> None:
    with pytest.raises(DataError, match=rf"cuts\.jsonl\.gz line 2: the cut 'c1' {message}"):
        clips(tmp_path, cut("c0"), make())


def test_one_file_a_channel_is_a_file_of_one_channel(tmp_path: Path) -> None:
    both = recording()
    both.sources.append(lhotse.AudioSource(type="file", channels=[1], source="wavs/b.wav"))
    (found,) = clips(tmp_path, cut("c1", channel=1, recording=both))
    assert found.path.name == "b.wav"


def test_a_resampled_recording_is_as_good_as_its_file(tmp_path: Path) -> None:
    (found,) = clips(tmp_path, cut().resample(8_000))
    assert (found.path.name, found.end_s) == ("a.wav", None)


def test_a_cut_of_features_alone_is_refused(tmp_path: Path) -> None:
    path = manifest(tmp_path, cut())
    with gzip.open(path, "rt") as file:
        fields = json.loads(file.read())
    del fields["recording"]
    (tmp_path / "f.jsonl").write_text(json.dumps(fields))
    with pytest.raises(DataError, match="has no recording, features alone: give cuts of recordings"):
        list(cuts.clips(tmp_path / "f.jsonl"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"holds no cut"),
        (b"\r\n", r"holds no cut"),
        (b"[1]\n", r"line 1: no JSON object of a cut \(no field 'type'\)"),
        (b'{"id": "r", "sources": []}\n', r"line 1: no JSON object of a cut"),
        (b"not json\n", r"line 1: no JSON object of a cut \(.*\): give a manifest of cuts"),
        (b"\xff\xfe\n", r"line 1: no JSON object of a cut"),
        (
            b'{"type": "MonoCut", "id": "x", "recording": {"id": 1}}\n',
            r"line 1: the cut 'x' lacks a field that makes sense",
        ),
    ],
)
def test_a_line_that_is_no_cut_names_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "c.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(cuts.clips(tmp_path / "c.jsonl"))


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = manifest(tmp_path, cut("c1"), cut("c2", start=1.0, duration=1.0), name="c.jsonl")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(list(cuts.clips(path))) == 2


def test_a_manifest_that_is_cut_short_or_no_gzip_is_an_error(tmp_path: Path) -> None:
    path = manifest(tmp_path, *(cut(f"c{row}", start=row / 1_000, duration=0.5) for row in range(500)))
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(
        DataError, match=r"cannot read .*cuts\.jsonl\.gz behind line \d+: .*; give a manifest that is whole"
    ):
        list(cuts.clips(path))
    path.write_bytes(b"plain")
    with pytest.raises(DataError, match=r"cannot read .* behind line 0: Not a gzipped file"):
        list(cuts.clips(path))


def test_paths_are_absolute_or_seen_from_the_manifests_folder_or_above(tmp_path: Path) -> None:
    absolute = cut("c2", recording=recording(str(tmp_path / "wavs/b.wav")))
    inner = tmp_path / "data/manifests"
    inner.mkdir(parents=True)
    manifest(tmp_path, cut("c1"), absolute).rename(inner / "cuts.jsonl.gz")
    found = list(cuts.clips(inner / "cuts.jsonl.gz"))
    assert [clip.path for clip in found] == [tmp_path / "wavs/a.wav", tmp_path / "wavs/b.wav"]


def test_a_missing_recording_keeps_its_clip_unless_none_is_there(tmp_path: Path) -> None:
    gone = cut("c2", recording=recording("wavs/gone.wav"))
    assert [clip.path.exists() for clip in clips(tmp_path, cut("c1"), gone)] == [True, False]
    with pytest.raises(DataError, match=r"no file of .*cuts\.jsonl\.gz is there"):
        clips(tmp_path, gone)


def test_the_same_piece_twice_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: .*a\.wav from 0 s is on line 1 too"):
        clips(tmp_path, cut("c1"), cut("c2"))


def test_a_target_follows_the_manifest(tmp_path: Path) -> None:
    listed = [
        cut(f"c{row}", supervision(language=name), start=row, duration=1.0) for row, name in enumerate(("de", "en"))
    ]
    (task,) = open_tasks(f"lhotse/{manifest(tmp_path, *listed)}/language", roots={})
    assert task.labels == ["de", "en"]
