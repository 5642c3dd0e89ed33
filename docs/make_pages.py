"""Write the pages that follow from the shelves: `python docs/make_pages.py`; a test keeps them up to date.

`parts.md` lists every part; `datasets.md` is the table of all corpora; `corpora/NAME.md` says of one corpus what it holds,
where it comes from, where to put it and what `noss check dataset` should then say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from noss import shelf
from noss.datasets import Dataset

HERE = Path(__file__).parent
MADE = "Made by `python docs/make_pages.py` from the files on the shelves; do not edit."
ABOUT: dict[shelf.Shelf, str] = {
    "datasets": "Labelled speech: `noss show NAME` gives classes, counts, splits and licence.",
    "models": "Embedding models: `noss show NAME` gives the card.",
    "probes": "Small learners on frozen embeddings.",
    "metrics": "Numbers that say how good predictions are.",
    "objectives": "What training pulls towards.",
    "exporters": "Files that leave the house, with the proof that they give the same.",
    "reports": "Ways to show scores: `noss report RUN --style NAME`.",
    "engines": "Where a step runs.",
}
ACCESS = {"open": "open", "gated": "on request", "private": "private"}
MANY_CLASSES = 12


def pages() -> dict[str, str]:
    """Every made page's text, by its path below `docs`."""
    corpora = _corpora()
    one_each = {f"corpora/{name}.md": _corpus(name, card) for name, card in corpora.items()}
    return {"parts.md": _parts(), "datasets.md": _datasets(corpora), **one_each}


def _parts() -> str:
    lines = ["# Parts", "", MADE, ""]
    for name, about in ABOUT.items():
        lines += [f"## {name}", "", about, "", "| name | what it is |", "| :-- | :-- |"]
        lines += [f"| `{part}` | {_cell(shelf.summary(name, part))} |" for part in shelf.names(name)]
        lines.append("")
    return "\n".join(lines)


def _corpora() -> dict[str, Dataset]:
    modules = {name: shelf.load("datasets", name) for name in shelf.names("datasets")}
    return {name: module.DATASET for name, module in modules.items() if hasattr(module, "DATASET")}


def _datasets(corpora: dict[str, Dataset]) -> str:
    lines = [
        "# Datasets",
        "",
        MADE,
        "",
        "Corpora known by name, each in the layout in which its owner gives it out. Tables, folders and the formats of",
        "other libraries need no code: see [parts](parts.md). To add a corpus: [adding a dataset](adding_a_dataset.md).",
        "",
        "| name | targets (classes) | clips | hours | speakers | languages | metric | licence | how to get |",
        "| :-- | :-- | --: | --: | --: | :-- | :-- | :-- | :-- |",
    ]
    lines += [_row(name, card) for name, card in corpora.items()]
    return "\n".join([*lines, ""])


def _row(name: str, card: Dataset) -> str:
    targets = ", ".join(
        f"{target} ({'number' if classes is None else len(classes)})" for target, classes in card.targets.items()
    )
    people = f"{card.num_speakers:,}" if card.num_speakers else "not told"
    languages = ", ".join(card.language) if len(card.language) <= MANY_CLASSES else f"{len(card.language)} languages"
    cells = [f"[{name}](corpora/{name}.md)", targets, f"{card.num_clips:,}", f"{card.hours:,.4g}", people, languages]
    metrics = ", ".join(dict.fromkeys([card.metric, *card.metrics.values()]))
    return "| " + " | ".join(map(_cell, [*cells, metrics, card.licence, ACCESS[card.access]])) + " |"


def _corpus(name: str, card: Dataset) -> str:
    blocks = [
        f"# {name}",
        MADE,
        f"**{card.title}.** {shelf.summary('datasets', name)}",
        _facts(card),
        "## Targets",
        _targets(card),
        "## How to get it",
        *_how_to_get(name, card),
        "## Is it complete?",
        *_complete(name, card),
        *(["## Good to know", "\n".join(f"- {note}" for note in card.notes)] if card.notes else []),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _facts(card: Dataset) -> str:
    facts = {
        "source": card.source,
        "licence": card.licence,
        "cite": card.citation,
        "language": ", ".join(card.language),
    }
    return "\n".join(["| | |", "| :-- | :-- |", *(f"| {key} | {_cell(text)} |" for key, text in facts.items() if text)])


def _targets(card: Dataset) -> str:
    lines = ["| target | kind | classes | metric |", "| :-- | :-- | :-- | :-- |"]
    for target, classes in card.targets.items():
        kind = card.families.get(target, "")
        lines.append(f"| {target} | {kind} | {_cell(_classes(classes))} | {card.metrics.get(target, card.metric)} |")
    return "\n".join(lines)


def _classes(classes: tuple[str, ...] | None) -> str:
    if classes is None:
        return "a number"
    shown = ", ".join(classes[:MANY_CLASSES])
    return f"{len(classes)}: {shown}" + (", ..." if len(classes) > MANY_CLASSES else "")


def _how_to_get(name: str, card: Dataset) -> Iterator[str]:
    if card.ask:
        yield card.ask
    if card.downloads:
        yield f"```\nnoss fetch {name}\n```"
        lines = [f"- <{part.url}>" + (f" ({part.size / 1e6:,.0f} MB)" if part.size else "") for part in card.downloads]
        yield "brings" if len(lines) <= MANY_CLASSES else f"brings {len(lines)} files, the first of them"
        yield "\n".join(lines[:MANY_CLASSES])
    if card.layout:
        yield f"Put it where you like, and give that folder as `--root {name}=DIR`. It should hold"
        yield f"```text\n{card.layout.strip()}\n```"


def _complete(name: str, card: Dataset) -> Iterator[str]:
    yield f"```\nnoss check dataset {name} --root {name}=DIR\n```"
    people = f", {card.num_speakers:,} speakers" if card.num_speakers else ""
    found = [f"{card.num_clips:,} clips{people}, {card.hours:,.4g} hours"]
    for what, counts in {"split": card.num_by_split, **card.num_by_label}.items():
        if 0 < len(counts) <= MANY_CLASSES:
            found.append(f"by {what}: " + ", ".join(f"{label} {count:,}" for label, count in counts.items()))
    yield "should find\n\n" + "\n".join(f"- {line}" for line in found)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write every page, and remove pages of corpora that are no more."""
    made = pages()
    for path in (HERE / "corpora").glob("*.md"):
        if f"corpora/{path.name}" not in made:
            path.unlink()
    for name, text in made.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
