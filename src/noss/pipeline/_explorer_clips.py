"""The clips of a dataset as the explorer shows them: where their sound is, and every column that is known of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.errors import Failure
from noss.pipeline._predictions import Predictions
from noss.reports._explorer_facts import Column

MAX_TEXT = 300  # letters of a value: longer ones, such as transcripts, are cut
_FEW_NUMBERS = 12  # numbers with fewer values than this are shown as names

Value = str | float
Place = tuple[str, float, float | None]


@dataclass
class Clips:
    """Clips by identity: their place below the root, their columns, and what models said about them."""

    places: dict[str, Place] = field(default_factory=dict)
    columns: dict[str, dict[str, Value]] = field(default_factory=dict)
    answers: dict[str, dict[str, dict[str, Value]]] = field(default_factory=dict)

    def add_predictions(self, model: str, target: str, predictions: Predictions) -> None:
        """Take in the clips of a task, their truth, and what a model said about them."""
        truths, answers = _truths(predictions), _answers(target, predictions)
        rows = zip(predictions.ids, predictions.files, predictions.start_s, predictions.end_s, strict=True)
        for row, (name, file, start_s, end_s) in enumerate(rows):
            self.places.setdefault(name, (file, float(start_s), end_s))
            self._note(name, {target: truths[row], "speaker": predictions.speakers[row]})
            for column, values in answers.items():
                self.answers.setdefault(model, {}).setdefault(column, {}).setdefault(name, values[row])

    def add_corpus(self, clips: Sequence[Clip], ids: Iterable[str | Failure], *, root: Path) -> None:
        """Take in all clips of the corpus, with the columns that it has for them."""
        for clip, name in zip(clips, ids, strict=True):
            if isinstance(name, Failure):
                continue
            self.places.setdefault(name, (below(clip.path, root), clip.start_s, clip.end_s))
            more = {"speaker": clip.speaker, "split": clip.split, "session": clip.session, "sentence": clip.sentence}
            fold = None if clip.fold is None else str(clip.fold)
            self._note(name, {**clip.labels, **more, "fold": fold, **clip.facts})

    def chosen(self, most: int, *, by: str | None, seed: int) -> list[str]:
        """At most so many identities, sorted: a seeded sample with as much of each value of the column `by` as of all."""
        names = sorted(self.places)
        if len(names) <= most:
            return names
        values = self.columns.get(by or "", {})
        totals, seen = Counter(values.get(name) for name in names), Counter[Any]()
        share_N = np.zeros(len(names))
        for row in np.random.default_rng(seed).permutation(len(names)).tolist():
            value = values.get(names[row])
            share_N[row] = (seen[value] + 0.5) / totals[value]
            seen[value] += 1
        return [names[row] for row in np.sort(np.argsort(share_N, kind="stable")[:most]).tolist()]

    def _note(self, name: str, values: Mapping[str, Value | None]) -> None:
        for column, value in values.items():
            if value is not None and value != "":
                self.columns.setdefault(column, {}).setdefault(name, value)


def columns_of(values: Mapping[str, Mapping[str, Value]], names: Sequence[str]) -> list[Column]:
    """Columns by name with a value a clip, in the order of `names`; a column that says the same of all is left out."""
    made = [_column(name, [by_clip.get(clip) for clip in names]) for name, by_clip in values.items()]
    return [column for column in made if column is not None]


def _column(name: str, values: Sequence[Value | None]) -> Column | None:
    known = {value for value in values if value is not None}
    if len(known) < 2 and (not known or None not in values):
        return None
    numbers = _numbers(values)
    if numbers is not None and len(known) >= _FEW_NUMBERS:
        return Column(name=name, numbers_N=numbers)
    texts = ["" if value is None else _text(value) for value in values]
    found = sorted({text for text in texts if text}, key=_natural)
    places = {text: place for place, text in enumerate(["", *found])}
    return Column(name=name, words=found, codes_N=np.array([places[text] for text in texts], dtype=np.uint16))


def _numbers(values: Sequence[Value | None]) -> NDArray[np.float32] | None:
    """Values as numbers, NaN where there is none; None where one is no number."""
    try:
        numbers_N = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float32)
    except ValueError:
        return None
    return None if np.isinf(numbers_N).any() else numbers_N


def _text(value: Value) -> str:
    text = f"{value:g}" if isinstance(value, float) else value
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _natural(text: str) -> tuple[bool, float, str]:
    """Numbers first and by size, then names by letter."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text


def _truths(predictions: Predictions) -> list[Value]:
    classes = predictions.classes
    return [float(true) if classes is None else classes[int(true)] for true in predictions.true_N]


def _answers(target: str, predictions: Predictions) -> dict[str, list[Value]]:
    """What a model said of each clip of a task, by column."""
    scores_NK, classes = predictions.scores_NK, predictions.classes
    if classes is None:
        said_N = scores_NK[:, 0]
        off_N = np.abs(said_N - predictions.true_N)
        return {f"{target}, predicted": said_N.tolist(), f"{target}, off by": off_N.tolist()}
    said_N = scores_NK.argmax(axis=1)
    right_N = said_N == predictions.true_N
    answers: dict[str, list[Value]] = {
        f"{target}, right or wrong": ["right" if right else "wrong" for right in right_N],
        f"{target}, predicted": [classes[int(said)] for said in said_N],
    }
    if bool(np.allclose(scores_NK.sum(axis=1), 1.0, atol=1e-4)) and bool((scores_NK >= 0).all()):
        answers[f"{target}, confidence"] = scores_NK.max(axis=1).tolist()
    return answers


def below(path: Path, folder: Path) -> str:
    """A path as text, below a folder where it can be; bytes of a name that are no UTF-8 are written as escapes."""
    whole, folder = path.absolute(), folder.absolute()
    text = whole.relative_to(folder).as_posix() if whole.is_relative_to(folder) else str(whole)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
