"""What runs inside a worker process of the local engine."""

from __future__ import annotations

import gc
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

READY = ()
_WATCH_S = 0.5
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def serve(
    connection: Connection[Any, Any], make: Callable[[], Callable[[Any], Any]], threads: int, prefetch: int
) -> None:
    """Build a worker, then answer items in their order until the process is ended."""
    gc.freeze()  # a collection would touch, and so copy, every page that a fork shares with its parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _start(_die_with, os.getppid())
    limit(threads)
    work: Any = make()
    connection.send(READY)
    inbox: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    with ThreadPoolExecutor(max_workers=max(prefetch, 1)) as pool:
        _start(_receive, connection, inbox, (lambda item: pool.submit(work.prepare, item)) if prefetch else _as_it_is)
        while True:
            connection.send((work(inbox.get().result()),))


def _receive(connection: Connection[Any, Any], inbox: queue.SimpleQueue[Future[Any]], prepare: Any) -> None:
    """Take items off the pipe at once: were it full while results fill the other way, both sides would wait forever."""
    while True:
        try:
            (item,) = connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        inbox.put(prepare(item))


def _as_it_is(item: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(item)
    return future


def _start(target: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()


def _die_with(parent: int) -> None:
    """End when the process that started this one is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)


def limit(threads: int) -> None:
    """Keep every library to its share of the cores: those loaded already, and those loaded later."""
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    if "threadpoolctl" in sys.modules or "numpy" in sys.modules:
        import threadpoolctl

        threadpoolctl.threadpool_limits(limits=threads)
