"""A folder that TensorFlow Datasets prepared: where it is, its features, and its files, complete or refused.

The layout is that of TFDS 4: `NAME[/CONFIG]/VERSION` holds `dataset_info.json`, `features.json`, `LABEL.labels.txt` and
the files of each split (https://www.tensorflow.org/datasets/external_tfrecord).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noss import shelf
from noss.datasets import _tfrecord
from noss.errors import DataError

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_AGAIN = "prepare the set again with tensorflow-datasets 4.9 or later"


@dataclass(frozen=True, kw_only=True)
class Audio:
    """How a set stores its audio: `rate` is None where it does not say; `lazy` keeps the files as they were."""

    name: str
    dtype: str
    channels: int
    rate: int | None
    encoding: str
    lazy: bool
    file_format: str


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One file of a split, and how many clips it must hold."""

    path: Path
    split: str
    num_clips: int


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a prepared folder says about itself.

    Attributes:
        folder: The folder of the version.
        info: `dataset_info.json`.
        audio: The feature that holds the audio.
        classes: Features that are one class, with their names in order, or one fraction, with None.
        scalars: Every feature that is one value.
        nested: Features that are not.
        shards: The files, in the set's order.
    """

    folder: Path
    info: Mapping[str, Any]
    audio: Audio
    classes: Mapping[str, tuple[str, ...] | None]
    scalars: tuple[str, ...]
    nested: tuple[str, ...]
    shards: tuple[Shard, ...]

    @property
    def title(self) -> str:
        """The set's name, config and version, as TFDS writes them."""
        parts = [self.info["name"], self.info.get("configName")]
        return f"{'/'.join(part for part in parts if part)}:{self.info['version']}"

    def records(self, shard: Shard) -> Iterator[Mapping[str, _tfrecord.Feature]]:
        """The examples of a file.

        Raises:
            DataError: It is damaged, or holds more or fewer than it should.
        """
        num_clips = 0
        for record in _records(shard.path, self.info.get("fileFormat") or "tfrecord"):
            num_clips += 1
            try:
                yield _tfrecord.example(record)
            except (ValueError, IndexError) as error:
                raise DataError(f"{shard.path} is damaged in its record {num_clips} ({error}): {_AGAIN}") from error
        if num_clips != shard.num_clips:
            raise DataError(f"{shard.path} holds {num_clips} clips and {shard.num_clips} are needed: {_AGAIN}")


def find(name: str, options: Sequence[str]) -> Path:
    """The folder of a version, by a path or by a name in TFDS's own folder, and by a config and a version.

    Raises:
        DataError: There is none, it is of another version, or it was never finished.
    """
    data = Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    folder = next((path for path in (Path(name), data / name) if path.is_dir()), None)
    if folder is None:
        raise DataError(
            f"there is no folder {name}, and no set of that name in {data}: give the path of a prepared set, or point "
            "TFDS_DATA_DIR at the folder that holds it"
        )
    for option in options:
        inner = _newest(folder) if not _VERSION.fullmatch(option) and option == folder.name else folder / option
        if inner is None or not inner.is_dir():
            there = ", ".join(_inner(folder)) or "nothing"
            raise DataError(f"{folder} holds no {option} (there is {there}): name one of these, or prepare that one")
        folder = inner
    while not (folder / "dataset_info.json").is_file():
        folder = _newest(folder) or _only_config(folder)
    return folder


def read(folder: Path) -> Prepared:
    """What a prepared folder says about itself.

    Raises:
        DataError: It is incomplete, of another version than its name says or than is read here, or has no audio.
    """
    info, features = (_json(folder / name) for name in ("dataset_info.json", "features.json"))
    if not isinstance(info.get("version"), str) or "featuresDict" not in features:
        raise DataError(f"{folder} was prepared by a version of TFDS that is not read here: {_AGAIN}")
    if _VERSION.fullmatch(folder.name) and folder.name != info["version"]:
        raise DataError(
            f"{folder} holds the version {info['version']} of {info['name']}: name the folder so, or {_AGAIN}"
        )
    flat = dict(_flat(features, ""))
    labels = {name: _labels(folder, name, feature) for name, feature in flat.items() if "classLabel" in feature}
    floats = {
        name: None for name, feature in flat.items() if feature.get("tensor", {}).get("dtype", "").startswith("float")
    }
    scalars = tuple(name for name, feature in flat.items() if _is_scalar(feature))
    return Prepared(
        folder=folder,
        info=info,
        audio=_audio(folder, flat),
        classes={**floats, **labels},
        scalars=scalars,
        nested=tuple(name for name, feature in flat.items() if name not in scalars and "audio" not in feature),
        shards=tuple(_shards(folder, info)),
    )


