"""Hugging Face datasets, from a folder or from the hub. `hf/ID_OR_DIR[:config][@revision][/TARGET]`.

`hf/user/set`, `hf/user/set:en-US@main/intent`, `hf/./saved`, `hf/./set.parquet`: an id on the hub, a folder
(`save_to_disk`, parquet files, an audio folder) or one parquet file. No script of a set is ever run. The encoded audio
is taken as it is, so neither FFmpeg nor torchcodec is needed; samples as numbers become wav files. A copy lies in the
cache; of a set on the hub there is one a commit, and without a network the one that was made last is read.

The columns are judged as those of a table (`csv`), but a `ClassLabel` has its classes in its own order, and a column of
floats is a target of numbers. Splits are the set's own. `speaker_id` and its like say who speaks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from noss import shelf
from noss.datasets import _copies, _hf_rows
from noss.datasets._copies import Origin, clips, describe
from noss.datasets._copy import Copy
from noss.datasets._files import is_audio
from noss.errors import DataError

__all__ = ["CHOICE", "clips", "describe", "prepare"]

CHOICE = re.compile(
    r"(?P<source>[^:@]+(?=[:@])(?::[^/:@]+)?(?:@(?:refs/\w+/\w+|[^/@]+))?"  # any id or path with a config or a revision
    r"|\w[\w.-]*(?:/\w[\w.-]*)?)"  # or an id alone
    r"(?:/(?P<target>[^/]+))?"
)
_PARTS = re.compile(r"(?P<name>[^:@]+)(?::(?P<config>[^@]+))?(?:@(?P<revision>.+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def prepare(choice: str, cache: Path) -> Path:
    """The folder of the cache that holds the set's audio and its table.

    Raises:
        DataError: There is no such set, config or revision, it has no audio, or the hub cannot be reached.
        MissingExtraError: The package datasets is not installed.
    """
    parts = _PARTS.fullmatch(choice)
    if Path(choice).exists() or parts is None:
        return _from_disk(choice, cache, path=Path(choice), config=None)
    name, config, revision = parts["name"], parts["config"], parts["revision"]
    if not Path(name).exists():
        return _from_hub(choice, cache, name=name, config=config, revision=revision)
    if revision is not None:
        raise DataError(f"{name} is on this disk, and only sets on the hub have revisions: leave out @{revision}")
    return _from_disk(choice, cache, path=Path(name), config=config)


def _from_disk(choice: str, cache: Path, *, path: Path, config: str | None) -> Path:
    looks, _ = _copies.files_stamp([path] if path.is_file() else list(_files(path)))
    num_bytes = sum(size for file, size, _ in looks if not is_audio(Path(file).name))  # plain audio files stay there
    origin = Origin(part="hf", choice=str(path.absolute()), stamp=[config, looks], num_bytes=num_bytes)

    def fill(copy: Copy) -> None:
        shelf.require("datasets", extra="hf", needed_by=f"hf/{choice}")
        copy.title, copy.source = path.absolute().stem, str(path)
        _hf_rows.copy_rows(choice, copy, lambda: _hf_rows.from_disk(path, config))

    return _copies.prepared(origin, cache, fill)


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted, without the hidden ones and those that `datasets` caches beside a saved set."""
    for above, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (Path(above, name) for name in sorted(names) if not name.startswith((".", "cache-", "tmp")))


def _from_hub(choice: str, cache: Path, *, name: str, config: str | None, revision: str | None) -> Path:
    is_commit = revision is not None and _COMMIT.fullmatch(revision)
    commit = revision if is_commit else _hf_rows.commit(name, revision)
    origin = Origin(part="hf", choice=choice, stamp=[commit, config])
    if commit is None:
        made = _copies.newest(origin, cache)
        if made is None:
            raise DataError(
                f"there is no file or folder {name}, and the hub cannot be reached to look for a set of that name: "
                "check the name and the network"
            )
        return made

    def fill(copy: Copy) -> None:
        shelf.require("datasets", extra="hf", needed_by=f"hf/{choice}")
        copy.title, copy.source = name, f"https://huggingface.co/datasets/{name}/tree/{commit}"
        _hf_rows.copy_rows(choice, copy, lambda: _hf_rows.from_hub(name, config, commit=commit))

    return _copies.prepared(origin, cache, fill)
