"""Paths of one machine, taken out of facts that go to others: the last name stays, what stands before it becomes `…`.

Such a path is absolute, or of a home folder; `csv//data/jane/clips.csv` becomes `csv/…/clips.csv`. Relative paths and addresses
(`https://`, `s3://`) stay. Between quotation marks, and in a text of one line, a path goes on to the end, or to the next `,NAME=`, spaces and all; in other
text it ends at the first space.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_START: Final = re.compile(
    r"""(?<![\w…/.~}\])*<])/(?=[\w.~-])  # /home, and NAME=/home
    | (?<=[A-Za-z_\d]/)/(?=[\w.~-])      # csv//home
    | (?<![\w…])file:/+(?=\w)
    | (?<![\w…])~[\w.-]*[/\\]
    | (?<![A-Za-z])[A-Za-z]:[/\\]+(?=\w)
    | (?<![\w\\])\\\\(?=[\w.-]+\\)""",
    re.VERBOSE,
)
_BORDER: Final = re.compile(r"[/\\]+")
_QUOTED: Final = re.compile(r"\"[^\"\n]+\"|'[^'\n]+'")
_NEXT: Final = re.compile(r"(?=,[\w.-]+=)")  # NAME=/home/a,NAME=/home/b
_WORD: Final = re.compile(rf"(?:{_START.pattern})[^\s\"'`]*", re.VERBOSE)


def shared(facts: Any) -> Any:
    """Plain facts as they may stand in a file for others: without paths of this machine, and with words for NaN and infinity."""
    if isinstance(facts, str):
        return _shared_text(facts)
    if isinstance(facts, float) and not math.isfinite(facts):
        return str(facts)
    if isinstance(facts, Mapping):
        return _shared_names({key: shared(value) for key, value in facts.items()})
    if isinstance(facts, list | tuple):
        return [shared(one) for one in facts]
    return facts


def first_path(facts: Any) -> str | None:
    """The first text in plain facts that holds a path of one machine; None where none does."""
    return next((text for text in _texts(facts) if _START.search(text)), None)


def _shared_names(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts under names without paths; of two that are then alike the second is counted."""
    found: dict[str, Any] = {}
    for key, value in facts.items():
        name, count = shared(key), 1
        while name in found:
            count += 1
            name = f"{shared(key)} ({count})"
        found[name] = value
    return found


def _shared_text(text: str) -> str:
    whole = _QUOTED.sub(lambda found: found[0][0] + _to_the_end(found[0][1:-1]) + found[0][-1], text)
    if "\n" not in text:
        return "".join(_to_the_end(one) for one in _NEXT.split(whole))
    return _WORD.sub(lambda found: _last(found[0]), whole)


def _to_the_end(text: str) -> str:
    found = _START.search(text)
    return text if found is None else text[: found.start()] + _last(text[found.start() :])


def _last(path: str) -> str:
    return "…/" + _BORDER.split(path.rstrip("/\\"))[-1]


def _texts(facts: Any) -> Iterator[str]:
    if isinstance(facts, str):
        yield facts
    elif isinstance(facts, Mapping):
        for key, value in facts.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(facts, list | tuple):
        for one in facts:
            yield from _texts(one)
