"""Rows of a Hugging Face dataset, read as Arrow tables: audio as bytes, as a path or as samples, and cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.datasets._copy import Copy
from noss.errors import DataError

_RATES = ("sampling_rate", "sample_rate")
_BARE = ("audio", "waveform", "samples", "speech", "wav", "array")  # lists of numbers under other names may be anything
_BATCH = 32
_FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True, kw_only=True)
class _Column:
    """The column that holds the audio: encoded (`file`), with its rate (`array`), or bare samples (`samples`)."""

    name: str
    kind: str
    rate: str | None = None


def commit(name: str, revision: str | None) -> str | None:
    """The commit that a revision of a set on the hub stands for now; None where the hub cannot be reached.

    Raises:
        DataError: There is no such set or revision, or one may not see it.
        MissingExtraError: The package datasets is not installed.
    """
    shelf.require("datasets", extra="hf", needed_by=f"hf/{name}")
    from huggingface_hub import HfApi, errors

    absent = (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError)
    try:
        return str(HfApi().dataset_info(name, revision=revision, timeout=30).sha)
    except absent as error:
        at = f" at the revision {revision}" if revision else ""
        raise DataError(
            f"there is no file or folder {name} and no set of that name on the hub{at} that you may see "
            f"({_line(error)}): check the name, or log in with hf auth login"
        ) from error
    except (OSError, errors.HTTPError):
        return None


def from_disk(path: Path, config: str | None) -> Mapping[str, Any]:
    """The splits of a set in a folder or a parquet file."""
    import datasets

    if path.is_file():
        if path.suffix != ".parquet":
            raise DataError(f"{path} is no parquet file: give one, or the folder of a set")
        return _splits(datasets.load_dataset("parquet", data_files=str(path), streaming=True))
    if any((path / name).is_file() for name in ("dataset_dict.json", "state.json")):
        if config is not None:
            raise DataError(f"{path} is a saved set, which has no configs: leave out :{config}")
        return _splits(datasets.load_from_disk(str(path)))
    return _splits(datasets.load_dataset(str(path.absolute()), config, streaming=True))


def from_hub(name: str, config: str | None, *, commit: str) -> Mapping[str, Any]:
    """The splits of a set on the hub; its files are read as they come, and are not kept twice."""
    import datasets

    builder = datasets.load_dataset_builder(name, config, revision=commit)
    if hasattr(builder.config, "decode_num_threads"):
        builder.config.decode_num_threads = (
            0  # else a folder of audio is decoded while it is read, which needs torchcodec
        )
    return _splits(builder.as_streaming_dataset())


def copy_rows(choice: str, copy: Copy, load: Callable[[], Mapping[str, Any]]) -> None:
    """Copy every row of every split.

    Raises:
        DataError: The set cannot be read, or has no audio.
    """
    with _told(choice):
        loaded = load()
        copy.expect(sum(_num_bytes(rows) for rows in loaded.values()))
        for split, rows in loaded.items():
            copy.licence, copy.citation = rows.info.license or copy.licence, rows.info.citation or copy.citation
            _copy_split(choice, copy, split, rows)


def _splits(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {str(found.split or ""): found}


def _num_bytes(rows: Any) -> int:
    """How much a split of a set on the hub takes, if it says so; one on this disk has been looked at."""
    stated = (rows.info.splits or {}).get(str(rows.split or ""))
    return int(stated.num_bytes or 0) if stated is not None and not hasattr(rows, "cache_files") else 0


@contextmanager
def _told(choice: str) -> Iterator[None]:
    from datasets.exceptions import DatasetsError
    from huggingface_hub import errors

    try:
        yield
    except (DatasetsError, errors.HTTPError, ValueError, TypeError, RuntimeError, ImportError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"cannot read hf/{choice}: {_line(error)}; check the name, its config and its files") from error


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 300 else f"{text[:300]}..."


def _copy_split(choice: str, copy: Copy, split: str, rows: Any) -> None:
    from datasets import Audio

    features = rows.features or {}
    column = _audio_column(choice, features)
    names = {name: tuple(feature.names) for name, feature in features.items() if hasattr(feature, "names")}
    copy.classes |= {name: None for name, feature in features.items() if getattr(feature, "dtype", "") in _FLOATS}
    copy.classes |= names
    if isinstance(features[column.name], Audio):
        rows = rows.cast_column(column.name, Audio(decode=False))
    number = 0
    for table in rows.with_format("arrow").iter(batch_size=_BATCH):
        cells = table.drop_columns([column.name]).to_pylist()
        for audio, row in zip(table.column(column.name), cells, strict=True):
            row |= {name: _class(row[name], classes) for name, classes in names.items()}
            _copy_row(copy, column, audio, row, key=f"{split}-{number}" if split else str(number), split=split)
            number += 1


def _class(value: int | None, classes: tuple[str, ...]) -> str | None:
    """A class by its number; sets write -1 where they withhold it."""
    return None if value is None or value < 0 else classes[value]


def _audio_column(choice: str, features: Mapping[str, Any]) -> _Column:
    kinds = {name: kind for name, feature in features.items() if (kind := _kind(name, feature))}
    found = [name for kind in ("file", "array", "samples") for name in kinds if kinds[name] == kind]
    if not found:
        raise DataError(
            f"hf/{choice} has no column of audio (its columns: {', '.join(features) or 'unknown'}): "
            "give a set that has one; for a table of paths use csv/PATH"
        )
    best = [name for name in found if kinds[name] == kinds[found[0]]]
    name = "audio" if "audio" in found else best[0]
    if name != "audio" and len(best) > 1:
        raise DataError(f"hf/{choice} has several columns of audio ({', '.join(best)}): name one of them 'audio'")
    rate = next((rate for rate in _RATES if rate in features), None)
    if kinds[name] == "samples" and rate is None:
        raise DataError(
            f"hf/{choice} has bare samples in its column {name!r} and no column sampling_rate: "
            "add one, or store the audio as Audio()"
        )
    return _Column(name=name, kind=kinds[name], rate=rate)


def _kind(name: str, feature: Any) -> str | None:
    from datasets import Audio

    if isinstance(feature, Audio) or (isinstance(feature, Mapping) and "bytes" in feature):
        return "file"
    if isinstance(feature, Mapping):
        return "array" if "array" in feature and any(rate in feature for rate in _RATES) else None
    if getattr(feature, "dtype", "") == "binary":
        return "file" if name in _BARE else None
    inner = getattr(feature, "feature", None)
    inner = getattr(inner, "feature", inner)  # a list of channels
    is_number = str(getattr(inner, "dtype", "")).startswith(("float", "int"))
    return "samples" if name in _BARE and is_number else None


def _copy_row(copy: Copy, column: _Column, audio: Any, row: dict[str, Any], *, key: str, split: str) -> None:
    if column.kind == "file":
        _copy_file(copy, audio.as_py(), row, key=key, split=split)
    elif column.kind == "array" and audio.is_valid and audio["array"].is_valid:
        rate = next(int(audio[rate].as_py() or 0) for rate in _RATES if rate in audio)
        copy.add_samples(_samples(audio["array"], key), row, sample_rate=_rate(rate, key), key=key, split=split)
    elif column.kind == "samples" and audio.is_valid:
        rate = int(row.pop(column.rate or "") or 0)
        copy.add_samples(_samples(audio, key), row, sample_rate=_rate(rate, key), key=key, split=split)
    else:
        copy.add_bytes(None, row, key=key, split=split)


def _samples(audio: Any, key: str) -> NDArray[Any]:
    """Samples (T,), or (T, C) of (C, T) or (T, C) as they are stored."""
    values = audio.values
    if not hasattr(values.type, "value_type"):
        flat: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return flat
    try:
        samples = np.array(audio.as_py())
    except ValueError as error:
        raise DataError(f"the clip {key} has channels that are not equally long: mend the set") from error
    return samples.T if samples.shape[0] < samples.shape[1] else samples


def _rate(rate: int, key: str) -> int:
    if rate <= 0:
        raise DataError(f"the clip {key} has no sampling rate, which its samples need: mend the set")
    return rate


def _copy_file(copy: Copy, audio: Any, row: dict[str, Any], *, key: str, split: str) -> None:
    """Encoded audio: its bytes, or a path on this disk, or an address."""
    content = audio.get("bytes") if isinstance(audio, dict) else audio
    path = (audio.get("path") or "") if isinstance(audio, dict) else ""
    name = path.split("::")[0].rpartition("/")[2]
    key = f"{key}-{name}" if name else key
    if content is not None or not path:
        copy.add_bytes(content, row, key=key, split=split)
    elif "://" in path:
        copy.add_bytes(_fetched(path), row, key=key, split=split)
    else:
        copy.add(Path(path).absolute(), row, split=split)


def _fetched(address: str) -> bytes:
    import fsspec

    with fsspec.open(address, "rb") as file:
        return bytes(file.read())
