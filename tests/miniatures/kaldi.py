"""Six recordings of six speakers, cut into two utterances each, in two languages."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound


def build(root: Path) -> str:
    sound(root, *(f"wavs/r{row}.wav" for row in range(6)))
    utterances = [(f"s{row}-r{row}-{half}", f"r{row}", half) for row in range(6) for half in range(2)]
    lists = {
        "wav.scp": [f"r{row} wavs/r{row}.wav" for row in range(6)],
        "segments": [
            f"{name} {recording} {half * 0.05:.2f} {half * 0.05 + 0.05:.2f}" for name, recording, half in utterances
        ],
        "utt2spk": [f"{name} {name[:2]}" for name, _, _ in utterances],
        "utt2lang": [f"{name} {('de', 'en')[half]}" for name, _, half in utterances],
        "spk2gender": [f"s{row} {'fm'[row % 2]}" for row in range(6)],
        "text": [f"{name} word {half}" for name, _, half in utterances],
    }
    for name, lines in lists.items():
        (root / name).write_text("\n".join(lines) + "\n")
    return f"kaldi/{root}"
