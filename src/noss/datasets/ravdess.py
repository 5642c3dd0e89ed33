"""RAVDESS: 24 actors speak two sentences in eight emotions. Target `emotion`.

The speech part (audio only), in its official layout: `Actor_01/03-01-06-01-02-01-01.wav`, the numbers being modality,
channel, emotion, intensity, statement, repetition and actor. Songs and videos are left out.

The folds are the five speaker-disjoint ones of Luna-Jimenez et al., "Multimodal Emotion Recognition on RAVDESS Dataset
Using Transfer Learning", Sensors 21(22), 7665, 2021 (balanced for emotion and sex). The archive's size and checksum are
Zenodo's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from noss.datasets import Clip, Dataset, Download
from noss.datasets._files import audio_by_stem, folders
from noss.errors import DataError

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
FOLDS = ((2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22))
STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")

DATASET = Dataset(
    title="Ryerson Audio-Visual Database of Emotional Speech and Song: speech",
    source="https://doi.org/10.5281/zenodo.1188976",
    licence="CC-BY-NC-SA-4.0",
    citation="Livingstone & Russo, PLoS ONE 13(5), e0196391, 2018",
    targets={"emotion": EMOTIONS},
    metric="uar",
    num_clips=1_440,
    hours=1.48,
    num_speakers=24,
    speakers="disjoint",
    language=("en",),
    notes=(
        "Five folds by actor, after Luna-Jimenez et al. 2021 (Sensors 21, 7665).",
        "Acted emotion; every actor says the same two sentences.",
    ),
    families={"emotion": "emotion"},
    num_by_label={"emotion": {emotion: 96 if emotion == "neutral" else 192 for emotion in EMOTIONS}},
    layout="Actor_01/03-01-01-01-01-01-01.wav\n...\nActor_24/03-01-08-02-02-02-24.wav",
    signs=("Actor_[0-2][0-9]/03-01-0?-0?-0?-0?-??.*",),
    downloads=(
        Download(
            url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
            checksum="md5:bc696df654c87fed845eb13823edef8a",
            size=208_468_073,
        ),
    ),
)

_NAME = re.compile(r"03-01-(0[1-8])-(0[12])-(0[12])-(0[12])-([01]\d|2[0-4])")
_FOLD_OF_ACTOR = {actor: fold for fold, actors in enumerate(FOLDS) for actor in actors}


def clips(root: Path) -> Iterator[Clip]:
    """Every spoken clip, by actor.

    Raises:
        DataError: No clip of RAVDESS stands in folders `Actor_01` ... below the root.
    """
    empty = True
    for folder in folders(root):
        if not folder.name.startswith("Actor_"):
            continue
        for name, path in audio_by_stem(folder).items():
            match = _NAME.fullmatch(name)
            if match:
                empty = False
                yield _clip(path, [int(number) for number in match.groups()])
    if empty:
        raise DataError(
            f"no clip of ravdess in {root}: it needs Actor_01/03-01-01-01-01-01-01.wav and so on; "
            "give --root ravdess=DIR, the folder that holds Actor_01 to Actor_24"
        )


def expected(root: Path) -> Iterator[str]:
    """Every file by its name: two statements, twice each, in every emotion and intensity; neutral has but one."""
    del root
    for actor in range(1, 25):
        for emotion, intensity in product(range(1, len(EMOTIONS) + 1), (1, 2)):
            if (emotion, intensity) != (1, 2):
                for statement, repetition in product((1, 2), (1, 2)):
                    take = f"{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}"
                    yield f"Actor_{actor:02d}/03-01-{take}"


def _clip(path: Path, numbers: list[int]) -> Clip:
    emotion, intensity, statement, repetition, actor = numbers
    return Clip(
        path=path,
        labels={"emotion": EMOTIONS[emotion - 1]},
        speaker=f"{actor:02d}",
        fold=_FOLD_OF_ACTOR[actor],
        sentence=STATEMENTS[statement - 1],
        facts={
            "gender": "m" if actor % 2 else "f",
            "intensity": ("normal", "strong")[intensity - 1],
            "statement": ("kids", "dogs")[statement - 1],
            "repetition": str(repetition),
            "actor": f"{actor:02d}",
        },
    )
