"""A local S3-compatible server with the faults of a real one: moto, behind delays, busy answers and refusals.

`python tests/s3_server.py [DELAY_MS]` binds to loopback, prints its port and serves until it is ended. A key with
`forbidden` in it is refused. Under `/_control`: `POST /_control/busy/N` makes the next N requests fail with 503, `POST
/_control/hang` lets every further one wait for ever, and `GET /_control/counts` tells how many there were of each method.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>no</Message></Error>'


class Faulty:
    """The server's application with faults in front."""

    def __init__(self, delay_s: float) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._delay_s = delay_s
        self._busy, self._hangs = 0, False
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        if path.startswith("/_control/"):
            return self._control(path.split("/")[2:], start)
        with self._lock:
            self._counts[environ["REQUEST_METHOD"]] += 1
            is_busy, self._busy = self._busy > 0, max(0, self._busy - 1)
        time.sleep(1e6 if self._hangs else self._delay_s)
        if is_busy:
            return _fail(environ, start, "503 Slow Down", "SlowDown")
        if "forbidden" in path:
            return _fail(environ, start, "403 Forbidden", "AccessDenied")
        return self._app(environ, start)

    def _control(self, words: list[str], start: Any) -> Any:
        if words[0] == "busy":
            self._busy = int(words[1])
        if words[0] == "hang":
            self._hangs = True
        return _say(start, "200 OK", json.dumps(self._counts))


class Quiet(WSGIRequestHandler):  # type: ignore[misc]
    """Keeps connections open, as stores do, and says nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        """Nothing."""


def _fail(environ: dict[str, Any], start: Any, status: str, code: str) -> list[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    said = _say(start, status, ERROR.format(code=code))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else said


def _say(start: Any, status: str, text: str) -> list[bytes]:
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
    return [text.encode()]


if __name__ == "__main__":
    app = Faulty(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()
