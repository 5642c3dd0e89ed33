"""What the Ray engine does with parcels, answers and addresses, with a made-up cluster in place of a real one."""

from __future__ import annotations

import itertools
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from noss.engines import Died
from noss.engines import ray as engine
from noss.engines._ray_desk import CANNOT_START, TRIES, Answer, Desk, Order, Parcel, Setting
from noss.engines._ray_join import joined
from noss.errors import DataError, MissingExtraError, ModelError, NossError
from noss.models import Card
from noss.pipeline._embed_engine import LOCAL, open_engine

SETTING = Setting(make=b"", threads=1, prefetch=0, folder="/", modules=(), variables={})
CARD = Card(sample_rate=16_000, frame_rate=0.0, dim=1, source="here", licence="MIT", weights=None)
Respond = Callable[[Parcel], list[Answer]]


class MadeUpDesk:
    """A desk whose workers answer as a function says, at once, in the order of sending."""

    def __init__(self, respond: Respond) -> None:
        self.sent: list[Parcel] = []
        self._respond = respond
        self._answers: deque[Answer] = deque()
        self.put = SimpleNamespace(remote=self._put)
        self.answers = SimpleNamespace(remote=self._take)

    def _put(self, parcel: Parcel) -> None:
        self.sent.append(parcel)
        self._answers.extend(self._respond(parcel))

    def _take(self, wait_s: float) -> list[Answer]:
        return [self._answers.popleft()] if self._answers else []


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = SimpleNamespace(get=lambda answer: answer, is_initialized=lambda: False)
    ray.exceptions = SimpleNamespace(RayError=RuntimeError)
    ray._private = SimpleNamespace(worker=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "ray", ray)
    for name in (
        "RAY_AUTH_MODE",
        "RAY_USAGE_STATS_ENABLED",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER",
        "RAY_ENABLE_AUTO_CONNECT",
    ):
        monkeypatch.setenv(name, "0")  # what is set in the test goes with it


def _done(parcel: Parcel, *, seconds: float = 1.0) -> Answer:
    return Answer(parcel.number, [2 * item for item in parcel.items], seconds * len(parcel.items))


def _feed(desk: MadeUpDesk, items: Any, *, workers: int = 2) -> Iterator[tuple[Any, Any]]:
    return engine._Feed(desk, items, order=Order(setting=SETTING, workers=workers, cpus=1, gpus=0.0)).run()


def test_a_parcel_that_comes_twice_counts_once() -> None:
    desk = MadeUpDesk(lambda parcel: [_done(parcel), _done(parcel)])
    assert sorted(_feed(desk, range(30))) == [(item, 2 * item) for item in range(30)]


def test_parcels_grow_to_a_second_of_work_and_no_further() -> None:
    desk = MadeUpDesk(lambda parcel: [_done(parcel, seconds=0.01)])
    assert len(list(_feed(desk, range(2000)))) == 2000
    sizes = [len(parcel.items) for parcel in desk.sent]
    assert (sizes[0], max(sizes)) == (1, 100)


def test_no_more_is_read_than_a_few_parcels_ahead() -> None:
    read = itertools.count()
    outcomes = _feed(MadeUpDesk(lambda parcel: [_done(parcel)]), read)
    assert len(list(itertools.islice(outcomes, 20))) == 20
    assert next(read) <= 20 + 2 * engine.AHEAD


def test_of_a_parcel_that_is_given_up_only_the_guilty_item_is_lost() -> None:
    def respond(parcel: Parcel) -> list[Answer]:
        deadly = 17 in parcel.items
        return [Answer(parcel.number, reason="its worker died 2 times") if deadly else _done(parcel, seconds=0.1)]

    outcomes = dict(_feed(MadeUpDesk(respond), range(60)))
    assert outcomes.pop(17) == Died("its worker died 2 times")
    assert outcomes == {item: 2 * item for item in range(60) if item != 17}


def test_what_never_comes_back_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LATE_S", 0.0)
    desk = MadeUpDesk(lambda parcel: [] if parcel.number == 1 and parcel.copy < 3 else [_done(parcel, seconds=0.0)])
    assert sorted(_feed(desk, range(5))) == [(item, 2 * item) for item in range(5)]
    assert [parcel.copy for parcel in desk.sent if 1 in parcel.items] == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(0, reason=CANNOT_START), "died while it was starting, again and again"),
        (
            Answer(None, reason="ValueError: no such thing"),
            "gave up: ValueError: no such thing; run the same command again",
        ),
    ],
)
def test_a_cluster_that_cannot_go_on_is_an_error_in_one_line(answer: Answer, told: str) -> None:
    with pytest.raises(NossError, match=told):
        list(_feed(MadeUpDesk(lambda parcel: [answer]), range(5)))


def test_a_parcel_over_which_workers_died_is_not_begun_again() -> None:
    desk = Desk()
    assert [desk.begin(0, 1) for _ in range(TRIES)] == [""] * TRIES
    assert desk.begin(0, 1) == CANNOT_START
    desk.built()
    assert "died" in desk.begin(0, 1)
    assert desk.begin(0, 2) == desk.begin(1, 1) == ""


def test_an_address_where_nothing_listens_is_one_line_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(NossError, match=f"no Ray cluster answers at {address}"), joined(address):
            pass


def test_an_address_where_something_else_listens_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        threading.Thread(target=_refuse, args=(server,), daemon=True).start()
        with pytest.raises(NossError, match=f"what listens at {address} is no Ray cluster"), joined(address):
            pass


def _refuse(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("address", ["nonsense", "host:", ":6379", "host:99999", "host:port"])
def test_what_is_no_address_is_one_line(address: str) -> None:
    with pytest.raises(NossError, match="is no address of a Ray cluster"), joined(address):
        pass


def test_without_ray_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'noss\[ray\]'"), joined(None):
        pass


def test_options_of_a_cluster_need_an_engine_that_takes_them() -> None:
    with pytest.raises(DataError, match="add --engine ray"):
        open_engine("local", address="auto")
    with pytest.raises(NossError, match="no engine named 'rays'"):
        open_engine("rays")
    for share in (-1.0, 1.5):
        with pytest.raises(DataError, match="is no share"):
            open_engine("ray", gpus_per_worker=share)
    assert open_engine("local") == LOCAL


@pytest.mark.parametrize(
    ("room", "share", "fits"),
    [
        ({"CPU": 8.0, "GPU": 2.0}, 0.25, 8),
        ({"CPU": 4.0, "GPU": 2.0}, 0.25, 4),
        ({"CPU": 8.0, "GPU": 3.0}, 2.0, 1),
        ({"CPU": 8.0, "GPU": 1.0}, 0.4, 2),
        ({"CPU": 8.0}, 1.0, 0),
        ({"CPU": 8.0}, 0.0, 8),
        ({}, 0.0, 0),
    ],
)
def test_as_many_workers_fit_as_have_a_cpu_and_their_share(room: dict[str, float], share: float, fits: int) -> None:
    assert engine._fit(room, share) == fits


def test_a_device_that_is_none_is_refused_before_any_cluster_is_asked() -> None:
    with pytest.raises(ModelError, match="no device 'tpu'"):
        open_engine("ray").spread(CARD, workers=None, device="tpu", batch_s=None)
