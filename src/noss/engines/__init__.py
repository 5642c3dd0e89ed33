"""SHELF: where a step runs. One file an engine; this page is the contract.

An engine file defines::

    def run(make, items, *, workers, threads=1, prefetch=0, spawn=False) -> Iterator[tuple[Item, Outcome]]

`make()` is called once in each worker and gives a callable `item -> result`; `items` is read lazily, a few ahead of
the workers, so it may be endless. Every item comes back exactly once, in any order, with its result or with
`Died(reason)` if its worker died over it. A worker that dies is replaced; no other item is lost. Closing the iterator
ends the workers.

An engine whose workers run on other machines also defines::

    def machines(*, address, gpus_per_worker) -> Machines

and its `run` takes `address` and `gpus_per_worker` beside the rest. Everything that travels must then be picklable.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Died:
    """What an item comes back with when the worker that held it died: the exit code or signal, in words."""

    reason: str


@dataclass(frozen=True)
class Machines:
    """What an engine's machines have room for: how many workers at once, and whether each has a share of a GPU."""

    workers: int
    gpus: bool
