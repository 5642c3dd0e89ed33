"""A word, a sentence and four prompts without words of every speaker; utterances with one microphone or no prompt."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.torgo import SEVERITY

PROMPTS = ("stick", "Except in the winter when the ooze or snow or ice prevents", "[say Ah-P-Eee repeatedly]",
           "input/images/table.jpg", "knew [new]", "")  # fmt: skip


def build(root: Path) -> str:
    for speaker in SEVERITY:
        session = f"{speaker}/{'Session2_3' if speaker == 'M01' else 'Session1'}"
        names = [f"{number:04d}" for number in range(1, len(PROMPTS) + 1)]
        sound(root, *(f"{session}/wav_{place}Mic/{name}.wav" for name in names for place in ("array", "head")))
        sound(root, f"{session}/wav_headMic/0099.wav", f"{session}/wav_arrayMic/0100.wav")
        (root / session / "prompts").mkdir()
        for name, prompt in zip([*names, "0099"], [*PROMPTS, "rake"], strict=True):
            (root / session / "prompts" / f"{name}.txt").write_text(f"{prompt}\r\n", encoding="utf-8")
        (root / speaker / "Notes").mkdir()
    return "torgo"
