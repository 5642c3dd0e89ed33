"""What a recipe says of compression: one kind, its options, and the steps in which it comes about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from noss.errors import DataError
from noss.shelf import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Which layers are compressed.

    Attributes:
        layers: Their names, or the beginnings of their names; None for all that are large.
        min_size: Weights that a layer has at least, where none are named.
    """

    layers: Sequence[str] | None = None
    min_size: int = 16_384


@dataclass(frozen=True, kw_only=True)
class Schedule(Layers):
    """Compression that comes about bit by bit.

    Attributes:
        begin: The first step that is compressed a little.
        end: The first step that is compressed in full; None for the middle of the run.
        every: Steps from one change to the next.
    """

    begin: int = 1
    end: int | None = None
    every: int = 10

    def done(self, step: int) -> float:
        """How much of the way is gone at a step: 0 before `begin`, exactly 1 from `end` on."""
        assert self.end is not None, "read_compress fills it in"
        if step < self.begin:
            return 0.0
        if step >= self.end:
            return 1.0
        changes = (self.end - self.begin) // self.every + 1
        return min(1.0, ((step - self.begin) // self.every + 1) / changes)

    def is_change(self, step: int) -> bool:
        """Whether a step is compressed more than the one before it."""
        assert self.end is not None, "read_compress fills it in"
        return step in (self.begin, self.end) or (
            self.begin < step < self.end and (step - self.begin) % self.every == 0
        )


@dataclass(frozen=True, kw_only=True)
class LowRank(Schedule):
    """A weight is blended into the product of two thin matrices.

    Attributes:
        rank: Channels between the two: a number, or a share of the most that the layer could have.
    """

    rank: float = 0.25


@dataclass(frozen=True, kw_only=True)
class Prune(Schedule):
    """Outputs of layers, those with the smallest weights, are taken out.

    Attributes:
        share: The share of a layer's outputs that goes.
    """

    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Int8(Layers):
    """Linear layers keep their weights in 8 bits.

    Attributes:
        aware: Whether training feels the rounding; otherwise weights are rounded behind it.
    """

    aware: bool = False


Settings = LowRank | Prune | Int8
KINDS: Mapping[str, type[Settings]] = {"low_rank": LowRank, "prune": Prune, "int8": Int8}


def read_compress(given: Mapping[str, Any], *, steps: int) -> Settings:
    """The settings of compression, complete: `{"low_rank": {"rank": 64}}`.

    Args:
        given: What the recipe has under `compress`: a kind, and its options.
        steps: Steps of the run.

    Raises:
        DataError: No such kind, several kinds, no such option, a value without sense, or a schedule that does not fit the run.
    """
    for name in given:
        if name not in KINDS:
            raise DataError(f"compress has no kind {name!r}: {did_you_mean(str(name), list(KINDS))}")
    if len(given) != 1:
        raise DataError(
            f"compress has {len(given)} kinds and a run has one: choose {', '.join(KINDS)}, and train the next from trained/RUN"
        )
    ((kind, options),) = given.items()
    known = {one.name: one for one in fields(KINDS[kind])}
    for name in options or {}:
        if name not in known:
            raise DataError(f"compress's {kind} has no option {name!r}: {did_you_mean(str(name), list(known))}")
    settings: dict[str, Any] = {**{name: one.default for name, one in known.items()}, **(options or {})}
    if "end" in settings and settings["end"] is None:
        settings["end"] = max(settings["begin"], steps // 2)
    _check(kind, settings, steps)
    return KINDS[kind](**settings)


def _check(kind: str, settings: Mapping[str, Any], steps: int) -> None:
    for name, value in settings.items():
        if not _RULES[name][0](value):
            raise DataError(
                f"compress's {kind} has {name} {value!r}, which makes no sense: {_RULES[name][1]} is needed; correct it"
            )
    if "end" in settings and not settings["begin"] <= settings["end"] <= steps:
        raise DataError(
            f"compress's {kind} goes from step {settings['begin']} to step {settings['end']} and the run has {steps}: end it at the "
            "last step or before, with some left to train what is compressed"
        )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0.0 < value < 1.0


_RULES: Mapping[str, Any] = {
    "layers": (
        lambda value: value is None or (isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)),
        "a list of names, or None",
    ),
    "min_size": (_is_whole, "one weight or more"),
    "begin": (_is_whole, "a step from 1"),
    "end": (_is_whole, "a step from 1"),
    "every": (_is_whole, "a number of steps from 1"),
    "rank": (lambda value: _is_whole(value) or _is_share(value), "a whole number from 1, or a share between 0 and 1"),
    "share": (_is_share, "a share between 0 and 1"),
    "aware": (lambda value: isinstance(value, bool), "True or False"),
}
