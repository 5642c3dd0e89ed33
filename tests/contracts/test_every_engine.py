"""Every engine gives each item back once, whatever happens to its workers."""

from __future__ import annotations

import faulthandler
import functools
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from noss import shelf
from noss.engines import Died
from noss.errors import NossError

Work = Callable[[Any], Any]
ENGINES = [name if name == "local" else pytest.param(name, marks=pytest.mark.slow) for name in shelf.names("engines")]
SEPARATE = [name if name == "local" else pytest.param(name, marks=pytest.mark.long) for name in shelf.names("engines")]
FAST = {"workers": 2, "threads": 1}


def double() -> Work:
    return lambda item: 2 * item


def slow_double() -> Work:
    return lambda item: time.sleep(0.02) or 2 * item


def die_at(item: int, *, how: str) -> int:
    if item == 5:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "segfault":
            faulthandler.disable()
            os.kill(os.getpid(), signal.SIGSEGV)
        if how == "exit":
            os._exit(7)
        raise ValueError("no work callable should raise")
    return 2 * item


def make_fragile(*, how: str) -> Work:
    return functools.partial(die_at, how=how)


def fail_to_start() -> Work:
    os._exit(3)


def big(item: bytes) -> bytes:
    return item * 2


def make_big() -> Work:
    return big


class Prepared:
    def prepare(self, item: int) -> tuple[int, int]:
        time.sleep(0.01 * (item % 3))
        return item, os.getpid()

    def __call__(self, prepared: tuple[int, int]) -> tuple[int, bool]:
        return prepared[0], prepared[1] == os.getpid()


def whoami() -> Work:
    return lambda item: os.getpid()


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """A Ray cluster of this process: every test would start one of its own otherwise."""
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def _engine(request: pytest.FixtureRequest) -> Any:
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    return shelf.load("engines", request.param)


@pytest.fixture(params=ENGINES)
def run(request: pytest.FixtureRequest) -> Any:
    return _engine(request).run


def test_every_item_comes_back_once_with_its_own_result(run: Any) -> None:
    outcomes = list(run(double, range(100), **FAST))
    assert sorted(outcomes) == [(item, 2 * item) for item in range(100)]


def test_without_workers_the_work_is_done_in_this_process(run: Any) -> None:
    assert list(run(whoami, [1], workers=0)) == [(1, os.getpid())]


def test_workers_are_other_processes_and_all_of_them_work(run: Any) -> None:
    def make() -> Work:
        return lambda item: time.sleep(0.05) or os.getpid()

    pids, outcomes = set[int](), run(make, range(2000), **FAST)
    while len(pids) < 2:  # one may be ready long before the other
        pids.add(next(outcomes)[1])
    outcomes.close()
    assert os.getpid() not in pids


def test_items_are_read_lazily(run: Any) -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for item in itertools.count():
            read.append(item)
            yield item

    outcomes = run(slow_double, items(), **FAST)
    assert len(list(itertools.islice(outcomes, 20))) == 20
    outcomes.close()
    assert len(read) < 400  # where items travel together, some seconds of work are ahead


@pytest.mark.parametrize(
    ("run", "how", "reason"),
    [
        ("local", "killed", "SIGKILL"),
        ("local", "segfault", "SIGSEGV"),
        ("local", "exit", "exit status 7"),
        ("local", "raise", "status 1"),
        pytest.param("ray", "killed", "its worker died 2 times", marks=pytest.mark.slow),
        pytest.param("ray", "raise", "its worker died 2 times", marks=pytest.mark.long),
        pytest.param("ray", "exit", "its worker died 2 times", marks=pytest.mark.long),
    ],
    indirect=["run"],
)
def test_a_worker_that_dies_loses_its_own_item_and_no_other(run: Any, how: str, reason: str) -> None:
    outcomes = dict(run(functools.partial(make_fragile, how=how), range(20), **FAST))
    assert isinstance(outcomes[5], Died)
    assert reason in outcomes.pop(5).reason
    assert outcomes == {item: 2 * item for item in range(20) if item != 5}


def test_a_worker_that_cannot_start_is_an_error_and_not_an_endless_loop(run: Any) -> None:
    with pytest.raises(NossError, match=r"exit status 3|while it was starting, again and again"):
        list(run(fail_to_start, range(3), **FAST))


@pytest.mark.parametrize("run", SEPARATE, indirect=True)
def test_big_items_and_big_results_do_not_block_each_other(run: Any) -> None:
    items = [bytes([number]) * 3_000_000 for number in range(12)]
    results = {item[0]: len(result) for item, result in run(make_big, items, **FAST)}
    assert results == dict.fromkeys(range(12), 6000000)


def test_prepared_items_keep_their_results(run: Any) -> None:
    outcomes = dict(run(Prepared, range(30), workers=1, threads=1, prefetch=4))
    assert outcomes == {item: (item, True) for item in range(30)}


def test_closing_early_leaves_no_process_behind(run: Any) -> None:
    outcomes = run(whoami, itertools.count(), **FAST)
    pids = {next(outcomes)[1] for _ in range(6)}
    outcomes.close()
    assert _gone(pids, within_s=30)


SCRIPT = """
import itertools, os, signal, sys, time
from noss import shelf
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with interrupts ignored
def make():
    return lambda item: time.sleep(0.05) or os.getpid()
for _, pid in shelf.load("engines", sys.argv[1]).run(make, itertools.count(), workers=2, threads=1):
    print(pid, flush=True)
"""


@pytest.mark.parametrize("name", SEPARATE)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(sys.platform != "linux", reason="the script has no __main__ guard: it needs fork")
def test_workers_end_with_the_process_that_started_them(name: str, how: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script), name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as main:
        assert main.stdout is not None
        pids = set[int]()
        while len(pids) < 2:
            pids.add(int(main.stdout.readline()))
        main.send_signal(how)
        main.wait(timeout=30)
    assert _gone(pids, within_s=30)


def _gone(pids: set[int], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("run", ["local"], indirect=True)
def test_spawned_workers_do_the_same(run: Any) -> None:
    outcomes = dict(run(functools.partial(make_fragile, how="exit"), range(10), workers=1, threads=2, spawn=True))
    assert isinstance(outcomes.pop(5), Died)
    assert outcomes == {item: 2 * item for item in range(10) if item != 5}
