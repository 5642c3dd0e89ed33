"""Questions to a store are asked again where that may help, not where it cannot, and answered in one line of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from noss.errors import MissingExtraError, PlaceError
from noss.places import path_of, store

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty memory file system, asked by a fresh connection that never waits."""
    file_system = fsspec.filesystem("memory")
    file_system.store.clear()
    monkeypatch.setattr("noss.places.store.time.sleep", lambda seconds: None)
    store._connection.cache_clear()
    yield file_system
    store._connection.cache_clear()
    file_system.store.clear()


def _fail(monkeypatch: pytest.MonkeyPatch, file_system: Any, *errors: Exception) -> list[Exception]:
    """Let the next reads fail with these, one after the other; gives those that have not come yet."""
    left, read = list(errors), file_system.cat_file

    def failing(path: str) -> bytes:
        if left:
            raise left.pop(0)
        content: bytes = read(path)
        return content

    monkeypatch.setattr(store._connect("memory://a").file_system, "cat_file", failing)
    return left


def test_a_listing_tells_files_from_folders_and_sorts(memory: Any) -> None:
    for name in ("b.wav", "a/c.wav", "a/d/e.wav"):
        memory.pipe_file(f"/x/{name}", b"1")
    assert [(name, entry.is_folder) for name, entry in store.listing("memory://x").items()] == [
        ("a", True),
        ("b.wav", False),
    ]
    assert list(store.below("memory://x")) == ["a/c.wav", "a/d/e.wav", "b.wav"]


def test_paths_answer_as_those_of_a_disk_do(memory: Any) -> None:
    memory.pipe_file("/x/a/c.txt", "ä\n".encode())
    root = path_of("memory://x")
    assert root.is_dir() and not root.is_file() and (root / "a/c.txt").is_file()
    assert not (root / "b").exists() and (root / "a/c.txt").stat().st_size == 3
    assert (root / "a/c.txt").read_text(encoding="utf-8") == "ä\n"
    assert [str(path) for path in root.glob("?/*.txt")] == ["memory://x/a/c.txt"]
    with pytest.raises(FileNotFoundError):
        (root / "b.txt").read_bytes()


def test_a_busy_store_is_asked_again(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe_file("/x/a", b"bytes")
    left = _fail(monkeypatch, memory, OSError("SlowDown"), TimeoutError(), ConnectionResetError())
    assert store.read("memory://x/a") == b"bytes" and not left


def test_a_store_that_is_gone_is_asked_once_more_each_time(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left = _fail(monkeypatch, memory, *(ConnectionRefusedError("SECRET") for _ in range(store.TRIES + 1)), OSError())
    for num_left in (2, 1):
        with pytest.raises(PlaceError, match=r"memory://x/a: its store does not answer") as caught:
            store.read("memory://x/a")
        assert len(left) == num_left and caught.value.gone and "SECRET" not in str(caught.value)


def test_a_refusal_is_not_asked_again(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left = _fail(monkeypatch, memory, PermissionError("key AKIASECRET"), PermissionError())
    with pytest.raises(PlaceError, match=r"memory://x/a is refused \(403\)") as caught:
        store.read("memory://x/a")
    assert len(left) == 1 and not caught.value.gone and "SECRET" not in str(caught.value)


def test_a_full_disk_here_is_told_as_such(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, memory, OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        store.read("memory://x/a")


def test_a_missing_package_comes_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(store._PACKAGES, "gs", ("no_such_package", "gs"))
    with pytest.raises(MissingExtraError, match=r"pip install 'noss\[gs\]'"):
        path_of("gs://bucket/a").exists()


def test_what_fails_while_it_is_written_is_not_sent(memory: Any) -> None:
    from noss.runs import replacing

    with pytest.raises(ZeroDivisionError), replacing(path_of("memory://x/out.csv")) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert not memory.exists("/x/out.csv")
    with replacing(Path("memory:/x/out.csv")) as temporary:
        temporary.write_text("whole")
    assert memory.cat_file("/x/out.csv") == b"whole"
