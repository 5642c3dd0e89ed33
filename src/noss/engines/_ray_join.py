"""Joining a Ray cluster: the one asked for, or one of its own on this machine, and never another by accident."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from noss.errors import MissingExtraError, NossError

ANSWER_S = 4.0
_CLIENT_PORT = 10001
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(
    (0, 0, 0, 4, 0, 0, 0, 0, 0)
)  # HTTP/2 and no settings: gRPC answers
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@contextmanager
def joined(address: str | None) -> Iterator[Any]:
    """The module `ray`, joined to the cluster; it stays joined until the process ends, for the next step.

    A process that has joined one already stays with it.

    Raises:
        NossError: Ray is not installed, nothing answers at the address, or the cluster is lost on the way.
    """
    ray = _imported(address)
    try:
        if not ray.is_initialized():
            _join(ray, address)
        yield ray
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise NossError(
            f"the Ray cluster {_name(address)} is lost or broken ({_brief(error)}): see that it runs and has noss "
            "installed, then run the same command again to go on"
        ) from error


def _imported(address: str | None) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # a cluster that is lost is not to be replaced by whatever is found
    if _is_local(address) or _host_port(address)[0] in _LOOPBACK:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # else Ray listens on the machine's own address
        if (Path.home() / ".ray" / "auth_token").is_file():
            os.environ.setdefault("RAY_AUTH_MODE", "token")  # one's own token, and it stays on this machine
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray[data]", extra="ray", needed_by="the engine ray") from error
    return ray


def _join(ray: Any, address: str | None) -> None:
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    ray._private.worker._worker_logs_enabled = False  # a death is told by its item; Ray would tell it on stdout as well
    if _is_local(address):
        ray.init(address="local", include_dashboard=False, **quiet)
        return
    if address != "auto":
        _knock(str(address))
    try:
        ray.init(address=address, **quiet)
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        token = (
            "it wants a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH"
            if "Auth" in repr(error.__cause__)
            else _ADVICE
        )
        raise NossError(f"cannot join the Ray cluster {address} ({_brief(error)}): {token}") from error


def _knock(address: str) -> None:
    """Fail within seconds where nothing answers, or something else does: Ray itself tries for half a minute."""
    host, port = _host_port(address)
    if not host or not port:
        raise NossError(f"{address!r} is no address of a Ray cluster: {_ADVICE}")
    try:
        with socket.create_connection((host, port), timeout=ANSWER_S) as connection:
            if os.environ.get("RAY_USE_TLS", "0") == "0":
                connection.sendall(_HELLO)
                if connection.recv(9, socket.MSG_WAITALL)[3:4] != _HELLO[-6:-5]:
                    raise NossError(f"what listens at {address} is no Ray cluster: {_ADVICE}")
    except OSError as error:
        raise NossError(f"no Ray cluster answers at {address} ({error.strerror or error}): {_ADVICE}") from error


def _is_local(address: str | None) -> bool:
    return address in (None, "local")


def _host_port(address: str | None) -> tuple[str, int]:
    text = str(address).removeprefix("ray://")
    host, _, port = text.rpartition(":")
    if not host and address is not None and address.startswith("ray://"):
        host, port = text, str(_CLIENT_PORT)
    return host.strip("[]"), int(port) if port.isdecimal() and int(port) < 65536 else 0


def _name(address: str | None) -> str:
    return "on this machine" if _is_local(address) else str(address)


def _brief(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return max(lines, key=len, default=type(error).__name__)[:300]


_ADVICE = "give --address HOST:PORT, ray://HOST:PORT, auto or local, and see that `ray status` answers there"
