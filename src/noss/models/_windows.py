"""Fixed windows over a waveform: how many there are, and cutting them, the last piece included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def count(num_samples: int, *, window: int, hop: int) -> int:
    """Windows that cover every sample; at least one. The last one may reach behind the end."""
    return 1 + max(0, -(-(num_samples - window) // hop))


def pad(waveform_T: NDArray[np.float32], *, window: int, hop: int) -> NDArray[np.float32]:
    """The waveform (T,) with zeros behind it, so that its windows fit exactly: (T,)."""
    needed = window + (count(len(waveform_T), window=window, hop=hop) - 1) * hop
    return np.pad(waveform_T, (0, max(0, needed - len(waveform_T))))


def cut(rows_SD: NDArray[np.float32], *, window: int, hop: int) -> NDArray[np.float32]:
    """Windows along the first axis of samples (T,) or features (S, D): a copy, one window a row (S, ...)."""
    windows = np.lib.stride_tricks.sliding_window_view(rows_SD, window, axis=0)[::hop]
    return np.ascontiguousarray(np.moveaxis(windows, -1, 1))
