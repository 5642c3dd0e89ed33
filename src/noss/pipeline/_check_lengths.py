"""The lengths of a dataset's clips, from the headers of their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from noss.datasets import Clip, Dataset
from noss.pipeline._check_files import Seen, named
from noss.pipeline._clips import Source
from noss.pipeline._verdict import Verdict

SHORT_S: Final = 0.1
LONG_S: Final = 600.0
_SLACK_S: Final = 0.05
_HOURS_OFF: Final = 0.1  # of the declared hours


def check_lengths(source: Source, seen: Mapping[Any, Seen]) -> list[Verdict]:
    """Try the lengths of the clips that can be read: the hours in all, odd ones, ends behind their file."""
    headers = {path: one.header for path, one in seen.items() if one.header is not None}
    clips = [clip for clip in source.clips if clip.path in headers]
    if not clips:
        return []
    file_N = np.array([headers[clip.path].duration_s for clip in clips])
    start_N = np.array([clip.start_s for clip in clips])
    end_N = np.array([np.nan if clip.end_s is None else clip.end_s for clip in clips])
    end_N = np.where(np.isnan(end_N), file_N, end_N)
    behind = _files(clips, np.maximum(start_N, end_N) > file_N + _SLACK_S, "its segment ends behind the file")
    segments = f"{len(behind):,} end behind their file: {named(behind, source.root)}" if behind else "in their files"
    return [
        _hours(source.card, float((end_N - start_N).sum()) / 3_600),
        _lengths(clips, end_N - start_N),
        Verdict("segments", not behind, segments, behind),
    ]


def _hours(card: Dataset, hours: float) -> Verdict:
    close = None if not card.hours else abs(hours - card.hours) <= _HOURS_OFF * card.hours
    return Verdict("hours", close, f"{hours:.2f} h" + (f", {card.hours:g} h declared" if close is False else ""))


def _lengths(clips: Sequence[Clip], length_N: NDArray[np.float64]) -> Verdict:
    short = _files(clips, length_N < SHORT_S, f"shorter than {SHORT_S:g} s")
    long = _files(clips, length_N > LONG_S, f"longer than {LONG_S:g} s")
    found = f"{length_N.min():.2f} to {length_N.max():.2f} s, median {np.median(length_N):.2f} s"
    odd = f"{len(short):,} under {SHORT_S:g} s, {len(long):,} over {LONG_S:g} s"
    return Verdict("lengths", None if short or long else True, f"{found}; {odd}", [*short, *long])


def _files(clips: Sequence[Clip], is_so_N: NDArray[np.bool_], what: str) -> list[tuple[str, str]]:
    return [(str(clips[row].path), what) for row in np.flatnonzero(is_so_N).tolist()]
