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


def _answer(monkeypatch: pytest.MonkeyPatch, file_system: Any, answers: dict[str, list[Exception]]) -> list[str]:
    """Let reads of these files fail, one time after the other; gives the files that are asked for."""
    asked, read = list[str](), file_system.cat_file

    def answering(path: str, start: int | None = None, end: int | None = None) -> bytes:
        asked.append(path.rpartition("/")[2])
        if left := answers.get(asked[-1]):
            raise left.pop(0)
        content: bytes = read(path, start, end)
        return content

    monkeypatch.setattr(store._connect("memory://a").file_system, "cat_file", answering)
    return asked


def _behind_the_end() -> OSError:
    """What s3fs makes of the status 416."""
    answer = type("ClientError", (Exception,), {"response": {"ResponseMetadata": {"HTTPStatusCode": 416}}})
    error = OSError(22, "The requested range is not satisfiable")
    error.__cause__ = answer()
    return error


def test_of_many_parts_those_not_to_be_had_are_told_by_themselves(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        memory.pipe_file(f"/x/{name}", b"01234")
    answers: dict[str, list[Exception]] = {
        "b": [OSError("SlowDown")],
        "c": [PermissionError()],
        "d": [_behind_the_end()],
    }
    asked = _answer(monkeypatch, memory, answers)
    none, first, second, refused, short = store.read_ranges([(f"memory://x/{name}", 1, 3) for name in "0abcd"])
    assert (first, second, short) == (b"12", b"12", b"") and asked == ["0", "a", "b", "c", "d", "b"]
    assert isinstance(none, FileNotFoundError) and none.filename == "memory://x/0"
    assert isinstance(refused, PlaceError) and "memory://x/c is refused (403)" in str(refused)


def test_parts_of_which_a_store_gives_none_raise(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe_file("/x/a", b"01234")
    answers: dict[str, list[Exception]] = {"b": [PermissionError(), ConnectionRefusedError()]}
    _answer(monkeypatch, memory, answers | {"c": [PermissionError(), *[OSError()] * store.TRIES]})
    ranges = [(f"memory://x/{name}", 1, 3) for name in "bca"]
    with pytest.raises(PlaceError, match=r"memory://x/b is refused") as caught:
        store.read_ranges(ranges[:2])
    assert not caught.value.gone
    with pytest.raises(PlaceError, match=r"does not answer") as caught:
        store.read_ranges(ranges)
    assert caught.value.gone


def test_parts_on_several_stores_are_asked_of_their_own(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Named:
        def __init__(self, scheme: str) -> None:
            self._scheme = scheme

        def _strip_protocol(self, address: str) -> str:
            return address.partition("://")[2]

        def cat_ranges(self, paths: list[str], starts: list[int], ends: list[int], *, on_error: str) -> list[bytes]:
            return [f"{self._scheme} has {path}".encode() for path in paths]

    monkeypatch.setattr(store, "_file_system", Named)
    found = store.read_ranges([("s3://v/a", 0, 1), ("gs://v/b", 0, 1), ("s3://v/c", 0, 1)])
    assert found == [b"s3 has v/a", b"gs has v/b", b"s3 has v/c"]


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
