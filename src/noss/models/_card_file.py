"""The card file that stands beside a foreign graph (`model.onnx`, `model.onnx.card.json`) and says how to feed it.

A card file is JSON. `sample_rate` and `dim` must be there, all else may be left out::

    {
      "sample_rate": 16000,            Hz
      "dim": 96,                       embedding size
      "model": "model.onnx",           the graph, relative to the card; not needed in a card named after its model
      "scale": 32767.0,                what a waveform in [-1, 1] is multiplied by; 1.0
      "window": 76, "hop": 8,          the fixed piece the graph takes and the step between pieces, in samples, or in
                                       frames of the front end; without them it takes a whole waveform
      "frame_rate": 50.0,              frames a second of a graph that takes a whole waveform and gives frames
      "input": "input_1",              name of the input; the first one
      "output": "embedding",           name or number of the output, or the name of an inner tensor (LiteRT); the first one
      "front_end": {                   a graph that turns samples into features, run first
        "model": "mel.onnx", "window": 512, "hop": 160,     samples under one frame, and between frames
        "multiply": 0.1, "add": 2.0                         what its output is put through
      },
      "min_s": 0.0, "window_s": 30.0, "source": "", "licence": "unknown", "citation": "", "trained_on": [],
      "num_parameters": null, "notes": ""
    }
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from noss.errors import ModelError
from noss.models import Card
from noss.models._files import existing, megabytes

SUFFIX = ".card.json"


@dataclass(frozen=True, kw_only=True)
class FrontEnd:
    """A graph that turns samples into the features that the model takes."""

    model: str
    window: int
    hop: int
    multiply: float = 1.0
    add: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CardFile:
    """What a card file says; the module's docstring explains every field."""

    sample_rate: int
    dim: int
    model: str = ""
    scale: float = 1.0
    window: int | None = None
    hop: int | None = None
    frame_rate: float = 0.0
    input: str | None = None
    output: str | int | None = None
    front_end: FrontEnd | None = None
    min_s: float = 0.0
    window_s: float | None = 30.0
    source: str = ""
    licence: str = "unknown"
    citation: str = ""
    trained_on: tuple[str, ...] = ()
    num_parameters: int | None = None
    notes: str = ""

    @property
    def pieces(self) -> tuple[int, int] | None:
        """Window and hop in samples, whatever stands between; None for a graph that takes a whole waveform."""
        if self.window is None:
            return None
        hop = self.hop or self.window
        if self.front_end is None:
            return self.window, hop
        return self.front_end.window + (self.window - 1) * self.front_end.hop, hop * self.front_end.hop


def find(path: Path) -> Path | None:
    """The card file of a path: the path itself if it is one, else the file beside the model; None without one."""
    if path.name.endswith(".json"):
        return path
    beside = path.with_name(path.name + SUFFIX)
    return beside if beside.is_file() else None


def read(path: Path) -> CardFile:
    """Read a card file and check every field.

    Raises:
        ModelError: It is not JSON, lacks a field, or has one that is not known or not of its type.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read as a card file ({error}): write it as JSON, see noss.models._card_file"
        ) from error
    if not isinstance(facts, dict):
        raise ModelError(
            f"{path} holds a {type(facts).__name__}, a card file must be a JSON object: see noss.models._card_file"
        )
    if isinstance(facts.get("front_end"), dict):
        facts["front_end"] = FrontEnd(**_checked(facts["front_end"], FrontEnd, path=path))
    return _consistent(CardFile(**_checked(facts, CardFile, path=path)), path)


def to_card(card_file: CardFile, *, paths: list[Path], notes: str = "") -> Card:
    """The card of a graph, from its card file and the files it is made of."""
    pieces = card_file.pieces
    return Card(
        sample_rate=card_file.sample_rate,
        frame_rate=card_file.sample_rate / pieces[1] if pieces else card_file.frame_rate,
        dim=card_file.dim,
        source=card_file.source,
        licence=card_file.licence,
        weights=";".join(str(path) for path in paths),
        masks_padding=pieces is not None,
        min_s=card_file.min_s,
        window_s=card_file.window_s,
        num_parameters=card_file.num_parameters,
        size_mb=megabytes(*[path for path in paths if not path.name.endswith(".json")]),
        trained_on=card_file.trained_on,
        citation=card_file.citation,
        notes=" ".join(text for text in (card_file.notes, notes) if text),
    )


def files(card_file: CardFile, *, card_path: Path) -> list[Path]:
    """The graphs of a card file, front end last; paths are relative to the card.

    Raises:
        ModelError: One of them is missing.
    """
    model = card_file.model or card_path.name.removesuffix(SUFFIX)
    named = [model] + ([card_file.front_end.model] if card_file.front_end else [])
    return [existing(card_path.parent / name, needed_by=str(card_path)) for name in named]


def _checked(facts: dict[str, Any], kind: type, *, path: Path) -> dict[str, Any]:
    known = {field.name: field for field in fields(kind)}
    if unknown := sorted(set(facts) - set(known)):
        raise ModelError(f"{path} has the unknown field {unknown[0]!r}: known are {', '.join(known)}")
    needed = [name for name, field in known.items() if field.default is MISSING]
    if missing := [name for name in needed if name not in facts]:
        raise ModelError(f"{path} lacks the field {missing[0]!r}: a card file must state {', '.join(needed)}")
    for name, value in facts.items():
        if not _fits(value, str(known[name].type)):
            raise ModelError(f"{path} says {name} = {json.dumps(value, default=str)}: it must be {known[name].type}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}


def _fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return False
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "None": (type(None),),
        "FrontEnd": (FrontEnd,),
        "tuple[str, ...]": (list,),
    }
    return any(isinstance(value, kinds[option]) for option in kind.split(" | "))


def _consistent(card_file: CardFile, path: Path) -> CardFile:
    if card_file.front_end is not None and card_file.window is None:
        raise ModelError(f"{path} names a front_end but no window: state window and hop in frames of the front end")
    sizes = {
        "sample_rate": card_file.sample_rate,
        "dim": card_file.dim,
        "window": card_file.window,
        "hop": card_file.hop,
    }
    for name, value in sizes.items():
        if value is not None and value <= 0:
            raise ModelError(f"{path} says {name} = {value}: it must be a whole number above 0")
    return card_file
