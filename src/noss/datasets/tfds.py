"""TensorFlow Datasets, prepared on this disk. `tfds/NAME_OR_DIR[:config][:version][@RATE][/TARGET]`.

`tfds/crema_d`, `tfds/crema_d:1.0.0/label`, `tfds/./data/fleurs:en_us`: a name is looked for in `TFDS_DATA_DIR`, else in
`~/tensorflow_datasets`; without a version the newest is read. Nothing is downloaded or prepared, and neither TensorFlow
nor TFDS is needed, but for the package array_record where the files are of that format. A copy as wav files lies in
the cache.

The samples come as whole numbers. Their rate is the one that the set declares; one that declares none is refused unless
the name says it (`tfds/crema_d@16000`): there is no default. A number is out of 16 bits unless some clip of the set
needs 32. Where a set of one channel was prepared by an old TFDS from files of several, their samples take turns and
nothing tells so.

The features are judged as the columns of a table (`csv`), but a `ClassLabel` has its classes in its own order, and a
float is a target of numbers. Splits are the set's own. `speaker_id` and its like say who speaks.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.datasets import _copies, _tfds_folder
from noss.datasets._copies import Origin, clips, describe
from noss.datasets._copy import Copy
from noss.datasets._tfds_folder import Audio, Prepared
from noss.datasets._tfrecord import Feature
from noss.errors import DataError

__all__ = ["CHOICE", "clips", "describe", "prepare"]

CHOICE = re.compile(
    r"(?P<source>[^:@]+(?=[:@])(?::[^/:@]+){0,2}(?:@\d+)?"  # a name or path with a config, a version or a rate
    r"|\w+)"  # or a name alone
    r"(?:/(?P<target>[^/]+))?"
)
_PARTS = re.compile(r"(?P<name>[^:@]+)(?P<options>(?::[^:@]+)*)(?:@(?P<rate>\d+))?")


def prepare(choice: str, cache: Path) -> Path:
    """The folder of the cache that holds the set's audio and its table.

    Raises:
        DataError: There is no such set, it is incomplete or of another version, or nobody says its sample rate.
        MissingExtraError: Its files are of the format array_record, and that package is not installed.
    """
    parts = None if Path(choice).exists() else _PARTS.fullmatch(choice)
    name = parts["name"] if parts else choice
    options = parts["options"].split(":")[1:] if parts else []
    found = _tfds_folder.read(_tfds_folder.find(name, options))
    rate = _rate(found, int(parts["rate"]) if parts and parts["rate"] else None, choice=choice)
    facts = [found.folder / name for name in ("dataset_info.json", "features.json")]
    looks, num_bytes = _copies.files_stamp([*facts, *(shard.path for shard in found.shards)])
    origin = Origin(part="tfds", choice=str(found.folder.absolute()), stamp=[rate, looks], num_bytes=num_bytes)
    return _copies.prepared(origin, cache, lambda copy: _fill(copy, found, rate))


def _rate(found: Prepared, given: int | None, *, choice: str) -> int | None:
    """The sample rate; None where the clips are whole files, which say it themselves."""
    declared = found.audio.rate
    if found.audio.lazy:
        return None
    if declared is None and not given:
        raise DataError(
            f"{found.title} does not declare the sample rate of its audio, and no other may be assumed: "
            f"write it into the name, as in tfds/{choice.partition('@')[0]}@16000, if that is what it was recorded at"
        )
    if declared is not None and given is not None and given != declared:
        raise DataError(f"{found.title} is at {declared} Hz, as it declares: leave out @{given}")
    return declared or given


def _fill(copy: Copy, found: Prepared, rate: int | None) -> None:
    info = found.info
    copy.title, copy.citation = found.title, info.get("citation", "")
    copy.source = next(iter(info.get("location", {}).get("urls", [])), str(found.folder))
    copy.licence = info.get("redistributionInfo", {}).get("license", "")
    copy.classes |= {_column(name): classes for name, classes in found.classes.items()}
    for shard in found.shards:
        for number, record in enumerate(found.records(shard)):
            cells = {_column(name): _cell(record.get(name), found.classes.get(name)) for name in found.scalars}
            key = f"{shard.split}-{number}"
            _copy_record(copy, found.audio, record, cells, rate=rate, key=key, split=shard.split)
    copy.notes += [f"The column {_column(name)} is no target: it holds several values." for name in found.nested]


def _column(name: str) -> str:
    """A feature inside another as a target: a `/` would part it from the set's name."""
    return name.replace("/", ".")


def _cell(values: Feature | None, classes: tuple[str, ...] | None) -> Any:
    if values is None or len(values) == 0:
        return None
    value = values[0]
    if classes is None:
        return value
    return classes[int(value)] if 0 <= int(value) < len(classes) else None


def _copy_record(
    copy: Copy,
    audio: Audio,
    record: Mapping[str, Feature],
    cells: Mapping[str, Any],
    *,
    rate: int | None,
    key: str,
    split: str,
) -> None:
    values = record.get(audio.name)
    if values is None:
        copy.add_bytes(None, cells, key=key, split=split)
    elif rate is None:
        content = values[0] if isinstance(values, list) and values else None
        copy.add_bytes(content, cells, key=f"{key}.{audio.file_format}".strip("."), split=split)
    else:
        copy.add_samples(_samples(audio, values, key=key), cells, sample_rate=rate, key=key, split=split)


def _samples(audio: Audio, values: Feature, *, key: str) -> NDArray[Any]:
    """Samples (T,), or (T, C) of several channels."""
    if isinstance(values, list):
        values = _decoded(audio, b"".join(values), key=key)
    if audio.channels > 1:
        values = values.reshape(-1, audio.channels)
    # Decoded files are stored as the whole numbers they held, whatever type the set declares.
    is_whole = values.dtype.kind == "f" and values.size > 0 and np.abs(values).max() > 1 and (values % 1 == 0).all()
    return values.astype(np.int64) if is_whole or values.dtype.kind == "i" else values


def _decoded(audio: Audio, content: bytes, *, key: str) -> NDArray[Any]:
    try:
        raw = zlib.decompress(content) if audio.encoding == "zlib" else content
        return np.frombuffer(raw, np.dtype(audio.dtype).newbyteorder("<"))
    except (zlib.error, ValueError, TypeError) as error:
        raise DataError(
            f"the clip {key} is no {audio.encoding} of {audio.dtype} ({error}): prepare it again"
        ) from error
