"""A report that is a folder: made aside, then moved into place file by file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noss.errors import StoreError
from noss.runs import replacing


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """An empty folder whose files go to the same places below `folder` when the block ends well.

    Each file appears whole or not at all; what stands in `folder` already and is not written anew stays.

    Raises:
        StoreError: `folder` is a file, cannot be written, or the disk is full.
    """
    if folder.is_file():
        raise StoreError(f"{folder} is a file and a folder is needed: choose another --out")
    with tempfile.TemporaryDirectory(prefix="noss-report-") as made:
        yield Path(made)
        for path in sorted(path for path in Path(made).rglob("*") if path.is_file()):
            with replacing(folder / path.relative_to(made)) as temporary:
                shutil.copyfile(path, temporary)
