"""What is in the store is whole and right, whatever happened while it was written."""

from __future__ import annotations

import logging
import multiprocessing
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from noss.errors import StoreError
from noss.store import Store

FACTS = {"model": "tiny/2", "layers": 2, "dim": 3, "weights": "abc"}


def _ids(num: int, *, seed: int = 0) -> list[str]:
    return [row.tobytes().hex() for row in np.random.default_rng(seed).integers(0, 256, (num, 16), dtype=np.uint8)]


def _rows(num: int, *, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(num, 2, 3)).astype(np.float32)


def _append(store: Store, num: int, *, seed: int = 0) -> tuple[list[str], NDArray[np.float32]]:
    ids, rows_NLD = _ids(num, seed=seed), _rows(num, seed=seed)
    store.append(ids, rows_NLD, durations_s=[0.5] * num, seconds=2.0, device="this cpu")
    return ids, rows_NLD


def test_rows_come_back_in_the_order_asked_for_across_parts(tmp_path: Path) -> None:
    store = Store.open(tmp_path, FACTS)
    ids_a, rows_a = _append(store, 7, seed=1)
    ids_b, rows_b = _append(store, 5, seed=2)
    order = np.random.default_rng(3).permutation(12)
    ids = [(ids_a + ids_b)[place] for place in order]
    for opened in (store, Store.open(tmp_path, FACTS)):
        np.testing.assert_array_equal(opened.lookup(ids), np.concatenate([rows_a, rows_b])[order])
        np.testing.assert_array_equal(opened.lookup([ids[0], ids[0]]), opened.lookup([ids[0]])[[0, 0]])
        assert opened.ids() == sorted(ids)
        assert len(opened) == 12
        np.testing.assert_array_equal(opened.durations_s(ids[:4]), [0.5] * 4)


def test_ids_with_zero_bytes_are_told_apart(tmp_path: Path) -> None:
    ids = ["00" * 16, "01" + "00" * 15, "01" * 15 + "00", "01" * 16]
    store = Store.open(tmp_path, FACTS)
    store.append(ids, _rows(4), durations_s=[1.0] * 4, seconds=1, device="cpu")
    np.testing.assert_array_equal(store.lookup(ids), _rows(4))
    assert store.missing([*ids, "01" * 14 + "0000"]) == ["01" * 14 + "0000"]


def test_missing_gives_each_new_id_once_in_order(tmp_path: Path) -> None:
    store = Store.open(tmp_path, FACTS)
    ids, _ = _append(store, 3)
    new = _ids(2, seed=9)
    assert store.missing([new[1], ids[0], new[0], new[1]]) == [new[1], new[0]]
    assert store.missing([]) == []


def test_an_unknown_id_is_an_error_and_not_a_row_of_zeros(tmp_path: Path) -> None:
    store = Store.open(tmp_path, FACTS)
    with pytest.raises(StoreError, match="no embedding of clip"):
        store.lookup(_ids(1))
    assert store.lookup([]).shape == (0, 2, 3)


def test_other_facts_open_another_store_and_another_name_the_same(tmp_path: Path) -> None:
    _append(Store.open(tmp_path, FACTS), 3)
    assert len(Store.open(tmp_path, {**FACTS, "weights": "changed"})) == 0
    assert len(Store.open(tmp_path, {**FACTS, "model": "./another/path/to/tiny.py"})) == 3


def test_a_row_written_twice_counts_once(tmp_path: Path) -> None:
    first, second = Store.open(tmp_path, FACTS), Store.open(tmp_path, FACTS)
    ids, rows_NLD = _append(first, 4)
    _append(second, 4)
    second.append(ids[:2], rows_NLD[:2], durations_s=[0.5] * 2, seconds=1.0, device="this cpu")
    opened = Store.open(tmp_path, FACTS)
    assert len(opened) == 4
    np.testing.assert_array_equal(opened.lookup(ids), rows_NLD)


def test_speed_is_the_sum_over_parts(tmp_path: Path) -> None:
    store = Store.open(tmp_path, FACTS)
    _append(store, 4, seed=1)
    store.append(_ids(2, seed=2), _rows(2), durations_s=[3.0, 4.0], seconds=0.25, device="other gpu")
    assert Store.open(tmp_path, FACTS).speed() == (2.25, 9.0, "other gpu + this cpu")


@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "emptied"])
def test_a_corrupt_part_is_reported_set_aside_and_its_rows_are_missing(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store.open(tmp_path, FACTS)
    lost, _ = _append(store, 4, seed=1)
    (part,) = store.folder.glob("part-*.arrow")
    kept, rows_NLD = _append(store, 3, seed=2)
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 4
    part.write_bytes({"flipped bit": content, "truncated": content[:-9], "emptied": b""}[damage])
    with caplog.at_level(logging.WARNING, "noss"):
        opened = Store.open(tmp_path, FACTS)
    assert "corrupt" in caplog.text
    assert opened.num_corrupt == 1
    assert opened.missing(lost + kept) == lost
    np.testing.assert_array_equal(opened.lookup(kept), rows_NLD)
    assert [path.name for path in opened.folder.glob("*.corrupt")] == [f"{part.name}.corrupt"]
    _append(opened, 4, seed=1)
    again = Store.open(tmp_path, FACTS)
    assert (len(again), again.num_corrupt) == (7, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_is_a_clean_error_and_leaves_the_store_whole(tmp_path: Path) -> None:
    store = Store.open(tmp_path, FACTS)
    ids, rows_NLD = _append(store, 3)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StoreError, match=r"cannot write .*free some space"):
            store.append(_ids(1000, seed=5), _rows(1000), durations_s=[1.0] * 1000, seconds=1, device="cpu")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    for opened in (store, Store.open(tmp_path, FACTS)):
        assert len(opened) == 3
        assert opened.num_corrupt == 0
        np.testing.assert_array_equal(opened.lookup(ids), rows_NLD)
    assert list(store.folder.glob(".*.tmp")) == []


def _write_many(cache: Path, first: int) -> None:
    store = Store.open(cache, FACTS)
    for seed in range(first, first + 20):
        _append(store, 5, seed=seed)


def test_two_processes_write_one_store(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, first)) for first in (0, 10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    opened = Store.open(tmp_path, FACTS)
    assert (len(opened), opened.num_corrupt) == (150, 0)
    for seed in range(30):
        np.testing.assert_array_equal(opened.lookup(_ids(5, seed=seed)), _rows(5, seed=seed))


def test_a_writer_killed_at_any_moment_leaves_whole_parts_only(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    for delay_s in (0.01, 0.03, 0.05):
        writer = context.Process(target=_write_many, args=(tmp_path, 0))
        writer.start()
        time.sleep(delay_s)
        writer.kill()
        writer.join()
        opened = Store.open(tmp_path, FACTS)
        assert opened.num_corrupt == 0
        assert len(opened) % 5 == 0
