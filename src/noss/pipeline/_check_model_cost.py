"""What a model costs: seconds a second of sound, and whether its memory grows for ever."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from noss.pipeline._check_model_feed import Feed

ROUNDS, CALLS = 3, 20
STATM = Path("/proc/self/statm")
Check = Callable[[], tuple[bool | None, str]]


class Cost(Feed):
    """Checks of speed and memory."""

    def checks(self) -> Iterator[tuple[str, Check]]:
        """Every check by name."""
        yield "speed", self.speed
        yield "memory", self.memory

    def speed(self) -> tuple[bool | None, str]:
        """Seconds of sound a second, for one clip of up to ten seconds."""
        import torch

        clip = self.lasting(min(10.0, self.card.window_s or 10.0))
        self.alone(clip)
        started = time.perf_counter()
        self.alone(clip)
        spent = time.perf_counter() - started
        seconds = len(clip) / self.card.sample_rate
        return (
            None,
            f"{seconds / spent:,.3g} x real time: {seconds:g} s in {spent:.3g} s, {torch.get_num_threads()} threads",
        )

    def memory(self) -> tuple[bool | None, str]:
        """Whether every round of calls takes more memory than the last: a third of the clip a call or more."""
        if not STATM.exists():
            return None, "cannot be read on this system"
        clip = self.lasting(min(10.0, self.card.window_s or 10.0))
        started = time.perf_counter()
        for _ in range(2):
            self.alone(clip)
        calls = int(min(CALLS, self.budget_s / ROUNDS / max((time.perf_counter() - started) / 2, 1e-6)))
        if calls < 2:
            return None, "too slow to be called often enough here"
        sizes = [_resident()]
        for _ in range(ROUNDS):
            for _ in range(calls):
                self.alone(clip)
            sizes.append(_resident())
        grown = [behind - before for before, behind in itertools.pairwise(sizes)]
        leaks = min(grown) > calls * clip.nbytes / 3
        each = f"{sum(grown) / ROUNDS / calls / 1e6:.2f} MB a call over {ROUNDS * calls} calls"
        return not leaks, f"grows by {each}" if leaks else f"steady: {each}"


def _resident() -> int:
    """Bytes of memory that this process holds, without what it has freed and keeps for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc; elsewhere freed memory may hide a leak
    if trim is not None:
        trim(0)
    return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
