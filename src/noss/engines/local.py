"""This machine: one process a worker, each with its own model, so that every core stays busy.

A worker takes an item from start to end, so only small items and finished results travel between processes.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any, TypeVar

from noss.engines import Died
from noss.engines._worker import READY, serve
from noss.errors import NossError

Item = TypeVar("Item")
_FORKS_BADLY = frozenset({"tensorflow", "jax"})


def run(
    make: Callable[[], Callable[[Any], Any]],
    items: Iterable[Item],
    *,
    workers: int,
    threads: int = 1,
    prefetch: int = 0,
    spawn: bool = False,
) -> Iterator[tuple[Item, Any]]:
    """Give every item with its result, or with `Died`, in the order in which they are done.

    Processes are forked where that is safe (Linux, one thread a worker), so that a script needs no
    `if __name__ == "__main__":`, and spawned elsewhere; `make` must then be picklable.

    Args:
        make: Called once in each worker; gives the callable that maps an item to its result. It should not raise: a
            worker whose callable raises dies.
        items: Read lazily, a few ahead of the workers.
        workers: Number of processes; 0 runs everything in this one, where a crash is not survived.
        threads: Threads that each worker may compute with.
        prefetch: Threads in each worker that run the callable's own `prepare(item)` ahead of it; it is then called
            with what `prepare` gave. 0: there is no `prepare`.
        spawn: Never fork (a CUDA device cannot be used after a fork).

    Yields:
        An item and its result.

    Raises:
        NossError: A worker died before it could take an item.
    """
    if workers == 0:
        yield from _inline(make, items, prefetch=prefetch)
        return
    pool = _Pool(make, workers=workers, threads=threads, prefetch=prefetch, spawn=spawn)
    try:
        yield from pool.run(items)
    finally:
        pool.stop()


def forks(*, threads: int) -> bool:
    """Whether workers with so many threads are started by fork here: at once, and without importing anything."""
    return sys.platform == "linux" and threads == 1 and not _FORKS_BADLY & sys.modules.keys()


def _inline(
    make: Callable[[], Callable[[Any], Any]], items: Iterable[Item], *, prefetch: int
) -> Iterator[tuple[Item, Any]]:
    work: Any = make()
    for item in items:
        yield item, work(work.prepare(item) if prefetch else item)


class _Hand:
    """One worker process, seen from outside."""

    def __init__(self, context: Any, arguments: tuple[Any, ...]) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, *arguments), daemon=True, name="noss-worker")
        self.process.start()
        theirs.close()
        self.ready = False
        self.held: deque[Any] = deque()

    def give(self, item: Any) -> None:
        self.held.append(item)
        try:
            self.connection.send((item,))
        except OSError:
            return  # it is dead: its sentinel will tell

    def take(self) -> Iterator[tuple[Any, Any]]:
        """What it has finished; a message that was cut off by its death is not a result."""
        try:
            while self.connection.poll():
                message = self.connection.recv()
                if message == READY:
                    self.ready = True
                else:
                    yield self.held.popleft(), message[0]
        except (EOFError, OSError):
            return

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.connection.close()


class _Pool:
    """Workers, and the items that wait for one."""

    def __init__(self, make: Any, *, workers: int, threads: int, prefetch: int, spawn: bool) -> None:
        fork = forks(threads=threads) and not spawn
        self._context = multiprocessing.get_context("fork" if fork else "spawn")
        self._arguments = (make, threads, prefetch)
        self._depth = 2 + prefetch
        self._waiting: deque[Any] = deque()
        self._hands: list[_Hand] = []
        self._workers = workers

    def run(self, items: Iterable[Item]) -> Iterator[tuple[Item, Any]]:
        coming = iter(items)
        gc.freeze()  # a collection would touch, and so double, every page that is shared with a fork
        self._hands.extend(_Hand(self._context, self._arguments) for _ in range(self._workers))
        while self._feed(coming):
            watched = [place for hand in self._hands for place in (hand.connection, hand.process.sentinel)]
            heard = set(wait(watched))
            for hand in list(self._hands):
                died = hand.process.sentinel in heard
                if died or hand.connection in heard:
                    yield from hand.take()
                if died:
                    yield from self._replace(hand)

    def stop(self) -> None:
        gc.unfreeze()
        for hand in self._hands:
            hand.process.terminate()
        for hand in self._hands:
            hand.stop()

    def _feed(self, coming: Iterator[Any]) -> bool:
        """Hand out items, the emptiest hands first; whether anything is still being worked on."""
        for level in range(self._depth):
            for hand in self._hands:
                if len(hand.held) == level and (item := self._next(coming)) is not None:
                    hand.give(item[0])
        return any(hand.held for hand in self._hands)

    def _next(self, coming: Iterator[Any]) -> tuple[Any] | None:
        if self._waiting:
            return (self._waiting.popleft(),)
        for item in coming:
            return (item,)
        return None

    def _replace(self, hand: _Hand) -> Iterator[tuple[Any, Died]]:
        """Start another worker; the item that the dead one was at is told, those behind it wait for others."""
        hand.process.join()
        reason = _last_words(hand.process.exitcode)
        if not hand.ready:
            raise NossError(f"a worker died while it was starting ({reason}): {_ADVICE}")
        if hand.held:
            item = hand.held.popleft()
            self._waiting.extend(hand.held)
            yield item, Died(reason)
        self._hands[self._hands.index(hand)] = _Hand(self._context, self._arguments)
        hand.connection.close()


_ADVICE = (
    "see what it wrote above; it may need more memory than there is (try fewer workers), "
    "or the script lacks the line: if __name__ == '__main__':"
)


def _last_words(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"signal {signal.Signals(-exitcode).name}"
    return f"exit status {exitcode}"
