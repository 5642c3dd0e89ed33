"""SAVEE: four men say British sentences in seven emotions. Target `emotion`.

Layout: what the owner's `AudioData.zip` unpacks to, `AudioData/DC/a01.wav`: the speaker's folder, then the first letters
of the emotion and the number of the sentence.

Labels and split are those of TensorFlow Datasets 1.0.0 (`tensorflow_datasets/audio/savee.py`): JK and KL train, JE dev, DC
test. The names are told by `AudioData/Info.txt`, 15 sentences an emotion and 30 in neutral. Hours: EmoBox (Ma et al.,
Interspeech 2024).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset
from noss.datasets._files import audio_by_stem
from noss.datasets._tfds_split import split_speakers
from noss.errors import DataError

EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SPEAKERS = ("DC", "JE", "JK", "KL")

DATASET = Dataset(
    title="Surrey Audio-Visual Expressed Emotion",
    source="http://kahlan.eps.surrey.ac.uk/savee/",
    licence="free of charge for research purposes, on registration",
    citation="Haq & Jackson, Multimodal Emotion Recognition, in: Machine Audition, IGI Global, 2010, pp. 398-423",
    targets={"emotion": tuple(EMOTIONS.values())},
    families={"emotion": "emotion"},
    metric="uar",
    num_clips=480,
    hours=0.5,
    num_speakers=4,
    speakers="disjoint",
    language=("en-GB",),
    num_by_split={"train": 240, "dev": 120, "test": 120},
    num_by_label={"emotion": {emotion: 120 if emotion == "neutral" else 60 for emotion in EMOTIONS.values()}},
    access="gated",
    ask=(
        "Register at http://personal.ee.surrey.ac.uk/Personal/P.Jackson/SAVEE/Register.html; the answer names the page "
        "to download from. Take `Data/Zip/AudioData.zip` and unpack it."
    ),
    layout=(
        "AudioData/DC/a01.wav    speaker DC, JE, JK or KL; a, d, f, h, n, sa or su; sentence 01 to 15 (n: to 30)\n"
        "AudioData/Info.txt      the owner's description; not read"
    ),
    signs=("AudioData/DC/*", "AudioData/JE/*", "AudioData/JK/*", "AudioData/KL/*"),
    notes=(
        "Split by speaker as TensorFlow Datasets 1.0.0 has it: one man is all of dev, and one all of test.",
        "Acted emotion; 3 of the 15 sentences are the same in every emotion.",
    ),
)

_NAME = re.compile(r"([A-Za-z]+)(\d+)")
_SPLITS = split_speakers(SPEAKERS, {"train": 0.6, "dev": 0.2, "test": 0.2})


def clips(root: Path) -> Iterator[Clip]:
    """Every recording, by speaker.

    Raises:
        DataError: No recording stands in `AudioData/DC` and so on, or one is named for no emotion.
    """
    empty = True
    for speaker in SPEAKERS:
        folder = _folder(root) / speaker
        for name, path in audio_by_stem(folder).items() if folder.is_dir() else ():
            empty = False
            yield _clip(path, name, speaker)
    if empty:
        raise DataError(
            f"no clip of savee in {root}: it needs AudioData/DC/a01.wav and so on; "
            "give --root savee=DIR, the folder that holds AudioData"
        )


def expected(root: Path) -> Iterator[str]:
    """The 480 recordings, by speaker."""
    inside = "" if _folder(root) == root else "AudioData/"
    for speaker in SPEAKERS:
        for letters in EMOTIONS:
            for sentence in range(1, 31 if letters == "n" else 16):
                yield f"{inside}{speaker}/{letters}{sentence:02d}"


def _folder(root: Path) -> Path:
    folder = root / "AudioData"
    return folder if folder.is_dir() or not (root / SPEAKERS[0]).is_dir() else root


def _clip(path: Path, name: str, speaker: str) -> Clip:
    match = _NAME.fullmatch(name)
    if not match or match[1] not in EMOTIONS:
        raise DataError(f"{path} begins with none of {', '.join(EMOTIONS)}: take it out, or mend its name")
    return Clip(
        path=path,
        labels={"emotion": EMOTIONS[match[1]]},
        speaker=speaker,
        split=_SPLITS[speaker],
        facts={"gender": "m"},
    )
