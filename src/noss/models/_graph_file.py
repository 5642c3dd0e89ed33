"""A graph in a file as a model: what `onnx/PATH` and `litert/PATH` share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from noss.errors import ModelError
from noss.models import Card, Embedder, _card_file, _graph
from noss.models._card_file import CardFile
from noss.models._files import existing

GUESSED = "No card file: taken as a waveform at 16 kHz in [-1, 1]; a graph of any length gets 0.5 s at least."


class Opener(Protocol):
    """What loads one graph; a class of runners."""

    def __call__(
        self, path: Path, *, input_name: str | None, output: str | int | None, threads: int = 1
    ) -> _graph.Runner:
        """Load the graph with the input and output that are named."""
        ...


def card(choice: str, *, family: str, opener: Opener) -> Card:
    """The facts of a graph, from its card file or else from its shapes."""
    facts, paths = _read(choice, family=family, opener=opener)
    known = paths[-1].suffix == ".json"
    return _card_file.to_card(facts, paths=paths, notes="" if known else GUESSED)


def build(choice: str, *, family: str, opener: Opener, threads: int) -> Embedder:
    """An embedder that runs the graph, its front end first where it has one."""
    facts, paths = _read(choice, family=family, opener=opener)
    run = opener(paths[0], input_name=facts.input, output=facts.output, threads=threads)
    front = opener(paths[1], input_name=None, output=None, threads=threads) if facts.front_end else None
    return _graph.embedder(run, facts, front_end=front)


def _read(choice: str, *, family: str, opener: Opener) -> tuple[CardFile, list[Path]]:
    """The facts, and the files they rest on: the graphs, then the card file if there is one."""
    name, output = _split(choice)
    path = existing(name or ".", needed_by=f"{family}/{choice}")
    if not path.is_file():
        raise ModelError(
            f"{family} needs a file and {str(path)!r} is a folder: name the graph or its card file, {family}/PATH"
        )
    found = _card_file.find(path)
    if found is None:
        return replace(_graph.infer(opener(path, input_name=None, output=output)), output=output), [path]
    facts = _card_file.read(found)
    facts = facts if output is None else replace(facts, output=output)
    return facts, [*_card_file.files(facts, card_path=found), found]


def _split(choice: str) -> tuple[str, str | int | None]:
    """A choice, `PATH` or `PATH:OUTPUT`, as a path and the name or number of an output."""
    path, _, output = choice.rpartition(":")
    if not path or not output or Path(choice).expanduser().exists() or not Path(path).expanduser().is_file():
        return choice, None
    return path, int(output) if output.isdigit() else output
