"""A local web server with bad habits, and archives with worse ones."""

from __future__ import annotations

import io
import os
import re
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PIECE = 1 << 14


@dataclass
class Served:
    """One file of the server, and how it misbehaves.

    Attributes:
        data: Its bytes.
        drops: How many requests break off, each after `drop_after` bytes.
        drop_after: Bytes until a connection drops.
        ranges: Whether `Range` is heeded.
        etag: Its entity tag; empty for none.
        kind: Its content type.
        busy: How many requests are answered 503 first.
        status: The answer to every request, if not 200.
        moved: Where the file is instead, as a URL; empty where it is here.
        says_length: Whether its length is declared.
        encoding: A `Content-Encoding` that is declared.
        delay_s: Between pieces of 16 kB.
        requests: The headers of every request so far.
        sent: Bytes sent so far.
    """

    data: bytes
    drops: int = 0
    drop_after: int = 0
    ranges: bool = True
    etag: str = '"one"'
    kind: str = "application/octet-stream"
    busy: int = 0
    status: int = 200
    moved: str = ""
    says_length: bool = True
    encoding: str = ""
    delay_s: float = 0.0
    requests: list[Mapping[str, str]] = field(default_factory=list)
    sent: int = 0


class Server(dict[str, Served]):
    """Files by name; `url(name)` is where one is."""

    address = ""

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@contextmanager
def serving() -> Iterator[Server]:
    files = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with suppress(ConnectionError):  # a client that was killed
                path = self.path.lstrip("/")
                _answer(self, files[path if path in files else path.partition("?")[0]])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    files.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, file: Served) -> None:
    file.requests.append(dict(handler.headers))
    if file.moved:
        handler.send_response(302)
        handler.send_header("Location", file.moved)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    if file.busy or file.status != 200:
        status, file.busy = (503 if file.busy else file.status), max(0, file.busy - 1)
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    start = _start(handler, file)
    if start > 0 and start >= len(file.data):
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(file.data)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    _headers(handler, file, start)
    rest = file.data[start:]
    if file.drops:
        file.drops -= 1
        rest = rest[: file.drop_after]
        handler.close_connection = True
    for place in range(0, len(rest), _PIECE if file.delay_s else max(1, len(rest))):
        piece = rest[place : place + _PIECE] if file.delay_s else rest
        file.sent += len(piece)
        handler.wfile.write(piece)
        time.sleep(file.delay_s)
    handler.close_connection = handler.close_connection or not file.says_length


def _start(handler: BaseHTTPRequestHandler, file: Served) -> int:
    match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    same = handler.headers.get("If-Range", file.etag) == file.etag
    return int(match.group(1)) if match and file.ranges and same else 0


def _headers(handler: BaseHTTPRequestHandler, file: Served, start: int) -> None:
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Type", file.kind)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(file.data) - 1}/{len(file.data)}")
    if file.says_length:
        handler.send_header("Content-Length", str(len(file.data) - start))
    if file.etag:
        handler.send_header("ETag", file.etag)
    if file.encoding:
        handler.send_header("Content-Encoding", file.encoding)
    handler.end_headers()


def tar(entries: Mapping[str, bytes | tarfile.TarInfo], *, mode: Any = "w:gz") -> bytes:
    """A tar of files by name; a `TarInfo` stands for itself, whatever it is."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode=mode) as archive:
        for name, entry in entries.items():
            info = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(entry, bytes):
                info.size = len(entry)
            archive.addfile(info, io.BytesIO(entry) if isinstance(entry, bytes) else None)
    return memory.getvalue()


def link(name: str, target: str, *, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    """A member of a tar that leads elsewhere, or is something else altogether."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(entries: Mapping[str, bytes], **attributes: int) -> bytes:
    """A zip of files by name; `attributes` gives one of them another mode."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = attributes.get(name, 0o100644) << 16
            archive.writestr(info, data)
    return memory.getvalue()


def noise(size: int) -> bytes:
    """Bytes that do not shrink."""
    return os.urandom(size)
