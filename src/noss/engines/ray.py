"""A Ray cluster, on this machine or elsewhere: one actor a worker, each with its own model, fed through Ray Data.

Items travel in parcels of about a second of work, since a block costs Ray some hundredths of one. The driver knows what
is out, and what comes twice is dropped: a node may die and its work be done again, and every item still comes back
once. Only items and results travel; audio and weights are read where the worker is.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from noss.engines import Died, Machines
from noss.engines._ray_desk import CANNOT_START, Answer, Desk, Order, Parcel, Setting
from noss.engines._ray_join import joined
from noss.errors import NossError

Item = TypeVar("Item")
PARCEL_S = 1.0
PREPARED_PARCEL_S = 4.0  # where items are prepared ahead: the first one of a parcel waits for its own preparation
AHEAD = 3  # parcels for each worker: the one in work and two that wait
LATE_S = 30.0
LATE_TIMES = 10  # as long as the longest parcel so far
_GROWTH = 4
_WAIT_S = 1.0


def run(
    make: Callable[[], Callable[[Any], Any]],
    items: Iterable[Item],
    *,
    workers: int,
    threads: int = 1,
    prefetch: int = 0,
    spawn: bool = False,
    address: str | None = None,
    gpus_per_worker: float = 0.0,
) -> Iterator[tuple[Item, Any]]:
    """Give every item with its result, or with `Died`, in the order in which they are done.

    Args:
        make: Called once in each worker; gives the callable that maps an item to its result. It should not raise: a
            worker whose callable raises dies. It travels by cloudpickle.
        items: Read lazily, a few parcels ahead of the workers.
        workers: Number of actors; 0 runs everything in this process.
        threads: CPUs that each actor reserves, and threads that it may compute with.
        prefetch: Threads in each actor that run the callable's own `prepare(item)` ahead of it; it is then called
            with what `prepare` gave. 0: there is no `prepare`.
        spawn: Of no effect: actors are never forks of this process.
        address: The cluster: `HOST:PORT`, `auto`, `ray://HOST:PORT`, or `local` (None) for one of its own on this machine.
        gpus_per_worker: GPUs that each actor reserves, or a fraction of one.

    Yields:
        An item and its result.

    Raises:
        NossError: The cluster does not answer or was lost, or workers cannot start.
    """
    coming = iter(items)
    if workers == 0:
        work: Any = make()
        for item in coming:
            yield item, work(work.prepare(item) if prefetch else item)
        return
    first = list(itertools.islice(coming, workers))
    if not first:
        return
    with joined(address) as ray:
        setting = Setting.here(make, threads=threads, prefetch=prefetch)
        order = Order(setting=setting, workers=len(first), cpus=threads, gpus=gpus_per_worker)
        with _open_desk(ray, order) as desk:
            yield from _Feed(desk, itertools.chain(first, coming), order=order).run()


def machines(*, address: str | None = None, gpus_per_worker: float | None = None) -> Machines:
    """What a cluster has room for, where each worker takes a CPU and, if there are any, a share of a GPU.

    Args:
        address: The cluster, as in `run`.
        gpus_per_worker: GPUs for each worker, or a fraction of one; None for a whole one where there are any, and 0
            for none.

    Raises:
        NossError: The cluster does not answer, or has no room for a single worker.
    """
    with joined(address) as ray:
        rooms = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = sum(room.get("GPU", 0.0) for room in rooms)
    share = (1.0 if gpus else 0.0) if gpus_per_worker is None else gpus_per_worker
    workers = sum(_fit(room, share) for room in rooms)
    if not workers:
        raise NossError(
            f"the cluster has {sum(room.get('CPU', 0.0) for room in rooms):g} CPUs and {gpus:g} GPUs on {len(rooms)} nodes, and "
            f"no node has room for a worker with a CPU and {share:g} GPUs: add a node, or give another --gpus-per-worker"
        )
    return Machines(workers=workers, gpus=share > 0)


def _fit(room: dict[str, float], share: float) -> int:
    cpus = int(room.get("CPU", 0.0))
    if not share:
        return cpus
    whole = room.get("GPU", 0.0)
    return min(cpus, int(whole) * int(1 / share) if share < 1 else int(whole / share))


@contextmanager
def _open_desk(ray: Any, order: Order) -> Iterator[Any]:
    """The desk of a run on the head node, open, and gone afterwards with all its workers."""
    place = {"node:__internal_head__": 0.001}  # if that one goes, everything does
    desk = ray.remote(Desk).options(num_cpus=0, max_concurrency=64, resources=place).remote()
    try:
        theirs, ours = ray.get(desk.open.remote(order)), importlib.metadata.version("noss")
        if theirs != ours:
            raise NossError(f"the cluster has noss {theirs} and this machine {ours}: install the same version on both")
        yield desk
        ray.get(desk.close.remote())
    finally:
        if ray.is_initialized():
            ray.kill(desk)


@dataclass
class _Out:
    """Items that are out as one parcel, how often they were sent, and since when."""

    items: Sequence[Any]
    copies: int
    since: float


class _Feed:
    """Parcels out, answers in; nothing is given up while it may still come back."""

    def __init__(self, desk: Any, items: Iterable[Any], *, order: Order) -> None:
        self._desk = desk
        self._items = iter(items)
        self._numbers = itertools.count()
        self._limit = AHEAD * order.workers
        self._aim_s = PREPARED_PARCEL_S if order.setting.prefetch else PARCEL_S
        self._out: dict[int, _Out] = {}
        self._size = 1
        self._longest_s = 0.0

    def run(self) -> Iterator[tuple[Any, Any]]:
        import ray

        while self._fill():
            answers = ray.get(self._desk.answers.remote(_WAIT_S))
            for answer in answers:
                yield from self._take(answer)
            if not answers:
                self._send_again()

    def _fill(self) -> bool:
        """Send parcels until enough are out; whether any is."""
        while len(self._out) < self._limit and (items := list(itertools.islice(self._items, self._size))):
            self._send(items)
        return bool(self._out)

    def _send(self, items: Sequence[Any]) -> None:
        number = next(self._numbers)
        self._out[number] = _Out(items, 1, time.monotonic())
        self._desk.put.remote(Parcel(number, 1, items))

    def _send_again(self) -> None:
        """Send what is long overdue once more: its worker may wait for room on a cluster that has become smaller."""
        now = time.monotonic()
        for number, one in self._out.items():
            if (
                now - one.since > max(LATE_S, LATE_TIMES * self._longest_s) * 2**one.copies
                and len(self._out) < self._limit
            ):
                one.copies += 1
                self._desk.put.remote(Parcel(number, one.copies, one.items))

    def _take(self, answer: Answer) -> Iterator[tuple[Any, Any]]:
        if answer.number is None:
            raise NossError(f"the cluster gave up: {answer.reason}; run the same command again to go on")
        sent = self._out.pop(answer.number, None)
        if sent is None:
            return  # it came before, from a worker that was thought dead
        if answer.reason == CANNOT_START:
            raise NossError(
                "a worker died while it was starting, again and again: it may need more memory than there is (try fewer "
                "workers); the log of the cluster says more"
            )
        if answer.outcomes is not None:
            yield from zip(sent.items, answer.outcomes, strict=True)
            self._learn(answer.seconds, len(sent.items))
        elif len(sent.items) == 1:
            yield sent.items[0], Died(answer.reason)
        else:
            for item in sent.items:
                self._send([item])

    def _learn(self, seconds: float, num: int) -> None:
        """Make the next parcels as large as the work of `_aim_s`, by what the last one took."""
        self._longest_s = max(self._longest_s, seconds)
        fits = math.ceil(self._aim_s * num / max(seconds, 1e-6))
        self._size = max(1, min(fits, _GROWTH * self._size))
