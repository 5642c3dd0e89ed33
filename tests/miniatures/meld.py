"""Three dialogues a split in every emotion, a missing clip, a damaged one, and clips that are in no list."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.meld import EMOTIONS, FOLDERS

HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
SENTIMENT = {"neutral": "neutral", "joy": "positive", "surprise": "positive"}
CAST = ("Chandler", "Monica", "Joey", "Mrs. Green")


def build(root: Path) -> str:
    for split, folder in FOLDERS.items():
        names = _list(root / ("train" if split == "train" else "."), split)
        there = [name for name in names if (split, name) != ("dev", "dia2_utt6")]
        sound(
            root, *(f"{split}/{folder}/{name}.wav" for name in there)
        )  # named from the root: no split has another's bytes
        sound(root / split / folder, f"final_videos_{split}dia1_utt0.wav")
    return "meld"


def _list(folder: Path, split: str) -> list[str]:
    lines, names = [HEADER], []
    for row in range(21):
        emotion = EMOTIONS[row % 7]
        speaker = CAST[row % 4] if row % 5 else f"Man of {split}"
        sentiment = SENTIMENT.get(emotion, "negative")
        names.append(f"dia{row // 7}_utt{row % 7}")
        times = '"00:16:16,059","00:16:21,731"'
        lines.append(f'{row},"Well, ""yes""!",{speaker},{emotion},{sentiment},{row // 7},{row % 7},8,{row},{times}')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}_sent_emo.csv").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return names
