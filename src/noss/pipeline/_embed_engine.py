"""Where workers run: an engine by its name, the cluster it joins, and what its workers say of themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from noss import shelf
from noss.engines import Died
from noss.errors import DataError, ModelError
from noss.models import Card
from noss.pipeline._embed_machine import Spread, device_name, spread
from noss.pipeline._embed_plan import Batch

_CUDA_BATCH_S = 240.0
_CUDA_PREFETCH = 2


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine on the shelf and the options that are its own; what is None is chosen by it."""

    name: str = "local"
    address: str | None = None
    gpus_per_worker: float | None = None
    devices: set[str] = field(default_factory=set, compare=False)

    @property
    def elsewhere(self) -> bool:
        """Whether its workers may be on other machines."""
        return hasattr(shelf.load("engines", self.name), "machines")

    def spread(self, card: Card, *, workers: int | None, device: str | None, batch_s: float | None) -> Spread:
        """How to run a model there; what is None is chosen.

        Raises:
            NossError: The cluster does not answer, or has not what is asked for.
        """
        if not self.elsewhere or workers == 0:
            return spread(card, workers=workers, device=device, batch_s=batch_s)
        plain = spread(card, workers=1, device="cpu" if device in (None, "cuda") else device, batch_s=batch_s)
        wanted = None if "cuda" in card.devices and device != "cpu" else 0.0
        share = self.gpus_per_worker if wanted is None else wanted
        room = shelf.load("engines", self.name).machines(address=self.address, gpus_per_worker=share)
        if device == "cuda" and not room.gpus:
            raise ModelError("no CUDA device is on the cluster, or this model cannot use one: leave --device out")
        many = room.workers if workers is None else workers
        if not room.gpus:
            return replace(plain, device="cpu", workers=many, threads=1, prefetch=0)
        seconds = batch_s or _CUDA_BATCH_S
        return replace(plain, device="cuda", workers=many, threads=1, prefetch=_CUDA_PREFETCH, batch_s=seconds)

    def outcomes(
        self, make: Callable[[], Any], batches: Iterable[Batch], how: Spread, *, alone: bool
    ) -> Iterator[tuple[Batch, Any]]:
        """Batches and what became of them on the cluster; notes the machines that took part."""
        share = self.gpus_per_worker or 1.0 if how.device == "cuda" else 0.0
        run = shelf.load("engines", self.name).run
        told = functools.partial(Telling, make, how.device)
        options = {"workers": how.workers, "threads": how.threads, "prefetch": 0 if alone else how.prefetch}
        for batch, outcome in run(told, batches, **options, address=self.address, gpus_per_worker=share):
            if isinstance(outcome, Died):
                yield batch, outcome
            else:
                result, device = outcome
                self.devices.add(device)
                yield batch, result

    def device_name(self) -> str:
        """The machines that have taken part, in words: `AMD EPYC 7B13, 2 cores (ray)`."""
        return f"{' + '.join(sorted(self.devices))} ({self.name})"


LOCAL = Engine()


class Telling:
    """A worker that says with every result which machine it is on.

    Args:
        make: Makes the worker.
        device: Where its model runs.
    """

    def __init__(self, make: Callable[[], Any], device: str) -> None:
        self._work = make()
        self._device = device_name(device)

    def prepare(self, batch: Sequence[Any]) -> Any:
        """What the worker prepares."""
        return self._work.prepare(batch)

    def __call__(self, batch: Sequence[Any]) -> tuple[Any, str]:
        """The worker's result, and the machine."""
        return self._work(batch), self._device


def open_engine(name: str, *, address: str | None = None, gpus_per_worker: float | None = None) -> Engine:
    """An engine by its name, with its own options.

    Raises:
        NossError: No such engine, or an option that it does not take.
    """
    engine = Engine(name=name, address=address, gpus_per_worker=gpus_per_worker)
    if not engine.elsewhere and (address is not None or gpus_per_worker is not None):
        raise DataError(
            f"the engine {name} runs on this machine and takes no address and no share of a GPU: add --engine ray"
        )
    if gpus_per_worker is not None and (gpus_per_worker < 0 or (gpus_per_worker > 1 and gpus_per_worker % 1)):
        raise DataError(
            f"--gpus-per-worker {gpus_per_worker:g} is no share: give a fraction such as 0.25, or whole GPUs"
        )
    return engine
