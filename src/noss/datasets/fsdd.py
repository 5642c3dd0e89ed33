"""Free Spoken Digit Dataset: six speakers say the digits 0 to 9. Targets `speaker` and `digit`.

Layout: `recordings/7_jackson_32.wav`, the parts being digit, speaker and take.

`speaker` uses the published split (takes 0 to 4 are test), in which all speakers are on both sides by design. `digit`
uses one fold a speaker: each speaker is tested by a probe that has never heard them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset
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
)

_NAME = re.compile(r"(\d)_([^_]+)_(\d+)")
_NUM_TEST_TAKES = 5


def clips(root: Path) -> Iterator[Clip]:
    """Every recording, sorted by name.

    Raises:
        DataError: No recording stands in the root or in `recordings` below it, or one is of an unknown speaker.
    """
    folder = root / "recordings"
    empty = True
    for name, path in audio_by_stem(folder if folder.is_dir() else root).items():
        match = _NAME.fullmatch(name)
        if match:
            empty = False
            yield _clip(path, *match.groups())
    if empty:
        raise DataError(
            f"no clip of fsdd in {root}: it needs recordings/0_george_0.wav and so on; "
            "give --root fsdd=DIR, the folder that holds recordings"
        )


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
