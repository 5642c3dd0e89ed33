"""Where a corpus lies: the folder that was given, the one among the user's own corpora, or the one that was fetched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from noss import runs
from noss.datasets import Clip
from noss.errors import DataError, PlaceError
from noss.pipeline._fetch_manifest import fetched_root
from noss.places import Place, path_of


def root_of(module: ModuleType, part: str, *, roots: Mapping[str, Path], cache: Path | None) -> Path:
    """The folder of a dataset that is no wrapper.

    Args:
        module: The dataset's file.
        part: Its name on the shelf, or the path of a Python file.
        roots: Folder by dataset name; without one, `$NOSS_DATA/<name>`, and then where `noss fetch` puts it.
        cache: The cache folder; None for the default one.

    Raises:
        DataError: No folder is known, or there is none.
    """
    name = Path(part).stem if part.endswith(".py") else part
    given = roots.get(part, roots.get(name))
    if given is None:
        if hasattr(module, "default_root"):
            return Path(module.default_root(runs.cache_folder(cache)))
        data = os.environ.get("NOSS_DATA")
        given = Path(data).expanduser() / name if data else None
        fetched = None if given is not None and given.is_dir() else fetched_root(name, cache=cache)
        if fetched is not None:
            return fetched
    how = f"give --root {name}=DIR, or set NOSS_DATA to the folder that holds {name}"
    if module.DATASET.downloads and module.DATASET.access == "open":
        how += f", or bring it with noss fetch {part}"
    if given is None:
        raise DataError(f"no folder is known for {name}: {how}")
    folder = path_of(given).expanduser()
    if not folder.is_dir() and not hasattr(module, "default_root"):
        raise DataError(f"{name} is not in {given}, which is no folder: {how}")
    return folder


def at_address(
    choice: str, is_there: Callable[[Path], bool], *, kind: str, reads_there: bool
) -> tuple[str, str | None]:
    """A choice that is an address, taken apart into where the dataset is and its target.

    Args:
        choice: What stands behind the wrapper's name: `s3://bucket/calls.csv/mood`.
        is_there: Whether the wrapper could read a path.
        kind: What its path is, in words.
        reads_there: Whether it reads its files where they are, rather than copying them first.

    Raises:
        PlaceError: Nothing is there, or the wrapper reads folders of this machine only.
    """
    if not reads_there:
        raise PlaceError(f"{choice} is not read where it is: copy it to a folder, and name that")
    if is_there(path_of(choice)):
        return choice, None
    head, _, last = choice.rpartition("/")
    if head.count("/") > 2 and is_there(path_of(head)):
        return head, last or None
    raise PlaceError(f"there is no {kind} {choice}: check the bucket's name and the path")


def at_their_place(clips: Iterable[Clip], root: Path) -> list[Clip]:
    """Clips of a root, whose paths are addresses where the root is: parts that look by name give plain paths."""
    if not isinstance(root, Place):
        return list(clips)
    return [replace(clip, path=path_of(clip.path)) for clip in clips]
