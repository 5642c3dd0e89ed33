"""Every actor in five of the six emotions, the repository's tables, the four files left out, one under its old wrong name."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound

TAKES = ("IEO_NEU_XX", "IEO_HAP_LO", "TAI_SAD_XX", "IOM_ANG_XX", "DFA_FEA_XX", "IWL_DIS_XX")
LEFT_OUT = ("1006_TIE_NEU_XX", "1013_WSI_DIS_XX", "1017_IWW_FEA_XX", "1040_ITH_SAD_XX")


def build(root: Path) -> str:
    names = [f"{actor}_{take}" for actor in range(1001, 1092) for rank, take in enumerate(TAKES) if (actor + rank) % 6]
    names = sorted([*names, *LEFT_OUT])
    sound(root, *(f"AudioWAV/{name}.wav" for name in [*names, "1040_ITH_SAD_X"]), "AudioMP3/1001_IEO_NEU_XX.mp3")
    people = "".join(f'{actor},{20 + actor % 50},"{("Female", "Male")[actor % 2]}"\r\n' for actor in range(1001, 1092))
    (root / "VideoDemographics.csv").write_text(f'"ActorID","Age","Sex"\r\n{people}', newline="")
    table = "".join(f'"{number}","{name}","N","69.1"\n' for number, name in enumerate(names, start=1))
    (root / "processedResults").mkdir()
    (root / "processedResults/summaryTable.csv").write_text(f'"","FileName","VoiceVote","VoiceLevel"\n{table}')
    return "crema_d"
