"""List the parts on a shelf, a line each."""

from __future__ import annotations

from dataclasses import dataclass

from noss import shelf as shelves
from noss.errors import UnknownPartError


@dataclass(frozen=True)
class Listing:
    """The parts of one shelf: `parts` maps a name to its one-line summary."""

    parts: dict[str, str]

    def __str__(self) -> str:
        width = max((len(name) for name in self.parts), default=0)
        return "\n".join(f"{name:<{width}}  {summary}" for name, summary in self.parts.items())


def list(shelf: str = "models") -> Listing:
    """The parts on a shelf with a line about each; nothing is imported.

    Args:
        shelf: One of models, datasets, probes, metrics, objectives, exporters, reports, engines.

    Raises:
        UnknownPartError: There is no such shelf.
    """
    for known in shelves.SHELVES:
        if shelf == known:
            return Listing({name: shelves.summary(known, name) for name in shelves.names(known)})
    raise UnknownPartError(f"no shelf named {shelf!r}: {shelves.did_you_mean(shelf, [*shelves.SHELVES])}")
