"""Up to two takes of every speaker in every emotion; one speaker was never disgusted, as in the corpus."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from miniatures import sound
from noss.datasets.emodb import expected


def build(root: Path) -> str:
    (root / "wav").mkdir()
    takes = defaultdict(list)
    for path in expected(root):
        takes[path[4:6], path[9]].append(path)
    sound(root, *(f"{path}.wav" for paths in takes.values() for path in paths[:2]))
    for folder in ("labsilb", "lablaut"):
        (root / folder).mkdir()
    return "emodb"
