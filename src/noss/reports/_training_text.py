"""A training run as markdown: what it is, the suite step by step, where its curves began and ended, every setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from noss.reports._table import readable
from noss.reports._training import Training, Watched, curves, facts, warnings, watched
from noss.reports._training_page import command
from noss.reports._training_smaller import smaller


def training_text(training: Training, escaped: Callable[[str], str]) -> str:
    """The whole text.

    Args:
        training: What the run left so far.
        escaped: Makes text harmless in markdown.
    """
    told = facts(training)
    settings = [[name, f"{value}"] for name, value in training.recipe.items()]
    parts = [
        f"# {escaped(training.title)}",
        "\n".join(f"- **{escaped(line)}**" for line in warnings(training)),
        _table(["", ""], [[name, text] for name, text in told.items()], escaped),
        _suite(training, watched(training), escaped),
        _table(["number", "first", "last, smoothed", "held out, last"], _ends(training), escaped),
        _smaller(training, escaped),
        f"Use it as\n\n{_code(f'trained/{training.run}')}" if training.best is not None else "",
        f"Repeat it:\n\n{_code(command(training))}",
        _table(["setting", "value"], settings, escaped),
        _table(["file", "why it was not used"], [[one["file"], one["reason"]] for one in training.failures], escaped),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _smaller(training: Training, escaped: Callable[[str], str]) -> str:
    found = smaller(training)
    if found is None:
        return ""
    table = _table([f"made smaller: {found.kind}", *found.heading[1:]], found.rows, escaped)
    return "\n\n".join([table, escaped(found.note), "Score both:", _code(found.command)])


def _code(text: str) -> str:
    return f"    {' '.join(text.split())}"


def _suite(training: Training, suite: Sequence[Watched], escaped: Callable[[str], str]) -> str:
    places = list(dict.fromkeys((look.step, look.model) for look in training.looks))
    rows = []
    for step, model in sorted(places):
        found = [
            next((look for look in [*one.levels, *one.student] if (look.step, look.model) == (step, model)), None)
            for one in suite
        ]
        name = model if step < 0 else f"step {step:,}{' (kept)' if step == training.best else ''}"
        rows.append([name, *(one.text(look) for one, look in zip(suite, found, strict=True))])
    return _table(["", *(f"{one.name}{', %' if one.unit.percent else ''}" for one in suite)], rows, escaped)


def _ends(training: Training) -> list[list[str]]:
    found = []
    for curve in curves(training):
        while_training = [row for row in curve.rows if row["series"] == "training"]
        held_out = [row["value"] for row in curve.rows if row["series"] == "held out"]
        ends = [while_training[0]["value"], while_training[-1]["smooth"]] if while_training else [None, None]
        found.append([curve.title, *map(readable, [*ends, held_out[-1] if held_out else None])])
    return found


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]], escaped: Callable[[str], str]) -> str:
    if not rows:
        return ""
    lines = [
        [escaped(cell) for cell in heading],
        [":--"] * len(heading),
        *([escaped(cell) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
