"""A thread that does things one after the other, some way behind whoever asks for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType


class Behind:
    """Does what it is given in order; whoever gives it more than `most` things waits for the oldest."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> Behind:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.wait()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def give(self, do: Callable[[], None]) -> None:
        """Have something done; an error of anything before comes from here."""
        if len(self._pending) >= self._most:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(do))

    def wait(self) -> None:
        """Return when all is done; an error of any of it comes from here."""
        while self._pending:
            self._pending.popleft().result()
