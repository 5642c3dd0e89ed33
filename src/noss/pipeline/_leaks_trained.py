"""Whether a model has heard a task's corpus in training, as far as its card says.

`_leaks_corpora.csv` lists corpora that go by several names, and corpora made from others: `same` is another name of one
corpus, `part` a corpus that holds clips of the other, `source` one drawn from the same place, which may share clips.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from noss.models import Card
from noss.pipeline._clips import Source
from noss.pipeline._verdict import Verdict

_TABLE: Final = Path(__file__).with_name("_leaks_corpora.csv")
_PLAIN: Final = re.compile(r"[^a-z0-9]+")
_SHORTEST: Final = 4  # letters of a name that may stand anywhere in a longer one


def check_trained(model: str, card: Card, source: Source) -> Iterator[Verdict]:
    """Set the training data on a model's card against the corpus."""
    name = f"trained on: {model}"
    if not card.trained_on:
        unlearned = card.num_parameters == 0
        what = (
            "it learned from no data" if unlearned else "its card does not say: whether it heard this corpus is unknown"
        )
        yield Verdict(name, True if unlearned else None, what)
        return
    ours = _names(source)
    heard = {declared: _relation(declared, ours) for declared in card.trained_on}
    same = [declared for declared, relation in heard.items() if relation in ("same", "part")]
    near = [declared for declared, relation in heard.items() if relation == "source"]
    if same:
        yield Verdict(
            name, False, f"its training data hold {', '.join(same)}: it may have heard the clips of {source.name}"
        )
    elif near:
        yield Verdict(name, None, f"{', '.join(near)} and {source.name} come from one place: some clips may be in both")
    else:
        yield Verdict(name, True, f"{', '.join(card.trained_on)}: none known as {source.name}")


def _names(source: Source) -> set[str]:
    """What the corpus may be called: its name, its title, and the folder and file of one's own table."""
    part, _, path = source.name.partition("/")
    own = [part] if not path else [Path(path).stem, Path(path).resolve().parent.name]
    named = [Path(name).stem if name.endswith(".py") else name for name in own]
    return {plain for name in (*named, source.card.title) if (plain := _plain(name))}


def _relation(declared: str, ours: set[str]) -> str:
    """How a declared corpus is related to ours: `same`, `part`, `source`, or nothing."""
    theirs = _plain(declared)
    if any(_is_in(name, theirs) or _is_in(theirs, name) for name in ours):
        return "same"
    ours_known, theirs_known = _known(ours), _known({theirs})
    if ours_known & theirs_known:
        return "same"
    kinds = {
        relation
        for (first, second), relation in _table()[1].items()
        if (first in ours_known and second in theirs_known) or (second in ours_known and first in theirs_known)
    }
    return next((relation for relation in ("part", "source") if relation in kinds), "")


def _known(names: set[str]) -> set[str]:
    """The corpora of the table that some names mean."""
    return {corpus for alias, corpus in _table()[0].items() if any(_is_in(alias, name) for name in names)}


def _is_in(short: str, long: str) -> bool:
    """Whether a name stands in another, at its words' borders, and is not too short for that."""
    return short == long or (len(short) >= _SHORTEST and f" {short} " in f" {long} ")


def _plain(name: str) -> str:
    return _PLAIN.sub(" ", name.lower()).strip()


@cache
def _table() -> tuple[Mapping[str, str], Mapping[tuple[str, str], str]]:
    """Corpus by alias, and relation by pair of corpora."""
    aliases: dict[str, str] = {}
    relations: dict[tuple[str, str], str] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            aliases.setdefault(_plain(row["corpus"]), row["corpus"])
            if row["relation"] == "same":
                aliases[_plain(row["other"])] = row["corpus"]
            else:
                aliases.setdefault(_plain(row["other"]), row["other"])
                relations[row["corpus"], row["other"]] = row["relation"]
    return aliases, relations
