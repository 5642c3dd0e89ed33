"""Twelve cuts of six speakers, written by the library itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniatures import sound


def build(root: Path) -> str:
    lhotse = pytest.importorskip("lhotse")
    sound(root, *(f"wavs/r{row}.wav" for row in range(6)))
    cuts = []
    for row in range(12):
        recording = lhotse.Recording.from_file(root / f"wavs/r{row // 2}.wav")
        supervision = lhotse.SupervisionSegment(
            id=f"u{row}",
            recording_id=recording.id,
            start=0,
            duration=0.05,
            text="one",
            speaker=f"s{row // 2}",
            language=("de", "en")[row % 2],
            gender="fm"[row // 2 % 2],
            custom={"valence": row / 4},
        )
        piece = {"id": f"c{row}", "start": row % 2 * 0.05, "duration": 0.05, "channel": 0, "recording": recording}
        cuts.append(lhotse.MonoCut(**piece, supervisions=[supervision]))
    lhotse.CutSet.from_cuts(cuts).to_file(root / "cuts.jsonl.gz")
    return f"lhotse/{root}/cuts.jsonl.gz"
