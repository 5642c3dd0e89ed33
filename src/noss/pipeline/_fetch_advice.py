"""What to say of a corpus that cannot be fetched: where to ask, what to download, where to put it."""

from __future__ import annotations

import os
from pathlib import Path

from noss import shelf
from noss.datasets import Dataset
from noss.errors import DataError

_WHY = {
    "gated": "is given by its owner on request, so it cannot be fetched",
    "private": "is private, so it cannot be fetched",
    "open": "is open, but no address of its files is known",
}


def card_to_fetch(part: str) -> Dataset:
    """The facts of a dataset whose files can be fetched.

    Args:
        part: A name on the shelf, or the path of a Python file.

    Raises:
        DataError: They cannot; the message is one line, and its notes say how to get them.
    """
    module = shelf.load("datasets", part)
    if not hasattr(module, "DATASET"):
        raise DataError(
            f"{part} reads recordings that are yours already, so there is nothing to fetch: give their path, "
            f"as {part}/PATH"
        )
    card: Dataset = module.DATASET
    if hasattr(module, "default_root"):
        raise DataError(
            f"{part} is made on this machine when it is first used, so there is nothing to fetch: use it by its name"
        )
    if card.access != "open" or not card.downloads:
        raise _advice(part, card)
    return card


def _advice(part: str, card: Dataset) -> DataError:
    name = Path(part).stem if part.endswith(".py") else part
    data = os.environ.get("NOSS_DATA")
    place = f"{Path(data).expanduser() / name}" if data else f"a folder of its own, given as --root {name}=DIR"
    how = "as said below" if card.ask or card.layout else f"from {card.source}"
    error = DataError(f"{part} {_WHY[card.access]}: get it {how}, and put it into {place}")
    ask = card.ask or f"See {card.source}."
    error.add_note(f"How to get {card.title} ({card.licence}):\n{_indented(ask)}")
    if card.layout:
        error.add_note(f"The folder then holds:\n{_indented(card.layout)}")
    error.add_note(f"Then: noss check dataset {part}{'' if data else f' --root {name}=DIR'}")
    return error


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.strip("\n").splitlines())
