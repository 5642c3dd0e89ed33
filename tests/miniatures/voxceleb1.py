"""All speakers in train, the first and the last also in dev and test; a development and a test archive."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.voxceleb1 import SPEAKERS

IN_TEST_ARCHIVE = SPEAKERS[269:309]


def build(root: Path) -> str:
    rows = [(1, f"{speaker}/1zcIwhmdeo4/00001.wav") for speaker in SPEAKERS]
    rows += [(part, f"{name}/video_of-{part}/00001.wav") for name in SPEAKERS[::50] for part in (2, 3)]
    rows += [(part, f"{name}/video_of-{part}/00001.wav") for name in IN_TEST_ARCHIVE[:3] for part in (2, 3)]
    (root / "iden_split.txt").write_text("".join(f"{part} {name}\n" for part, name in rows))
    sound(root, *(f"{_archive(name)}/wav/{name}" for _, name in rows))
    people = (f"{speaker}\tSome_Body\t{'mf'[n % 2]}\tIreland\tdev\n" for n, speaker in enumerate(SPEAKERS))
    (root / "vox1_meta.csv").write_text("VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n" + "".join(people))
    return "voxceleb1"


def _archive(name: str) -> str:
    return "vox1_test_wav" if name.split("/")[0] in IN_TEST_ARCHIVE else "vox1_dev_wav"
