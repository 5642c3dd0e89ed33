"""Write docs/parts.md from the shelves: `python docs/make_parts.py`; a test keeps it up to date."""

from __future__ import annotations

from pathlib import Path

from noss import shelf

ABOUT: dict[shelf.Shelf, str] = {
    "datasets": "Labelled speech: `noss show NAME` gives classes, counts, splits and licence.",
    "models": "Embedding models: `noss show NAME` gives the card.",
    "probes": "Small learners on frozen embeddings.",
    "metrics": "Numbers that say how good predictions are.",
    "reports": "Ways to show scores: `noss report RUN --style NAME`.",
    "engines": "Where a step runs.",
}


def page() -> str:
    """The page's text."""
    lines = ["# Parts", "", "Made by `python docs/make_parts.py` from the files on the shelves; do not edit.", ""]
    for name, about in ABOUT.items():
        lines += [f"## {name}", "", about, "", "| name | what it is |", "| :-- | :-- |"]
        lines += [
            f"| `{part}` | {shelf.summary(name, part).replace('|', chr(92) + '|')} |" for part in shelf.names(name)
        ]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    (Path(__file__).parent / "parts.md").write_text(page(), encoding="utf-8")
