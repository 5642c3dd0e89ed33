"""Vectors made elsewhere are joined by file and segment, never by order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tiny_models
from noss.errors import ModelError
from noss.models import vectors


def _values(path: Path) -> np.ndarray[Any, Any]:
    return np.stack(pq.read_table(path)["embedding"].to_pylist())


def _write(path: Path, **columns: Any) -> Path:
    facts: dict[str, Any] = {
        "file": ["a.wav", "b.wav"],
        "start": [0.0, 0.0],
        "end": [1.0, 2.0],
        "embedding": [[1.0, 2.0], [3.0, 4.0]],
    }
    pq.write_table(pa.table({key: value for key, value in (facts | columns).items() if value is not None}), path)
    return path


def test_rows_are_found_by_file_and_segment_in_any_order(tmp_path: Path) -> None:
    path = tiny_models.vectors(tmp_path / "v.parquet")
    keys = [(tmp_path / "sub" / "b.wav", 0.0, None), (tmp_path / "a.wav", 0.5, 1.25), (tmp_path / "a.wav", 0.0, None)]
    found_ND, found_N = vectors.lookup(str(path), keys)
    assert found_N.tolist() == [True, True, True]
    assert found_ND.dtype == np.float32
    np.testing.assert_array_equal(found_ND, _values(path)[[1, 2, 0]])


def test_a_file_is_read_once_for_all_blocks_and_anew_where_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, whole = [], vectors.read
    monkeypatch.setattr(vectors, "read", lambda paths: reads.append(paths) or whole(paths))
    path = _write(tmp_path / "v.parquet")
    for name, end_s in (("a.wav", 1.0), ("b.wav", 2.0)):
        assert vectors.lookup(str(path), [(tmp_path / name, 0.0, end_s)])[1].all()
    assert len(reads) == 1
    _write(tmp_path / "v.parquet", embedding=[[5.0, 6.0, 0.0], [7.0, 8.0, 0.0]])
    found_ND, _ = vectors.lookup(str(path), [(tmp_path / "b.wav", 0.0, 2.0)])
    assert (found_ND.tolist(), len(reads)) == ([[7.0, 8.0, 0.0]], 2)


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    path = tiny_models.vectors(tmp_path / "v.parquet")
    keys = [
        (tmp_path / "c.wav", 0.0, None),
        (tmp_path / "a.wav", 0.0, None),
        (tmp_path / "a.wav", 0.5, None),
        (tmp_path / "b.wav", 0.0, None),
    ]
    found_ND, found_N = vectors.lookup(str(path), keys)
    assert found_N.tolist() == [False, True, False, False]
    assert found_ND[[0, 2, 3]].any() == np.False_


def test_files_may_be_absolute_or_climb(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    path = _write(tmp_path / "tables" / "v.parquet", file=[str(tmp_path / "a.wav"), "../b.wav"])
    keys = [(tmp_path / "a.wav", 0.0, 1.0), (tmp_path / "tables" / ".." / "b.wav", 0.0, 2.0)]
    assert vectors.lookup(str(path), keys)[1].tolist() == [True, True]


def test_relative_clips_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "v.parquet")
    monkeypatch.chdir(tmp_path)
    assert vectors.lookup("v.parquet", [(Path("a.wav"), 0.0, 1.0)])[1].tolist() == [True]


def test_times_may_be_durations(tmp_path: Path) -> None:
    start = pa.array([0, 500_000_000], pa.duration("ns"))
    end = pa.array([None, 1_250_000_000], pa.duration("ns"))
    path = _write(tmp_path / "v.parquet", start=start, end=end)
    keys = [(tmp_path / "a.wav", 0.0, None), (tmp_path / "b.wav", 0.5, 1.25)]
    assert vectors.lookup(str(path), keys)[1].tolist() == [True, True]


def test_an_array_with_a_table_of_durations_beside_it_is_read(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float64).reshape(3, 2)
    np.save(tmp_path / "v.npy", values)
    rows = [
        "file,start,end",
        "a.wav,0 days 00:00:00,NaT",
        "a.wav,0 days 00:00:00.500000,0 days 00:01:02.25",
        "b.wav,1.5,2",
    ]
    (tmp_path / "v.csv").write_text("\r\n".join(rows), encoding="utf-8")
    keys = [(tmp_path / "b.wav", 1.5, 2.0), (tmp_path / "a.wav", 0.5, 62.25), (tmp_path / "a.wav", 0.0, None)]
    found_ND, found_N = vectors.lookup(str(tmp_path / "v.npy"), keys)
    assert found_N.all()
    np.testing.assert_array_equal(found_ND, values[[2, 1, 0]])
    assert vectors.card(str(tmp_path / "v.npy")).weights == f"{tmp_path / 'v.npy'};{tmp_path / 'v.csv'}"


def test_lists_of_one_length_are_as_good_as_fixed_ones(tmp_path: Path) -> None:
    path = _write(tmp_path / "v.parquet")
    assert vectors.card(str(path)).dim == 2
    found_ND, _ = vectors.lookup(str(path), [(tmp_path / "b.wav", 0.0, 2.0)])
    assert found_ND.tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"end": None}, r"lacks the column 'end' \(it has file, start, embedding\)"),
        ({"embedding": [[1.0, 2.0], [3.0]]}, r"embeddings of lengths \[2, 1\]"),
        ({"embedding": [[1.0, float("nan")], [3.0, 4.0]]}, r"not finite, for .*a\.wav"),
        ({"file": ["a.wav", "./a.wav"], "end": [1.0, 1.0]}, r"lists .*a\.wav twice with the same start and end"),
        ({"start": ["zero", "0"]}, "column start holds 'zero': it must be seconds"),
    ],
)
def test_a_wrong_table_is_refused(columns: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "v.parquet", **columns)
    with pytest.raises(ModelError, match=message):
        vectors.lookup(str(path), [(tmp_path / "a.wav", 0.0, 1.0)])


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v.parquet").write_bytes(b"not parquet")
    (tmp_path / "v.npy").write_bytes(b"not numpy")
    (tmp_path / "v.csv").write_text("file,start,end\n", encoding="utf-8")
    np.save(tmp_path / "flat.npy", np.zeros(3))
    (tmp_path / "flat.csv").write_text("file,start,end\n", encoding="utf-8")
    np.save(tmp_path / "alone.npy", np.zeros((3, 2)))
    np.save(tmp_path / "short.npy", np.zeros((3, 2)))
    (tmp_path / "short.csv").write_text("file,start,end\na.wav,0,1\n", encoding="utf-8")
    for name, message in {
        "v.parquet": "is not a Parquet file",
        "v.npy": r"is not a plain \.npy array",
        "flat.npy": r"shape \(3,\): it must be floats of shape \(N, D\)",
        "alone.npy": r"no file .*alone\.csv",
        "gone.parquet": "no file",
        "v.csv": r"is neither \.parquet nor \.npy",
    }.items():
        with pytest.raises(ModelError, match=message):
            vectors.card(str(tmp_path / name))
    with pytest.raises(ModelError, match=r"holds 3 rows and .*short\.csv 1"):
        vectors.lookup(str(tmp_path / "short.npy"), [])


def test_an_array_of_objects_is_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([{"a": 1}, {"b": 2}], dtype=object))
    (tmp_path / "v.csv").write_text("file,start,end\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"is not a plain \.npy array"):
        vectors.card(str(tmp_path / "v.npy"))
