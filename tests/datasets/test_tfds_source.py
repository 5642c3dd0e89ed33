"""Prepared folders of TensorFlow Datasets: read as the library itself reads them, and refused where they are not whole."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from miniatures import tfds as tiny
from noss.audio.read import read
from noss.datasets import Clip
from noss.datasets._tfrecord import example, records
from noss.errors import DataError
from noss.pipeline._clips import open_dataset, open_tasks


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))


def listed(name: str) -> list[Clip]:
    return open_dataset(f"tfds/{name}", roots={})[1]


def version(path: str, *examples: bytes, **audio: Any) -> Path:
    """A prepared folder of one split of one file."""
    folder = Path(path)
    folder.mkdir(parents=True)
    shard = folder / "tiny-train.tfrecord-00000-of-00001"
    shard.write_bytes(b"".join(map(tiny.record, examples or [clip()])))
    tiny.describe(folder, {"train": [len(examples) or 1]}, **audio)
    return folder


def clip(**features: Any) -> bytes:
    return tiny.example(**({"audio": [1, -2, 3], "label": [1], "speaker_id": [b"ann"]} | features))


def edit(path: Path, change: Any) -> None:
    facts = json.loads(path.read_text())
    change(facts)
    path.write_text(json.dumps(facts))


@pytest.mark.slow
@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_every_clip_is_what_the_library_reads(tmp_path: Path, file_format: str) -> None:
    tfds = pytest.importorskip("tensorflow_datasets")
    builder = made_by_the_library(tfds, tmp_path / "data", file_format=file_format)
    card, clips, _ = open_dataset("tfds/own_set:en/label", roots={})
    assert card.title == "own_set/en:1.2.0"
    assert card.targets["label"] == ("sad", "happy")
    assert card.targets["age"] is None
    for split, name in (("train", "train"), ("dev", "validation"), ("test", "test")):
        ours = [clip for clip in clips if clip.split == split]
        tensors = file_format == "tfrecord"
        theirs = list(tfds.as_numpy(builder.as_dataset(split=name)) if tensors else builder.as_data_source(split=name))
        assert len(ours) == len(theirs) == 6
        for one, other in zip(ours, theirs, strict=True):
            samples, rate = soundfile.read(str(one.path), dtype="int16")
            assert (samples.tolist(), rate) == (other["audio"].tolist(), 22_050)
            assert one.speaker == other["speaker_id"].decode()
            assert one.labels["label"] == ("sad", "happy")[other["label"]]
            assert one.labels["age"] == pytest.approx(float(other["age"]))
            assert one.labels["inner.count"] == str(other["inner"]["count"])


def made_by_the_library(tfds: Any, data: Path, *, file_format: str) -> Any:
    class OwnSet(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[misc]
        VERSION = tfds.core.Version("1.2.0")
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("en", "de")]
        pkg_dir_path = data

        def _info(self) -> Any:
            features = {
                "audio": tfds.features.Audio(sample_rate=22_050),
                "label": tfds.features.ClassLabel(names=["sad", "happy"]),
                "speaker_id": tfds.features.Text(),
                "age": np.float32,
                "inner": {"count": np.int32},
                "list": tfds.features.Sequence(np.int64),
            }
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features), citation="me")

        def _split_generators(self, _: Any) -> Any:
            return {name: self._generate_examples(name) for name in ("train", "validation", "test")}

        def _generate_examples(self, name: str) -> Any:
            draw = np.random.default_rng(len(name))
            for row in range(6):
                facts = {"age": row / 3, "inner": {"count": row % 3}, "list": [row, -row], "label": row % 2}
                audio = draw.integers(-32_768, 32_768, 1_000 + row)
                yield f"{name}{row}", {"audio": audio, "speaker_id": f"{name}{row // 2}", **facts}

    data.mkdir()
    builder = OwnSet(data_dir=str(data), config="en", file_format=file_format)
    builder.download_and_prepare()
    return builder


def test_a_name_is_looked_for_in_the_librarys_own_folder_and_the_newest_version_is_read() -> None:
    for number in ("1.0.0", "1.10.0", "1.9.0"):
        version(f"data/tiny/{number}")
    assert open_dataset("tfds/tiny", roots={})[0].title == "tiny:1.10.0"
    assert open_dataset("tfds/tiny:1.9.0", roots={})[0].title == "tiny:1.9.0"
    assert open_dataset("tfds/./data/tiny:1.0.0", roots={})[0].title == "tiny:1.0.0"
    assert open_dataset("tfds/data/tiny/1.0.0", roots={})[0].title == "tiny:1.0.0"


def test_configs_are_named_or_the_only_one() -> None:
    version("data/tiny/en/1.0.0")
    assert len(listed("tiny")) == len(listed("tiny:en")) == len(listed("tiny:en:1.0.0")) == 1
    version("data/tiny/de/1.0.0")
    with pytest.raises(DataError, match=r"data/tiny holds the configs de, en: say which, as tfds/.*tiny:de"):
        listed("tiny")
    with pytest.raises(DataError, match=r"data/tiny holds no fr \(there is de, en\): name one of these"):
        listed("tiny:fr")


def test_the_target_stands_behind_the_options(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    tiny.build(root)
    for name in ("tiny/label", "tiny:1.0.0/label", "tiny:1.0.0@16000/label", "tiny@16000/label", "./data/tiny/label"):
        (task,) = open_tasks(f"tfds/{name}", roots={})
        assert (task.target, task.classes, len(task.clips)) == ("label", ("sad", "happy"), 12)


def test_the_sample_rate_is_the_declared_one_or_must_be_said() -> None:
    version("a/1.0.0", sampleRate="8000")
    version("b/1.0.0", sampleRate=None)
    assert read(listed("./a")[0].path)[1] == 8_000
    assert read(listed("./b@11025")[0].path)[1] == 11_025
    with pytest.raises(
        DataError, match=r"tiny:1\.0\.0 does not declare the sample rate .* tfds/\./b@16000, if that is"
    ):
        listed("./b")
    with pytest.raises(DataError, match=r"tiny:1\.0\.0 is at 8000 Hz, as it declares: leave out @16000"):
        listed("./a@16000")


def test_samples_are_16_bit_numbers_of_one_or_more_channels_or_floats() -> None:
    version("one/1.0.0", clip(audio=[-32768, 16384]))
    version("two/1.0.0", clip(audio=[1, 2, 3, 4]), shape={"dimensions": ["-1", "2"]})
    version("raw/1.0.0", clip(audio=[zlib.compress(struct.pack("<3h", 5, 6, -7))]), dtype="int16", encoding="ZLIB")
    assert soundfile.read(str(listed("one")[0].path))[0].tolist() == [-1, 0.5]
    assert soundfile.read(str(listed("two")[0].path), dtype="int16")[0].tolist() == [[1, 2], [3, 4]]
    assert soundfile.read(str(listed("raw")[0].path), dtype="int16")[0].tolist() == [5, 6, -7]


def test_files_kept_as_they_were_say_their_rate_themselves() -> None:
    version("a/1.0.0", clip(audio=[b"fLaC..."]), lazyDecode=True, fileFormat="flac", sampleRate=None)
    (found,) = listed("a")
    assert (found.path.suffix, found.path.read_bytes()) == (".flac", b"fLaC...")


def test_an_empty_or_missing_recording_stays_a_clip(tmp_path: Path) -> None:
    version("a/1.0.0", clip(audio=[]), tiny.example(label=[0], speaker_id=[b"bob"]), clip())
    assert [found.path.exists() and len(soundfile.read(str(found.path))[0]) for found in listed("a")] == [0, False, 3]


def test_a_class_that_is_withheld_is_no_label() -> None:
    version("a/1.0.0", clip(label=[-1]), clip(label=[0]), clip(label=[1]))
    assert [found.labels.get("label") for found in listed("a")] == [None, "sad", "happy"]


def test_a_changed_preparation_is_copied_again() -> None:
    folder = version("a/1.0.0")
    first = open_dataset("tfds/a", roots={})[2]
    assert open_dataset("tfds/a:1.0.0", roots={})[2] == first
    shard = folder / "tiny-train.tfrecord-00000-of-00001"
    shard.write_bytes(tiny.record(clip(audio=[9])))
    assert open_dataset("tfds/a", roots={})[2] != first


def bad(folder: Path, what: str) -> None:
    shard = folder / "tiny-train.tfrecord-00000-of-00001"
    info, features = folder / "dataset_info.json", folder / "features.json"
    content = shard.read_bytes()
    if what == "no shard":
        shard.unlink()
    elif what == "cut":
        shard.write_bytes(content[:-9])
    elif what == "cut in a header":
        shard.write_bytes(content + content[:5])
    elif what == "other bytes":
        shard.write_bytes(b"x" * 100)
    elif what == "garbled":
        shard.write_bytes(tiny.record(b"\xff" * 20))
    elif what == "too many":
        shard.write_bytes(content * 2)
    elif what == "renamed":
        folder.rename(folder.parent / "2.0.0")
    elif what == "no features":
        features.unlink()
    elif what == "no json":
        info.write_text("{")
    elif what == "older":
        features.write_text('{"type": "x", "content": "{}"}')
    elif what == "riegeli":
        edit(info, lambda facts: facts.update(fileFormat="riegeli"))
        shard.rename(folder / shard.name.replace("tfrecord", "riegeli"))
    elif what == "no splits":
        edit(info, lambda facts: facts.update(splits=[]))
    elif what == "no audio":
        edit(features, lambda facts: facts["featuresDict"]["features"].pop("audio"))
    else:
        info.unlink()
        folder.rename(folder.parent / "incomplete.X_1.0.0")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no shard", r"a/1\.0\.0 is incomplete \(1 of 1 files are missing, the first tiny-train\.tfrecord-00000-of-0"),
        ("cut", "00000-of-00001 ends in the middle of a record: prepare the set again"),
        ("cut in a header", "00000-of-00001 ends in the middle of a record"),
        ("other bytes", "00000-of-00001 is damaged, or no TFRecord file"),
        ("garbled", r"00000-of-00001 is damaged in its record 1 \(.*\): prepare the set again"),
        ("too many", "00000-of-00001 holds 2 clips and 1 are needed"),
        ("renamed", r"a/2\.0\.0 holds the version 1\.0\.0 of tiny: name the folder so, or prepare"),
        ("no features", r"there is no a/1\.0\.0/features\.json, which a prepared set needs"),
        ("no json", r"cannot read a/1\.0\.0/dataset_info\.json"),
        ("older", r"a/1\.0\.0 was prepared by a version of TFDS that is not read here"),
        ("riegeli", "is of the format riegeli: prepare the set as tfrecord or array_record"),
        ("no splits", r"a/1\.0\.0 is incomplete \(it names no file\)"),
        ("no audio", r"a/1\.0\.0 has no feature of audio \(its features: label, speaker_id\)"),
        ("unfinished", r"a holds a preparation that was not finished \(incomplete\.X_1\.0\.0\)"),
    ],
)
def test_a_folder_that_is_not_whole_or_of_another_version_is_one_line(what: str, message: str) -> None:
    bad(version("a/1.0.0"), what)
    with pytest.raises(DataError, match=message) as caught:
        listed("a")
    assert "\n" not in str(caught.value)


def test_a_version_or_a_set_that_is_not_there_is_told() -> None:
    version("data/tiny/1.0.0")
    with pytest.raises(DataError, match=r"tiny holds no 2\.0\.0 \(there is 1\.0\.0\): name one of these, or prepare"):
        listed("tiny:2.0.0")
    with pytest.raises(DataError, match=r"no folder other, and no set of that name in .*data: .* TFDS_DATA_DIR"):
        listed("other/label")
    Path("empty").mkdir()
    with pytest.raises(DataError, match=r"no prepared set in empty: it needs dataset_info\.json"):
        listed("./empty")


@pytest.mark.parametrize("value", [0, 1, 127, 128, -1, -(2**63), 2**63 - 1, 300, -32768])
def test_whole_numbers_of_every_size_are_read(value: int) -> None:
    assert example(tiny.example(a=[value, 5, value]))["a"].tolist() == [value, 5, value]  # type: ignore[union-attr]


def test_many_numbers_are_read_in_blocks(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).integers(-(2**40), 2**40, 300_000).tolist()
    (tmp_path / "x").write_bytes(tiny.record(tiny.example(a=numbers)) * 2)
    for record in records(tmp_path / "x"):
        assert example(record)["a"].tolist() == numbers  # type: ignore[union-attr]


def test_numbers_that_are_not_packed_are_read_too() -> None:
    def field(number: int, content: bytes) -> bytes:
        return tiny.field(number, content)

    floats = field(2, b"".join(b"\x0d" + struct.pack("<f", value) for value in (0.5, -2.0)))
    ints = field(3, b"".join(b"\x08" + tiny.varint(value) for value in (7, -7)))
    entries = b"".join(field(1, field(1, name) + field(2, kind)) for name, kind in ((b"f", floats), (b"i", ints)))
    found = example(field(1, entries))
    assert {name: np.asarray(values).tolist() for name, values in found.items()} == {"f": [0.5, -2.0], "i": [7, -7]}
