"""What the Ray engine runs on the cluster: the desk, which keeps Ray Data fed, and the workers."""

from __future__ import annotations

import importlib.metadata
import os
import queue
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from noss.engines._worker import limit

CANNOT_START = "cannot start"
TRIES = 2
_OURS = ("NOSS_", "HF_")  # variables that must be the same in every worker


@dataclass(frozen=True)
class Setting:
    """How a worker is made: the callable, pickled, and where on its machine it finds what the driver would."""

    make: bytes
    threads: int
    prefetch: int
    folder: str
    modules: tuple[str, ...]
    variables: dict[str, str]

    @classmethod
    def here(cls, make: Callable[[], Callable[[Any], Any]], *, threads: int, prefetch: int) -> Setting:
        """As things are in this process."""
        from ray import cloudpickle

        variables = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
        return cls(cloudpickle.dumps(make), threads, prefetch, str(Path.cwd()), tuple(sys.path), variables)

    def build(self) -> Any:
        """The callable, in this process."""
        from ray import cloudpickle

        os.environ.update(self.variables)
        sys.path += [place for place in self.modules if place not in sys.path]
        with suppress(OSError):
            os.chdir(self.folder)
        limit(self.threads)
        return cloudpickle.loads(self.make)()


@dataclass(frozen=True)
class Order:
    """What a run asks of the cluster: workers, and what each reserves."""

    setting: Setting
    workers: int
    cpus: int
    gpus: float


@dataclass(frozen=True)
class Parcel:
    """Items that travel together, and which copy of them this is."""

    number: int
    copy: int
    items: Sequence[Any]


@dataclass(frozen=True)
class Answer:
    """What came of a parcel: an outcome an item and the time they took, or the reason for none; no number: of nothing."""

    number: int | None
    outcomes: list[Any] | None = None
    seconds: float = 0.0
    reason: str = ""


class Desk:
    """An actor on the head node: takes parcels from the driver, has Ray Data carry them to workers, and keeps answers."""

    def __init__(self) -> None:
        self._parcels: queue.SimpleQueue[Parcel | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._begun: Counter[tuple[int, int]] = Counter()
        self._built = False

    def open(self, order: Order) -> str:
        """Start the flow; the version of noss that is installed here."""
        import ray

        me = ray.get_runtime_context().current_actor
        threading.Thread(target=self._carry, args=(me, order), daemon=True).start()
        return importlib.metadata.version("noss")

    def close(self) -> None:
        """End the flow once everything is done."""
        self._parcels.put(None)

    def put(self, parcel: Parcel) -> None:
        """Take a parcel in."""
        self._parcels.put(parcel)

    def take(self) -> Parcel | None:
        """The next parcel, waited for; None where there will be none."""
        return self._parcels.get()

    def begin(self, number: int, copy: int) -> str:
        """Note that a worker turns to a parcel; why it should not, where others have died over it."""
        self._begun[number, copy] += 1
        if self._begun[number, copy] <= TRIES:
            return ""
        return f"its worker died {TRIES} times" if self._built else CANNOT_START

    def built(self) -> None:
        """Note that a worker has been able to start."""
        self._built = True

    def answers(self, wait_s: float) -> list[Answer]:
        """All answers that have come; the first is waited for."""
        found = []
        with suppress(queue.Empty):
            found.append(self._answers.get(timeout=wait_s))
            while True:
                found.append(self._answers.get_nowait())
        return found

    def _carry(self, me: Any, order: Order) -> None:
        with _Telling(self._answers):
            for answer in _flow(me, order):
                self._answers.put(answer)


def _flow(desk: Any, order: Order) -> Iterator[Answer]:
    """Parcels from the desk through Ray Data: a reader that takes no CPU, so that workers may take all of them."""
    import ray.data
    from ray.data import ActorPoolStrategy

    context = ray.data.DataContext.get_current()
    context.target_max_block_size = 1  # a row is a parcel: a block each, and none waits for others to fill one up
    context.enable_progress_bars = False
    rows = ray.data.read_datasource(
        _source(desk),
        override_num_blocks=1,
        num_cpus=0,
        ray_remote_args={"resources": {"node:__internal_head__": 0.001}, "max_retries": 0},
    )
    done = rows.map_batches(
        Hand,
        batch_size=1,
        fn_constructor_args=(desk, order.setting),
        compute=ActorPoolStrategy(size=order.workers, max_tasks_in_flight_per_actor=2),
        num_cpus=order.cpus,
        num_gpus=order.gpus or None,
    )
    for batch in done.iter_batches(batch_size=1, prefetch_batches=0):
        yield batch["parcel"][0]


def _source(desk: Any) -> Any:
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockAccessor, BlockMetadata

    def read() -> Iterator[Any]:
        import ray

        while (parcel := ray.get(desk.take.remote())) is not None:
            yield BlockAccessor.batch_to_block(_row(parcel))

    class Parcels(Datasource):  # type: ignore[misc]
        """An endless table of parcels, read one by one."""

        def estimate_inmemory_data_size(self) -> None:
            return None

        def get_read_tasks(self, *_: Any, **__: Any) -> list[Any]:
            return [ReadTask(read, BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None))]

    return Parcels()


def _row(thing: Any) -> dict[str, Any]:
    import numpy as np

    column_1 = np.empty(1, dtype=object)
    column_1[0] = thing
    return {"parcel": column_1}


class Hand:
    """A worker: it builds its callable with the first parcel, and tells the desk before it turns to any."""

    def __init__(self, desk: Any, setting: Setting) -> None:
        self._desk = desk
        self._setting = setting
        self._work: Any = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Answer one parcel."""
        with _Dying():
            return _row(self._answer(batch["parcel"][0]))

    def _answer(self, parcel: Parcel) -> Answer:
        import ray

        reason = ray.get(self._desk.begin.remote(parcel.number, parcel.copy))
        if reason:
            return Answer(parcel.number, reason=reason)
        if self._work is None:
            try:
                self._work = self._setting.build()
            except ImportError as error:
                return Answer(None, reason=f"a worker cannot import what it needs: {error}")
            self._desk.built.remote()
        began = time.perf_counter()
        outcomes = [self._work(item) for item in self._prepared(parcel.items)]
        return Answer(parcel.number, outcomes, time.perf_counter() - began)

    def _prepared(self, items: Sequence[Any]) -> Iterator[Any]:
        """Items as the callable takes them, prepared in threads a few ahead of it."""
        if not self._setting.prefetch:
            yield from items
            return
        with ThreadPoolExecutor(max_workers=self._setting.prefetch) as pool:
            ahead: deque[Any] = deque()
            for item in items:
                ahead.append(pool.submit(self._work.prepare, item))
                if len(ahead) > self._setting.prefetch:
                    yield ahead.popleft().result()
            for future in ahead:
                yield future.result()


class _Dying:
    """A callable that raises ends its process, as the contract has it: what it broke may be anything."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            traceback.print_exception(error)
            os._exit(1)


@dataclass
class _Telling:
    """The driver hears of whatever stops the flow."""

    answers: queue.SimpleQueue[Answer] = field()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            lines = f"{type(error).__name__}: {error}".strip().splitlines()
            told = [line.strip().split(". ")[0][:250] for line in (lines[0], *lines[-1:])]
            self.answers.put(Answer(None, reason="; ".join(dict.fromkeys(told))))