def _inner(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _newest(folder: Path) -> Path | None:
    versions = [name for name in _inner(folder) if _VERSION.fullmatch(name)]
    return folder / max(versions, key=lambda name: [int(part) for part in name.split(".")]) if versions else None


def _only_config(folder: Path) -> Path:
    configs = [name for name in _inner(folder) if _newest(folder / name) is not None]
    if len(configs) == 1:
        return folder / configs[0]
    if configs:
        raise DataError(f"{folder} holds the configs {', '.join(configs)}: say which, as tfds/{folder}:{configs[0]}")
    half = [name for name in _inner(folder) if "incomplete" in name]
    what = f"{folder} holds a preparation that was not finished ({half[0]})" if half else f"no prepared set in {folder}"
    raise DataError(f"{what}: it needs dataset_info.json, features.json and the files of its splits; {_AGAIN}")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"there is no {path}, which a prepared set needs: {_AGAIN}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} ({error}): {_AGAIN}") from error
    return found if isinstance(found, dict) else {}


def _flat(feature: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Features by name, those inside another as `outer/inner`."""
    if "featuresDict" not in feature:
        yield name, feature
        return
    for inner, content in feature["featuresDict"].get("features", {}).items():
        yield from _flat(content, f"{name}/{inner}" if name else inner)


def _is_scalar(feature: Mapping[str, Any]) -> bool:
    tensor = feature.get("tensor")
    return "classLabel" in feature or "text" in feature or (tensor is not None and not _shape(tensor))


def _shape(feature: Mapping[str, Any]) -> list[int]:
    return [int(size) for size in feature.get("shape", {}).get("dimensions", [])]


def _labels(folder: Path, name: str, feature: Mapping[str, Any]) -> tuple[str, ...]:
    path = folder / f"{name.replace('/', '-')}.labels.txt"
    if not path.is_file():
        return tuple(map(str, range(int(feature["classLabel"].get("numClasses", 0)))))
    return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def _audio(folder: Path, flat: Mapping[str, Mapping[str, Any]]) -> Audio:
    found = [name for name, feature in flat.items() if "audio" in feature]
    if not found:
        raise DataError(f"{folder} has no feature of audio (its features: {', '.join(flat)}): give a set that has one")
    if len(found) > 1 and "audio" not in found:
        raise DataError(f"{folder} has several features of audio ({', '.join(found)}), and none is named 'audio'")
    name = "audio" if "audio" in found else found[0]
    facts = flat[name]["audio"]
    return Audio(
        name=name,
        dtype=facts.get("dtype", "int64"),
        channels=_shape(facts)[1] if len(_shape(facts)) > 1 else 1,
        rate=int(facts.get("sampleRate") or 0) or None,
        encoding=facts.get("encoding", "none").lower(),
        lazy=bool(facts.get("lazyDecode")),
        file_format=facts.get("fileFormat", ""),
    )


def _shards(folder: Path, info: Mapping[str, Any]) -> Iterator[Shard]:
    names, wanted = set(os.listdir(folder)), []  # noqa: PTH208
    for split in info.get("splits", []):
        lengths = [int(length) for length in split.get("shardLengths", [])]
        for number, length in enumerate(lengths):
            wanted.append(
                Shard(path=folder / _file(info, split, number, len(lengths)), split=split["name"], num_clips=length)
            )
    absent = [shard.path.name for shard in wanted if shard.path.name not in names]
    if absent or not wanted:
        which = (
            f"{len(absent)} of {len(wanted)} files are missing, the first {absent[0]}" if absent else "it names no file"
        )
        raise DataError(f"{folder} is incomplete ({which}): {_AGAIN}")
    yield from wanted


def _file(info: Mapping[str, Any], split: Mapping[str, Any], number: int, count: int) -> str:
    facts = {
        "DATASET": info["name"],
        "SPLIT": split["name"],
        "FILEFORMAT": info.get("fileFormat") or "tfrecord",
        "SHARD_INDEX": f"{number:05d}",
        "NUM_SHARDS": f"{count:05d}",
        "SHARD_X_OF_Y": f"{number:05d}-of-{count:05d}",
    }
    return re.sub(r"\{(\w+)\}", lambda match: facts.get(match[1], match[0]), split.get("filepathTemplate") or _TEMPLATE)


def _records(path: Path, file_format: str) -> Iterator[bytes]:
    if file_format == "tfrecord":
        return _tfrecord.records(path)
    if file_format == "array_record":
        return _array_records(path)
    raise DataError(f"{path} is of the format {file_format}: prepare the set as tfrecord or array_record")


def _array_records(path: Path) -> Iterator[bytes]:
    module = shelf.require("array_record.python.array_record_module", extra="tfds", needed_by=str(path))
    try:
        reader = module.ArrayRecordReader(str(path))
        for _ in range(reader.num_records()):
            yield bytes(reader.read())
        reader.close()
    except (RuntimeError, ValueError, IndexError, OSError) as error:
        raise DataError(f"cannot read {path} ({' '.join(str(error).split())[:200]}): {_AGAIN}") from error
