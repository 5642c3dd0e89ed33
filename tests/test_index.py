"""The index answers as a dictionary would, and growing costs little more than being made at once."""

from __future__ import annotations

import numpy as np
import pytest

from noss import _index
from noss._index import ID, Index


def _ids(numbers_N2: np.ndarray) -> np.ndarray:
    """Identities from two numbers each: equal first halves are as likely as one wants."""
    return numbers_N2.astype(">u8").reshape(-1).view(ID)


@pytest.mark.parametrize("spread", [2, 300])
def test_it_answers_as_a_dictionary_would(spread: int) -> None:
    rng = np.random.default_rng(spread)
    index, known, row = Index(), dict[bytes, int](), 0
    for size in (1, 40, 3, 200, 0, 7, 7, 90):
        ids_N = _ids(rng.integers(0, spread, (size, 2)))
        index.add(ids_N)
        for name in np.split(ids_N, size) if size else []:
            known.setdefault(name.tobytes(), row)
            row += 1
        asked_N = _ids(rng.integers(0, spread, (150, 2)))
        names = [name.tobytes() for name in np.split(asked_N, 150)]
        assert index.find(asked_N).tolist() == [known.get(name, -1) for name in names]
        first = {name: place for place, name in reversed(list(enumerate(names)))}
        assert index.missing(asked_N).tolist() == sorted(first[name] for name in first if name not in known)
    assert len(index) == len(known)
    assert index.ids().tobytes() == b"".join(sorted(known))


def test_an_empty_index_has_nothing() -> None:
    index, nothing_N = Index(), np.empty(0, dtype=ID)
    assert (len(index), len(index.ids()), len(index.find(nothing_N)), len(index.missing(nothing_N))) == (0, 0, 0, 0)
    assert index.find(_ids(np.array([[1, 2]]))).tolist() == [-1]


def test_rows_that_come_in_many_small_parts_are_sorted_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_rows: list[int] = []
    real = _index._run
    monkeypatch.setattr(_index, "_run", lambda high, low, rows: sorted_rows.append(len(high)) or real(high, low, rows))
    touched = []
    for num_parts in (64, 256):
        sorted_rows.clear()
        index, rng = Index(), np.random.default_rng(0)
        for _ in range(num_parts):
            index.add(_ids(rng.integers(0, 2**62, (10, 2))))
            index.find(_ids(rng.integers(0, 2**62, (3, 2))))
        touched.append(sum(sorted_rows) / (10 * num_parts))
        assert len(index._runs) <= np.log2(num_parts) + 1
    assert touched[1] <= np.log2(256) + 1
    assert touched[1] - touched[0] <= 2 + 1e-9, (
        "four times the rows: two sortings more a row, and not four times as many"
    )
