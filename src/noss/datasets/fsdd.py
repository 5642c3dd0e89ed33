"""Free Spoken Digit Dataset: six speakers say the digits 0 to 9. Targets `speaker` and `digit`.

Layout: `recordings/7_jackson_32.wav`, the parts being digit, speaker and take; also in the archive's own folder.

`speaker` uses the published split (takes 0 to 4 are test), in which all speakers are on both sides by design. `digit`
uses one fold a speaker: each speaker is tested by a probe that has never heard them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from noss.datasets import Clip, Dataset, Download
from noss.datasets._files import audio_by_stem
from noss.errors import DataError

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
DIGITS = tuple("0123456789")

DATASET = Dataset(
    title="Free Spoken Digit Dataset",
    source="https://github.com/Jakobovski/free-spoken-digit-dataset",
    licence="CC-BY-SA-4.0",
    citation="Jackson et al., Free Spoken Digit Dataset v1.0.10, 2020, https://doi.org/10.5281/zenodo.1342401",
    targets={"speaker": SPEAKERS, "digit": DIGITS},
    metric="uar",
    num_clips=3_000,
    hours=0.36,
    num_speakers=6,
    speakers="disjoint",
    shared_targets=("speaker",),
    language=("en",),
    notes=("`digit` leaves one speaker out at a time; the published split (takes 0 to 4) shares all speakers.",),
    families={"speaker": "speaker", "digit": "words"},
    num_by_split={"train": 2_700, "test": 300},
    num_by_label={"speaker": dict.fromkeys(SPEAKERS, 500), "digit": dict.fromkeys(DIGITS, 300)},
    layout="recordings/0_george_0.wav\n...\nrecordings/9_yweweler_49.wav",
    signs=("recordings/[0-9]_jackson_*",),
    downloads=(Download(url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.tar.gz"),),
)

_NAME = re.compile(r"(\d)_([^_]+)_(\d+)")
_NUM_TEST_TAKES, _NUM_TAKES = 5, 50
_FOLDERS = ("recordings", "free-spoken-digit-dataset-1.0.10/recordings", ".")


def clips(root: Path) -> Iterator[Clip]:
    """Every recording, sorted by name.

    Raises:
        DataError: No recording stands in the root or in `recordings` below it, or one is of an unknown speaker.
    """
    empty = True
    for name, path in audio_by_stem(root / _folder(root)).items():
        match = _NAME.fullmatch(name)
        if match:
            empty = False
            yield _clip(path, *match.groups())
    if empty:
        raise DataError(
            f"no clip of fsdd in {root}: it needs recordings/0_george_0.wav and so on; "
            "give --root fsdd=DIR, the folder that holds recordings"
        )


def expected(root: Path) -> Iterator[str]:
    """Every file by its name: fifty takes of each digit by each speaker."""
    folder = _folder(root)
    for digit, speaker, take in product(DIGITS, SPEAKERS, range(_NUM_TAKES)):
        yield (Path(folder) / f"{digit}_{speaker}_{take}").as_posix()


def _folder(root: Path) -> str:
    return next(folder for folder in _FOLDERS if (root / folder).is_dir() or folder == ".")


def _clip(path: Path, digit: str, speaker: str, take: str) -> Clip:
    if speaker not in SPEAKERS:
        raise DataError(
            f"{path} is by {speaker!r}, who is none of {', '.join(SPEAKERS)}: use version 1.0.10, or a table"
        )
    return Clip(
        path=path,
        labels={"speaker": speaker, "digit": digit},
        speaker=speaker,
        split="test" if int(take) < _NUM_TEST_TAKES else "train",
        fold=SPEAKERS.index(speaker),
        sentence=digit,
    )
