"""Patterns with braces, as shards are named: `train-{0000..0146}.tar`, `{train,dev}-0.tar`."""

from __future__ import annotations

import re

from noss.errors import DataError

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST = 1_000_000  # shards a pattern may stand for: no more are read anyway, and a mistyped one would fill the memory


def expanded(pattern: str) -> list[str]:
    """A pattern without braces, for each of what stands in them: `{00..12}`, `{train,test}`.

    Raises:
        DataError: It stands for more than a million names.
    """
    names = [pattern]
    while any(_BRACES.search(name) for name in names):
        names = [
            name[: match.start()] + word + name[match.end() :]
            for name in names
            if (match := _BRACES.search(name))
            for word in _words(match[1])
        ]
        if len(names) > _MOST:
            raise DataError(f"{pattern} stands for more than {_MOST:,} shards: check its numbers")
    return names


def _words(braces: str) -> list[str]:
    numbers = _RANGE.fullmatch(braces)
    if numbers is None:
        return braces.split(",")
    first, last = int(numbers[1]), int(numbers[2])
    width = len(numbers[1]) if numbers[1].startswith("0") else 0
    return [f"{number:0{width}d}" for number in range(first, min(last, first + _MOST) + 1)]
