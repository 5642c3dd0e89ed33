"""Which parts of a store are what their names say: a part's name holds the hash of its bytes.

A part is read whole when a store is first opened with it, and the cache's memo notes by its size and times that it was
found whole. Bytes can also rot where size and times stay: so each opening reads some of the other parts again, those
first that were read longest ago. A store of less than a gigabyte is so proved at every opening that comes an hour after
the last, and a larger one within as many openings as it has gigabytes.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from noss import _memo
from noss._memo import Seen
from noss.errors import StoreError

AGAIN_BYTES = 1_000_000_000  # about a second of one core
AGAIN_S = 3600.0
_SAID_BYTES = 4_000_000_000
_log = logging.getLogger("noss")


def whole(paths: Sequence[Path], *, cache: Path) -> list[Path]:
    """Those parts whose bytes are what their names say; the others are reported and set aside.

    Raises:
        StoreError: A part cannot be read.
    """
    seen = {path: look for path in paths if (look := _look(path)) is not None}
    proved = _memo.recall(cache / "files.sqlite", "parts", list(seen.values()))
    fresh = [path for path, look in seen.items() if look.key not in proved]
    again = list(_again(seen, {path: float(proved[look.key]) for path, look in seen.items() if look.key in proved}))
    size = sum(seen[path].size for path in fresh)
    if size > _SAID_BYTES:
        _log.warning(
            "reading %.1f GB of new parts in %s, once, to see that they are whole", size / 1e9, paths[0].parent
        )
    with ThreadPoolExecutor() as pool:
        digests = pool.map(_first_checksum, fresh, [seen[path].stamp for path in fresh])
        found = dict(zip([*fresh, *again], itertools.chain(digests, pool.map(_checksum, again)), strict=True))
    spoilt = {path for path, digest in found.items() if digest is not None and path.stem != f"part-{digest[:32]}"}
    for path in spoilt:
        _set_aside(path)
    _remember(cache / "files.sqlite", {path: seen[path] for path, digest in found.items() if digest}, spoilt)
    return [path for path in seen if path not in spoilt and found.get(path, "") is not None]


def _look(path: Path) -> Seen | None:
    """A part as it is now; None where another process has just set it aside."""
    look = _memo.look(str(path))
    if isinstance(look, FileNotFoundError):
        return None
    if isinstance(look, OSError):
        raise _unread(path, look)
    return look


def _again(seen: Mapping[Path, Seen], proved: Mapping[Path, float]) -> Iterator[Path]:
    """Parts that are read again at this opening: those whose turn it is, as many as there is time for."""
    left = AGAIN_BYTES
    for path in sorted(proved, key=lambda path: proved[path]):
        if left <= 0 or proved[path] > time.time() - AGAIN_S:
            return
        left -= seen[path].size
        yield path


@functools.lru_cache(maxsize=100_000)
def _first_checksum(path: Path, stamp: str) -> str | None:
    """The checksum of a part in this state; one that no memo can hold (a folder of others) is read once a process."""
    return _checksum(path)


def _checksum(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unread(path, error) from error


def _unread(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot read {path}: {error.strerror}; mend the cache or choose another --cache")


def _set_aside(path: Path) -> None:
    _log.warning("%s is corrupt (wrong checksum): it is set aside and its clips will be embedded again", path)
    with suppress(FileNotFoundError):
        path.replace(path.with_name(f"{path.name}.corrupt"))


def _remember(memo: Path, read: Mapping[Path, Seen], spoilt: set[Path]) -> None:
    """Note those that are whole and did not change while they were read, nor just before."""
    now = repr(time.time())
    good = (look for path, look in read.items() if path not in spoilt and look.settled)
    _memo.remember(memo, "parts", [(look, now) for look in good])
