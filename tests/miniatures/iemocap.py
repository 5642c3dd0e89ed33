"""Two dialogues a session, in which both actors speak with every code that raters gave."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.iemocap import EMOTIONS

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
VOTES = "C-E2:\tNeutral;\t()\nC-F1:\tNeutral; Sadness;\t(tired)\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"


def build(root: Path) -> str:
    for session in range(1, 6):
        for number, dialog in enumerate((f"Ses0{session}F_impro01", f"Ses0{session}M_script01_1")):
            _dialog(root / f"Session{session}", dialog, shift=number)
    return "iemocap"


def _dialog(session: Path, dialog: str, *, shift: int) -> None:
    text, folder = HEADER, session / "dialog/EmoEvaluation"
    for turn, code in enumerate(EMOTIONS):
        for gender in "FM":
            name = f"{dialog}_{gender}{turn:03d}"
            sound(session, f"sentences/wav/{dialog}/{name}.wav")
            numbers = f"[{1 + turn % 5 + shift / 2:.4f}, {1 + turn % 4:.4f}, {1 + turn % 3:.4f}]"
            text += f"[{turn}.2901 - {turn}.9357]\t{name}\t{code}\t{numbers}\n{VOTES}"
    for inner in ("Attribute", "Categorical", "Self-evaluation"):
        (folder / inner).mkdir(parents=True, exist_ok=True)
        (folder / inner / f"{dialog}_e2.txt").write_text(f"{dialog}_F000 :Neutral; ()\n")
    (folder / f"{dialog}.txt").write_text(text)
    (folder / f"._{dialog}.txt").write_bytes(b"\0\5\x16\7")
