"""A part is read when it is new and again when its turn comes, and one that is spoilt is never used."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from noss import _memo, _proofs
from noss._memo import Seen
from noss.store import Store

FACTS = {"model": "tiny", "layers": 1, "dim": 4}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(_memo, "_SETTLED_NS", -1)
    store = Store.open(tmp_path, FACTS)
    for number in range(10):
        _append(store, number)
    return store


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every part that is read to see whether it is whole."""
    found: list[Path] = []
    real = _proofs._checksum
    monkeypatch.setattr(_proofs, "_checksum", lambda path: found.append(path) or real(path))
    return found


def _append(store: Store, number: int) -> None:
    name = f"{number:032x}"
    store.append([name], np.full((1, 1, 4), number, np.float32), durations_s=[1.0], seconds=1.0, device="cpu")


def _num_read(read: list[Path], cache: Path) -> int:
    read.clear()
    Store.open(cache, FACTS)
    return len(read)


def test_a_part_is_read_when_it_is_new_and_not_at_the_next_opening(
    store: Store, tmp_path: Path, read: list[Path]
) -> None:
    assert _num_read(read, tmp_path) == 10
    assert _num_read(read, tmp_path) == 0
    _append(store, 10)
    assert _num_read(read, tmp_path) == 1


def test_a_part_that_was_touched_is_read_again(store: Store, tmp_path: Path, read: list[Path]) -> None:
    Store.open(tmp_path, FACTS)
    os.utime(next(store.folder.glob("part-*.arrow")))
    assert _num_read(read, tmp_path) == 1


def test_after_an_hour_each_opening_reads_some_parts_until_all_had_their_turn(
    store: Store, tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(tmp_path, FACTS)
    size = next(store.folder.glob("part-*.arrow")).stat().st_size
    monkeypatch.setattr(_proofs, "AGAIN_S", 0.0)
    monkeypatch.setattr(_proofs, "AGAIN_BYTES", 3 * size)
    turns = []
    for _ in range(4):
        assert _num_read(read, tmp_path) == 3
        turns += read
    assert set(turns[:10]) == set(store.folder.glob("part-*.arrow"))


def test_a_bit_that_flips_while_size_and_times_stay_is_found_when_its_turn_comes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_memo, "look", lambda path: Seen(path.encode(), "unchanged", settled=True, size=1000))
    Store.open(tmp_path, FACTS)
    part = next(store.folder.glob("part-*.arrow"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    assert Store.open(tmp_path, FACTS).num_corrupt == 0
    monkeypatch.setattr(_proofs, "AGAIN_S", 0.0)
    opened = Store.open(tmp_path, FACTS)
    assert (opened.num_corrupt, len(opened)) == (1, 9)


def test_without_a_memo_each_process_reads_every_part_once(
    store: Store, tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_memo, "remember", lambda *_: None)
    assert _num_read(read, tmp_path) == 10
    assert _num_read(read, tmp_path) == 0


def test_much_to_read_is_said(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_proofs, "_SAID_BYTES", 1000)
    Store.open(tmp_path, FACTS)
    assert "new parts" in caplog.text
    caplog.clear()
    Store.open(tmp_path, FACTS)
    assert caplog.text == ""


def test_a_part_that_another_process_sets_aside_meanwhile_is_missing_and_no_error(store: Store, tmp_path: Path) -> None:
    paths = sorted(store.folder.glob("part-*.arrow"))
    paths[3].unlink()
    assert _proofs.whole(paths, cache=tmp_path) == paths[:3] + paths[4:]
