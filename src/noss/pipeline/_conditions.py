"""The conditions that a model is stressed with: their names, what they stand for, and how a user's words are read.

A condition is written as it is shown, `pink noise 10 dB` or `packet loss 20 %`; unit and case do not matter, and `_` stands
for a space. The bare name of a kind stands for all of its defaults.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from noss.errors import DataError
from noss.shelf import did_you_mean

MADE: Final = ("white", "pink", "babble")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of condition: how its values are written, which ones are tried by default, and which there are."""

    name: str
    written: str
    defaults: tuple[tuple[float, ...], ...]
    least: float = 0.0
    most: float = 0.0
    example: str = ""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition: its kind, its values, and, of noise and rooms, what is mixed in or heard.

    `of` is `white`, `pink` or `babble`, or the name of a folder of recordings.
    """

    kind: str
    values: tuple[float, ...] = ()
    of: str = ""

    @property
    def name(self) -> str:
        """As records and pages show it."""
        text = KINDS[self.kind].written.format(*self.values)
        return f"{self.of} {text}" if self.of else text


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(name="noise", written="noise {:g} dB", defaults=((20,), (10,), (0,)), least=-60, most=120),
        Kind(name="reverberation", written="reverberation {:g} s", defaults=((0.4,), (1.2,)), least=0.02, most=20),
        Kind(name="room", written="room", defaults=((),)),
        Kind(name="mu-law", written="mu-law 8 kHz", defaults=((),)),
        Kind(name="opus", written="opus {:g} kbit/s", defaults=((8,),), least=6, most=256),
        Kind(name="mp3", written="mp3 {:g} kbit/s", defaults=((16,),), least=16, most=160),
        Kind(name="band", written="band {:g}-{:g} Hz", defaults=((300, 3400),), least=1, most=96_000),
        Kind(name="packet loss", written="packet loss {:g} %", defaults=((5,), (20,)), least=0.1, most=70),
        Kind(name="clipping", written="clipping {:g} %", defaults=((10,),), least=0.01, most=99),
        Kind(name="gain", written="gain {:+g} dB", defaults=((-20,), (10,)), least=-120, most=120),
        Kind(name="speed", written="speed {:g}", defaults=((0.9,), (1.1,)), least=0.1, most=10),
    )
}


def conditions(words: Sequence[str], *, noise: str = "pink", room: str | None = None) -> list[Condition]:
    """The conditions that words stand for, each once; without a word the defaults of every kind.

    Args:
        words: What the user asks for.
        noise: What noise is where the words do not say: `white`, `pink`, `babble`, or the name of a folder.
        room: The name of a folder of impulse responses; None where there is none.

    Raises:
        DataError: A word is no condition, or has a value that there is not.
    """
    kinds = [name for name in KINDS if name != "room" or room is not None]
    found = [one for word in words or kinds for one in _read(word, kinds, noise=noise)]
    return list(dict.fromkeys(_with_room(one, room) for one in found))


def _read(word: str, kinds: Sequence[str], *, noise: str) -> list[Condition]:
    text = " ".join(word.replace("_", " ").split())
    for name in kinds:
        kind = KINDS[name]
        unit = re.escape(kind.written.rpartition("}")[2].strip())
        pattern = rf"(?:(?P<of>.+) )?{name}(?:(?: +|(?=[-+\d]))(?P<value>\S+?)(?: ?{unit})?)?"
        whole = re.fullmatch(pattern, text, re.IGNORECASE) if text.lower() != kind.written.lower() else None
        if whole is None and text.lower() not in {kind.written.lower(), name}:
            continue
        of, value = (whole["of"], whole["value"]) if whole else (None, None)
        if of is not None and (name != "noise" or of.lower() not in {*MADE, noise.lower()}):
            continue
        values = kind.defaults if value is None else (_values(kind, value),)
        return [Condition(kind=name, values=one, of=_noise(name, of, noise)) for one in values]
    raise DataError(_unknown(text, kinds, noise=noise))


def _noise(kind: str, of: str | None, noise: str) -> str:
    if kind != "noise":
        return ""
    return noise if of is None or of.lower() == noise.lower() else of.lower()


def _with_room(condition: Condition, room: str | None) -> Condition:
    return Condition(kind="room", of=room or "") if condition.kind == "room" else condition


def _values(kind: Kind, text: str) -> tuple[float, ...]:
    num = len(kind.defaults[0])
    words = text.split("-") if num == 2 else [text]
    try:
        values = tuple(float(word.replace("\u2212", "-")) for word in words)
    except ValueError:
        values = ()
    example = kind.written.format(*kind.defaults[-1])
    if not num or len(values) != num:
        raise DataError(f"{kind.name} {text} is no condition: write, for example, {example}")
    if not all(math.isfinite(value) and kind.least <= value <= kind.most for value in values):
        raise DataError(f"{kind.name} {text} is beyond {kind.least:g} to {kind.most:g}: write, for example, {example}")
    if num == 2 and values[0] >= values[1]:
        raise DataError(f"{kind.name} {text} has its upper edge first: write, for example, {example}")
    return values


def _unknown(text: str, kinds: Sequence[str], *, noise: str) -> str:
    if text.lower() == "room":
        return "the condition room needs measured impulse responses: give their folder as --rooms DIR"
    defaults = [Condition(kind=name, values=one).name for name in kinds for one in KINDS[name].defaults]
    words = [*kinds, *defaults, f"{noise} noise 10 dB"]
    return f"no condition {text!r}: {did_you_mean(text, words if _near(text, words) else list(kinds))}"


def _near(text: str, words: Sequence[str]) -> bool:
    return did_you_mean(text, list(words)).startswith("did you")
