"""The Hugging Face hub as a server on this machine: sets are found, read as they come, and copied once a commit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from miniatures import hf, sound

pytest.importorskip("datasets")
COMMIT = "d" * 40
ASK = """
import sys
from noss.errors import NossError
from noss.pipeline._clips import open_dataset
for name in sys.argv[1:]:
    try:
        card, clips, root = open_dataset(name, roots={})
        print(len(clips), root.name, card.source, clips[0].labels["label"], len(clips[0].path.read_bytes()))
    except NossError as error:
        print(error)
"""


class Answers(BaseHTTPRequestHandler):
    """As much of the hub's interface as reading `user/set` asks for."""

    protocol_version = "HTTP/1.1"
    root: Path

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["paths"]
        self.answer(200, json.dumps([self.entry(self.root / path) for path in asked if (self.root / path).exists()]))

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if re.fullmatch(r"/api/datasets/user/set(/revision/[^/]+)?", path):
            files = [{"rfilename": str(p.relative_to(self.root))} for p in self.root.rglob("*") if p.is_file()]
            facts = {"id": "user/set", "_id": "1", "sha": COMMIT, "private": False, "tags": [], "siblings": files}
            self.answer(200, json.dumps(facts))
        elif match := re.fullmatch(rf"/api/datasets/user/set/tree/{COMMIT}/?(.*)", path):
            every = "recursive=true" in self.path.lower()
            found = (self.root / match[1]).glob("**/*" if every else "*")
            self.answer(200, json.dumps([self.entry(path) for path in sorted(found)]))
        elif match := re.fullmatch(rf"/datasets/user/set/resolve/{COMMIT}/(.+)", path):
            self.file(self.root / match[1])
        else:
            self.answer(404, "{}", **{"X-Error-Code": "RepoNotFound"})

    def entry(self, path: Path) -> dict[str, Any]:
        kind = "file" if path.is_file() else "directory"
        return {"type": kind, "path": str(path.relative_to(self.root)), "size": path.stat().st_size, "oid": "e" * 40}

    def file(self, path: Path) -> None:
        if not path.is_file():
            return self.answer(404, "", **{"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        content, asked = path.read_bytes(), re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        facts = {"ETag": f'"{hash(content)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if asked is None:
            return self.answer(200, content, **facts)
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        facts["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return self.answer(206, content[first : last + 1], **facts)

    def answer(self, status: int, content: str | bytes, **headers: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Any]:
    """Ask for datasets, of which the hub has `user/set`, the folder `set`; without a server it is out of reach."""
    (tmp_path / "set").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Answers,), {"root": tmp_path / "set"}))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(*names: str) -> list[str]:
        own = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-c", ASK, *names]
        environment = {**os.environ, **own, "NO_PROXY": "127.0.0.1"}
        run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        return run.stdout.splitlines()

    yield ask
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_set_of_parquet_files_is_found_by_its_id_and_copied_once_a_commit(hub: Any, tmp_path: Path) -> None:
    hf.build(tmp_path / "set")
    plain, named, other, config = hub("hf/user/set/label", f"hf/user/set@{COMMIT}", "hf/user/other", "hf/user/set:en")
    number, folder, source, label, size = plain.split()
    assert (number, label, size) == ("12", "sad", "3244")
    assert source == f"https://huggingface.co/datasets/user/set/tree/{COMMIT}"
    assert named.startswith("12 ")
    assert other.startswith("there is no file or folder user/other and no set of that name on the hub that you may see")
    assert config.startswith("cannot read hf/user/set:en: BuilderConfig 'en' not found")
    (again,) = hub("hf/user/set")
    assert again.split()[1] == folder


@pytest.mark.slow
def test_a_folder_of_audio_files_is_brought_from_the_hub(hub: Any, tmp_path: Path) -> None:
    for split in ("train", "test"):
        sound(tmp_path / "set", *(f"{split}/{label}/{row}.wav" for label in ("happy", "sad") for row in range(2)))
    (told,) = hub("hf/user/set/label")
    assert (told.split()[0], *told.split()[3:]) == ("8", "happy", "3244"), told


@pytest.mark.slow
def test_a_hub_that_does_not_answer_leaves_the_last_copy(hub: Any, tmp_path: Path) -> None:
    hf.build(tmp_path / "set")
    (before,) = hub("hf/user/set")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        again, other = hub("hf/user/set/label", "hf/user/other")
    finally:
        del os.environ["HF_HUB_OFFLINE"]
    assert again == before
    assert "the hub cannot be reached" in other
