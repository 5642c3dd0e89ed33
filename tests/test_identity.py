"""A clip is known by its bytes and its segment, and the memo never tells a lie."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from noss import _memo, identity
from noss.datasets import Clip
from noss.errors import Failure


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.wav" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 1000)
        os.utime(path, (1e9, 1e9))
    return paths


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old at once, so that a test need not wait."""
    monkeypatch.setattr(_memo, "_SETTLED_NS", -1)


def _count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    hashed: list[str] = []
    real = identity._hash
    monkeypatch.setattr(identity, "_hash", lambda path: hashed.append(path) or real(path))
    return hashed


def _clip(path: Path, start_s: float = 0.0, end_s: float | None = None) -> Clip:
    return Clip(path=path, labels={}, start_s=start_s, end_s=end_s)


def test_a_digest_is_the_sha256_of_the_bytes(files: list[Path], tmp_path: Path) -> None:
    expected = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    for memo in (None, tmp_path / "memo.sqlite", tmp_path / "memo.sqlite"):
        assert identity.digests(files, memo=memo) == expected


@pytest.mark.usefixtures("settled")
def test_a_remembered_file_is_not_read_again(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = _count_hashes(monkeypatch)
    first = identity.digests(files + files, memo=tmp_path / "memo.sqlite")
    assert sorted(hashed) == [str(path) for path in files]
    hashed.clear()
    assert identity.digests(files + files, memo=tmp_path / "memo.sqlite") == first
    assert hashed == []


@pytest.mark.usefixtures("settled")
def test_a_changed_file_is_hashed_again_even_with_size_and_mtime_unchanged(files: list[Path], tmp_path: Path) -> None:
    before = identity.digests(files, memo=tmp_path / "memo.sqlite")
    time.sleep(0.02)
    files[2].write_bytes(b"x" * 1000)
    os.utime(files[2], (1e9, 1e9))
    after = identity.digests(files, memo=tmp_path / "memo.sqlite")
    assert after[2] == hashlib.sha256(b"x" * 1000).hexdigest()
    assert after[:2] + after[3:] == before[:2] + before[3:]


def test_a_file_that_changed_this_instant_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memo, "_SETTLED_NS", 10**12)
    (tmp_path / "fresh.wav").write_bytes(b"fresh")
    hashed = _count_hashes(monkeypatch)
    for _ in range(2):
        identity.digests([tmp_path / "fresh.wav"], memo=tmp_path / "memo.sqlite")
    assert len(hashed) == 2


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_broken_memo_is_made_anew(files: list[Path], tmp_path: Path, content: bytes) -> None:
    memo = tmp_path / "memo.sqlite"
    memo.write_bytes(content)
    expected = identity.digests(files, memo=None)
    assert identity.digests(files, memo=memo) == expected
    assert identity.digests(files, memo=memo) == expected
    with sqlite3.connect(memo) as connection:
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (5,)


def test_a_locked_memo_costs_time_and_nothing_else(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memo = tmp_path / "memo.sqlite"
    expected = identity.digests(files, memo=memo)
    monkeypatch.setattr(_memo, "_TIMEOUT_S", 0.05)
    with sqlite3.connect(memo) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert identity.digests(files, memo=memo) == expected
    assert memo.is_file()


def test_two_processes_share_one_memo(files: list[Path], tmp_path: Path) -> None:
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(identity.digests, files, memo=tmp_path / "memo.sqlite") for _ in range(8)]
        answers = [job.result() for job in jobs]
    assert all(answer == answers[0] for answer in answers)


def test_a_whole_file_is_known_by_its_bytes_and_not_by_its_path(tmp_path: Path) -> None:
    for name in ("a.wav", "ü ж 語.wav"):
        (tmp_path / name).write_bytes(b"same")
    first, second = identity.clip_ids([_clip(tmp_path / "a.wav"), _clip(tmp_path / "ü ж 語.wav")], cache=tmp_path)
    assert first == second == hashlib.sha256(b"same").hexdigest()[:32]


def test_segments_of_one_file_have_their_own_identities(files: list[Path], tmp_path: Path) -> None:
    segments = [(0.0, None), (0.0, 1.0), (0.5, 1.0), (0.5, None), (0.1 + 0.2, 1.0), (0.3, 1.0)]
    ids = identity.clip_ids([_clip(files[0], start, end) for start, end in segments], cache=tmp_path)
    assert ids[4] == ids[5], "rounding noise of a table is not another segment"
    assert len(set(ids)) == 5
    assert all(isinstance(name, str) and len(bytes.fromhex(name)) == 16 for name in ids)


def test_a_missing_file_is_a_failure_and_the_others_have_their_ids(files: list[Path], tmp_path: Path) -> None:
    ids = identity.clip_ids([_clip(files[0]), _clip(tmp_path / "no.wav", 1.0, 2.0), _clip(tmp_path)], cache=tmp_path)
    assert isinstance(ids[0], str)
    assert ids[1] == Failure(
        file=str(tmp_path / "no.wav"),
        start_s=1.0,
        end_s=2.0,
        stage="read",
        reason="cannot be read: No such file or directory",
    )
    assert isinstance(ids[2], Failure)
    assert "directory" in ids[2].reason
