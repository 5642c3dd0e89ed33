"""Where the weights of wrapped models lie, and what is said when they do not."""

from __future__ import annotations

import os
from pathlib import Path

from noss.errors import ModelError
from noss.places.copies import home


def existing(path: str | Path, *, needed_by: str) -> Path:
    """A file or folder that a name points at.

    Raises:
        ModelError: Nothing stands there.
    """
    found = Path(path).expanduser()
    if not found.exists():
        raise ModelError(
            f"no file {found}: {needed_by} needs its weights; check the path (it is relative to the folder you are in)"
        )
    return found


def cache_folder() -> Path:
    """Where whatever can be made or fetched again is kept: the variable `NOSS_CACHE`, else the platform's folder."""
    return home()


def weights_folders(family: str) -> list[Path]:
    """Folders that may hold a family's weights, in the order they are tried."""
    roots = [cache_folder() / "weights"]
    if data := os.environ.get("NOSS_DATA"):
        roots.insert(0, Path(data) / "weights")
    if own := os.environ.get("NOSS_WEIGHTS"):
        roots.insert(0, Path(own))
    return [root.expanduser() / family for root in roots]


def weights_home(family: str) -> Path:
    """The folder that a family's weights are brought to."""
    folders = weights_folders(family)
    return folders[0] if os.environ.get("NOSS_WEIGHTS") else folders[-1]


def find_weights(family: str, *names: str) -> list[Path]:
    """The weight files of a family whose name carries no path: all of them in one folder.

    Looks in `$NOSS_WEIGHTS/<family>`, then `$NOSS_DATA/weights/<family>`, then `weights/<family>` in the cache folder.

    Raises:
        ModelError: No such folder holds every file; the message says where to put them.
    """
    folders = weights_folders(family)
    for folder in folders:
        if all((folder / name).is_file() for name in names):
            return [folder / name for name in names]
    raise ModelError(
        f"the weights of {family} are not here: {' and '.join(names)} must lie in {folders[0]} "
        f"(or in {family}/ below the folder that NOSS_WEIGHTS names); put them there, or give the path: {family}/PATH"
    )


def megabytes(*paths: Path) -> float:
    """Size of files, and of all files below folders, in 10^6 bytes."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    return round(sum(file.stat().st_size for file in files) / 1e6, 3)
