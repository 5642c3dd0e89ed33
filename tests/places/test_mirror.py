"""A cache on a store: two machines that share one make nothing twice, whatever is cut off in between."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noss import _mirror, runs
from noss.errors import PlaceError, StoreError
from noss.frame_store import FrameStore
from noss.places import store as places_store
from noss.store import Store

fsspec = pytest.importorskip("fsspec")
ADDRESS = "memory://voices/noss"
FACTS = {"model": "tiny", "layers": 1, "dim": 3}
IDS = [f"{number:032x}" for number in range(8)]


@pytest.fixture
def bucket() -> Iterator[Any]:
    """An empty memory file system."""
    file_system = fsspec.filesystem("memory")
    file_system.store.clear()
    yield file_system
    file_system.store.clear()


def _open(machine: Path, monkeypatch: pytest.MonkeyPatch, **facts: Any) -> Store:
    """The store as a machine with a cache folder of its own sees it."""
    monkeypatch.setenv("NOSS_CACHE", str(machine))
    return Store.open(runs.cache_folder(ADDRESS), {**FACTS, **facts})


def _add(store: Store, ids: list[str]) -> None:
    rows_NLD = np.array([[[int(name, 16)] * 3] for name in ids], dtype=np.float32)
    store.append(ids, rows_NLD, durations_s=[1.0] * len(ids), seconds=1.0, device="cpu")


def _there(bucket: Any) -> set[str]:
    return {Path(path).name for path in bucket.find("/voices/noss")}


def test_another_machine_finds_what_one_has_made(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(_open(tmp_path / "a", monkeypatch), IDS[:5])
    other = _open(tmp_path / "b", monkeypatch, model="the_same_by_another_name")
    assert other.ids() == IDS[:5]
    np.testing.assert_array_equal(other.lookup([IDS[3]]), [[[3.0, 3.0, 3.0]]])
    _add(other, IDS[5:])
    assert _open(tmp_path / "a", monkeypatch).ids() == IDS
    assert len(bucket.find("/voices/noss")) == 3  # two parts and store.json, in one folder


def test_a_part_is_fetched_once(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(_open(tmp_path / "a", monkeypatch), IDS)
    _open(tmp_path / "b", monkeypatch)
    monkeypatch.setattr(places_store, "bring", lambda *_: pytest.fail("it is here already"))
    assert _open(tmp_path / "b", monkeypatch).ids() == IDS


def test_a_part_that_could_not_be_sent_is_kept_and_sent_the_next_time(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _open(tmp_path / "a", monkeypatch)
    with monkeypatch.context() as patched:

        def gone(file: Path, address: str) -> None:
            raise PlaceError(f"{address}: its store does not answer", gone=True)

        patched.setattr(places_store, "send", gone)
        with pytest.raises(StoreError, match=r"does not answer; what was embedded is kept .* sent by the next run"):
            _add(store, IDS)
    assert _there(bucket) == {"store.json"}
    assert _open(tmp_path / "a", monkeypatch).ids() == IDS
    assert _open(tmp_path / "b", monkeypatch).ids() == IDS


def test_a_part_that_is_spoilt_there_is_left_out(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _add(_open(tmp_path / "a", monkeypatch), IDS)
    part = next(path for path in bucket.find("/voices/noss") if path.endswith(".arrow"))
    bucket.pipe_file(part, bucket.cat_file(part)[:-100])
    with caplog.at_level(logging.WARNING, logger="noss"):
        assert len(_open(tmp_path / "b", monkeypatch)) == 0
    assert "is corrupt (wrong checksum)" in caplog.text


def test_a_part_that_is_spoilt_here_is_fetched_anew(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _open(tmp_path / "a", monkeypatch)
    _add(store, IDS)
    part = next(store.folder.glob("part-*.arrow"))
    part.unlink()
    assert _open(tmp_path / "a", monkeypatch).ids() == IDS


def test_frames_are_shared_too(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from noss import _frame_parts
    from noss._frame_parts import END, Row

    monkeypatch.setenv("NOSS_CACHE", str(tmp_path / "a"))
    first = FrameStore.open(runs.cache_folder(ADDRESS), FACTS)
    frames_SLD = np.ones((4, 1, 3), np.float32)
    rows = [
        Row(id=IDS[0], place=0, start_s=0.0, duration_s=1.0, frames_SLD=frames_SLD),
        Row(id=IDS[0], place=END, start_s=0.0, duration_s=1.0, frames_SLD=frames_SLD[:0], count=1),
    ]
    _frame_parts.write(first.folder, rows, seconds=1.0, audio_s=1.0, device="cpu")
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path / "b"))
    other = FrameStore.open(runs.cache_folder(ADDRESS), FACTS)
    np.testing.assert_array_equal(other.lookup([IDS[0]])[0], frames_SLD)


def test_a_cache_named_by_the_environment_is_mirrored_in_the_cache_of_the_machine(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOSS_CACHE", ADDRESS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = runs.cache_folder()
    assert folder.is_relative_to(tmp_path) and _mirror._remote(folder) == ADDRESS
    assert runs.cache_folder() == folder


def test_nothing_is_sent_from_a_cache_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_store, "send", lambda *_: pytest.fail("there is nowhere to send it"))
    _add(Store.open(tmp_path, FACTS), IDS)
