"""Where a corpus lies: the folder that was given, the one among the user's own corpora, or the one that was fetched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from noss import runs
from noss.errors import DataError
from noss.pipeline._fetch_manifest import fetched_root


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
    if not Path(given).expanduser().is_dir() and not hasattr(module, "default_root"):
        raise DataError(f"{name} is not in {given}, which is no folder: {how}")
    return Path(given).expanduser()
