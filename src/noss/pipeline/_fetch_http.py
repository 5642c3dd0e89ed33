"""One file over HTTP: continued where it stopped, hashed on the way, and not taken for what it is not.

`requests` speaks HTTP (proxies, certificates, redirects; urllib3 tries a connection or a busy server again). What stands
here is what no kept library does on its own: a partial file that outlives the process and is continued with `Range` and
`If-Range`.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from noss import __version__
from noss.datasets import Download
from noss.errors import DataError
from noss.pipeline._fetch_digest import Digest

if TYPE_CHECKING:
    from requests import Response, Session

TRIES = 5
FIRST_WAIT_S = 1.0
_TIMEOUT_S = (20.0, 60.0)  # to connect; between two bytes
_CHUNK = 1 << 20
_HEAD = 1 << 16
_BUSY = (429, 500, 502, 503, 504)
_REFUSED = (401, 403)
_PAGE = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_log = logging.getLogger("noss")


class _DroppedError(Exception):
    """Less than the whole file came; another request may bring the rest."""


def download(item: Download, part: Path, *, digest: Digest, tell: Callable[[int, int | None], None]) -> None:
    """Bring a whole file to `part`; what is there of it already is kept, if the server can go on from it.

    Args:
        item: The file; its size is checked, its checksum is left to the caller.
        part: Where its bytes go. Beside it stands, until all is there, what the server says about its version.
        digest: Of all of its bytes, in the end.
        tell: Is called with the bytes there are and those there will be (None: unknown).

    Raises:
        DataError: The server has no such file, gives another one or a web page, or the connection drops too often.
    """
    from urllib3.exceptions import HTTPError

    tries = 0
    with _session() as session:
        while True:
            before = _size(part)
            try:
                _receive(session, item, part, digest=digest, tell=tell)
            except (HTTPError, _DroppedError) as error:
                tries = 1 if _size(part) > before else tries + 1
                _again(item.url, tries, error=error)
            else:
                _notes(part).unlink(missing_ok=True)
                return


def _session() -> Session:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    session = requests.Session()
    retry = Retry(total=TRIES, backoff_factor=FIRST_WAIT_S, status_forcelist=_BUSY, raise_on_status=False)
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    # A compressed transfer has other bytes, and no range of it can be continued.
    session.headers.update({"User-Agent": f"noss/{__version__}", "Accept-Encoding": "identity"})
    return session


def _again(url: str, tries: int, *, error: Exception) -> None:
    if tries > TRIES:
        raise DataError(f"{url}: the connection dropped {tries} times ({error}): run the same command later to go on")
    _log.warning("%s: the connection dropped; going on in %g s", url, FIRST_WAIT_S * 2 ** (tries - 1))
    time.sleep(FIRST_WAIT_S * 2 ** (tries - 1))


def _receive(
    session: Session, item: Download, part: Path, *, digest: Digest, tell: Callable[[int, int | None], None]
) -> None:
    """One request; its bytes are behind those of `part` when it ends, however it ends."""
    if item.size is not None and _size(part) == item.size:
        digest.follow(part)
        return
    with _open(session, item, part) as response:
        if response.status_code == 416 and _range_total(response) == _size(part):
            if item.size is not None:
                raise _wrong_size(item, part, found=f"{_size(part):,}")
            digest.follow(part)
            return
        total = _accept(response, item, part)
        digest.follow(part)
        done = _size(part)
        with part.open("ab") as file:
            # Undecoded: some servers say of an archive.tgz that it is a file sent with gzip.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                if done == 0:
                    _refuse_page(item, chunk, response)
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                tell(done, total)
                if item.size is not None and done > item.size:
                    break
    _check_size(item, part, total)


def _open(session: Session, item: Download, part: Path) -> Response:
    import requests

    try:
        return session.get(item.url, headers=_range(item, part), stream=True, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        raise DataError(f"cannot reach {item.url}: {_words(error)}; check the connection and run again") from error


def _range(item: Download, part: Path) -> dict[str, str]:
    """Asks for the rest only, and only of the same version of the file, or where a checksum will tell."""
    version = _read_notes(part)
    if not _size(part) or not (version or item.checksum):
        return {}
    return {"Range": f"bytes={_size(part)}-"} | ({"If-Range": version} if version else {})


def _accept(response: Response, item: Download, part: Path) -> int | None:
    """Make `part` what the response goes on from, and give the size of the whole file."""
    goes_on = response.status_code == 206 and _range_start(response) == _size(part) > 0
    if not goes_on:
        part.unlink(missing_ok=True)
    if response.status_code != 200 and not goes_on:
        raise _refusal(response, item)
    if "html" in response.headers.get("Content-Type", "") and _is_no_page(item):
        raise DataError(_page_line(item, response.raw.read(_HEAD, decode_content=True), response))
    length = response.headers.get("Content-Length", "")
    total = _range_total(response) if goes_on else int(length) if length.isdigit() else None
    total = item.size if total is None else total
    if item.size is not None and total != item.size:
        _refuse_page(item, b"" if goes_on else response.raw.read(_HEAD, decode_content=True), response)
        raise _wrong_size(item, part, found=f"{total:,}")
    _check_disk(item, part, total)
    if not goes_on:
        _notes(part).write_text(json.dumps({"url": item.url, "version": _version(response)}), encoding="utf-8")
    return total


def _refusal(response: Response, item: Download) -> Exception:
    status = response.status_code
    if status in (206, 416):  # the part did not fit, and is gone: ask for the whole file
        return _DroppedError(f"the server cannot go on from there (status {status})")
    answer = f"{item.url}: the server answers {status} {response.reason or ''}".rstrip()
    if status in _REFUSED:
        return DataError(f"{answer}, so it asks for a permission: get the file from its owner's page in a browser")
    if status in _BUSY:
        return DataError(f"{answer} again and again: run the same command later to go on")
    return DataError(f"{answer}, where a file is needed: it may have moved; look at its owner's page")


def _check_size(item: Download, part: Path, total: int | None) -> None:
    found = _size(part)
    if item.size is not None and found > item.size:
        raise _wrong_size(item, part, found=f"more than {item.size:,}")
    if total is not None and found < total:
        raise _DroppedError(f"{found:,} of {total:,} bytes came")


def _wrong_size(item: Download, part: Path, *, found: str) -> DataError:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)
    return DataError(
        f"{item.url} is of {found} bytes, and {item.size:,} are needed: what came is removed; its owner changed the "
        "file, or the server is ill"
    )


def _check_disk(item: Download, part: Path, total: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - _size(part) > free:
        raise DataError(
            f"{item.url} needs {total - _size(part):,} bytes and {free:,} are free in {part.parent}: "
            "free some space, or choose another folder with --to"
        )


def _is_no_page(item: Download) -> bool:
    return not item.url.lower().split("?")[0].endswith((".html", ".htm"))


def _refuse_page(item: Download, first: bytes, response: Response) -> None:
    if _is_no_page(item) and _PAGE.match(first[:_HEAD]):
        raise DataError(_page_line(item, first, response))


def _page_line(item: Download, first: bytes, response: Response) -> str:
    title = _TITLE.search(first[:_HEAD])
    words = " ".join(title.group(1).decode("utf-8", "replace").split())[:80] if title else ""
    what = "an archive" if item.unpack else "the file itself"
    return (
        f"{item.url} gave a web page{f' ({words})' if words else ''}, and {what} is needed: "
        f"open {response.url} in a browser; it may ask for a login or a consent, or the file has moved"
    )


def _version(response: Response) -> str:
    """What `If-Range` may carry: a strong entity tag, or else a date."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _range_start(response: Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match.group(1)) if match else None


def _range_total(response: Response) -> int | None:
    match = re.search(r"/(\d+)\s*$", response.headers.get("Content-Range", ""))
    return int(match.group(1)) if match else None


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_notes(part: Path) -> str:
    try:
        return str(json.loads(_notes(part).read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _words(error: Exception) -> str:
    """The reason at the bottom of an error of `requests`, which wraps those of urllib3."""
    inner: object = error
    while isinstance(inner, BaseException) and (inner.args or getattr(inner, "reason", None)):
        deeper = getattr(inner, "reason", None) or inner.args[-1]
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    return re.sub(r"<[^>]*>:?\s*", "", str(inner)).strip()
