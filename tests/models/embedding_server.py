"""A local embedding service that misbehaves as it is told, for the tests of `http/URL`."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import soundfile

DIM = 6


@dataclass
class Service:
    """What the service does next, and what it was asked.

    `faults` are used up one a request, then it behaves; `loud` is done to every clip louder than 0.5.
    """

    faults: list[str] = field(default_factory=list)
    loud: str = ""
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    elsewhere: str = ""


def vector(waveform_T: np.ndarray[Any, Any]) -> list[float]:
    """What the service gives for a waveform (T,): six numbers that tell clips apart."""
    parts = np.array_split(np.abs(waveform_T), DIM)
    return [float(part.mean()) for part in parts]


@contextmanager
def serving(path: str = "/embed") -> Iterator[Service]:
    """A service on a port of this machine, gone afterwards."""
    service, over = Service(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.asked.append(body)
            service.keys.append(self.headers.get("Authorization"))
            audio = base64.b64decode(str(body.get("audio") or body["input"]).rpartition(",")[2])
            waveform_T, _ = soundfile.read(io.BytesIO(audio), dtype="float32")
            fault = service.faults.pop(0) if service.faults else ""
            if service.loud and np.abs(waveform_T).max() > 0.5:
                fault = service.loud
            self.answer(fault, vector(waveform_T), openai="input" in body)

        def answer(self, fault: str, values: list[float], *, openai: bool) -> None:
            if fault == "hang":
                over.wait(20)
                return
            if fault == "drip":
                self.send_response(200)
                self.end_headers()
                while not over.is_set():
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.05)
                return
            status = {"500": 500, "401": 401, "302": 302}.get(fault, 200)
            values = {"dim": values[1:], "nan": [float("nan"), *values[1:]], "words": ["a", *values[1:]]}.get(
                fault, values
            )  # type: ignore[dict-item]
            facts = {"data": [{"index": 0, "embedding": values}]} if openai else {"embedding": values}
            content = {"html": b"<html>", "huge": b"1" * 17_000_000}.get(fault, json.dumps(facts).encode())
            self.send_response(status)
            if fault == "302":
                self.send_header("Location", service.elsewhere)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]  # a client that hangs up is what is tested
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}{path}"
    try:
        yield service
    finally:
        over.set()
        server.shutdown()
        server.server_close()
