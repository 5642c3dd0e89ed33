"""Files on their way to an object store: written here, then sent, whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noss.errors import PlaceError
from noss.places import is_address, path_of, store


@contextmanager
def sending(address: Path) -> Iterator[Path]:
    """A file here that is sent to an address when the block ends well, and is gone afterwards in any case.

    Raises:
        PlaceError: The store refuses or does not answer.
    """
    target = path_of(address)
    with tempfile.TemporaryDirectory(prefix="noss-") as folder:
        file = Path(folder) / target.name
        yield file
        store.send(file, str(target))


def check_bucket(path: Path | str) -> None:
    """Make sure, before any work is done, that the bucket of an address is there; any other path is fine.

    Raises:
        PlaceError: There is no such bucket, there are no credentials, or the store does not answer.
    """
    if not is_address(path) or path_of(path).parts[0] != "s3:":
        return
    scheme, bucket = path_of(path).parts[:2]
    try:
        store.look(f"{scheme}//{bucket}")
    except FileNotFoundError as error:
        raise PlaceError(f"cannot write {path}: there is no such bucket; make it, or correct the address") from error
    except PlaceError as error:
        if error.gone or "needs credentials" in str(error):
            raise  # a bucket that may not be looked at may still be written to


def folder_here(path: Path | str) -> Path:
    """A folder of this machine: what is read again and added to, as a run is, cannot lie on an object store.

    Raises:
        PlaceError: It is an address.
    """
    if is_address(path):
        raise PlaceError(f"{path} cannot be added to in place: give a folder here, and copy it there when it is done")
    return Path(path)
