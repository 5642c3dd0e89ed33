"""EmoDB: ten German actors say ten everyday sentences in seven emotions. Target `emotion`.

Layout: `wav/03a01Fa.wav`, the parts being speaker, sentence, emotion (the first letter of its German name) and take, as
http://emodb.bilderbar.info/docu/ explains; speakers and sentences are listed there too. Only takes whose emotion 80 % of
the listeners recognised were kept, so that the sets of speakers and sentences differ in size. The archive is version 1.3.0,
https://doi.org/10.5281/zenodo.7447302 (its size and checksum are Zenodo's); the one of the project's page has the same
folder `wav`. `emodb.csv` beside this file lists the takes, from the lists of EmoBox (https://github.com/emo-box/EmoBox).

The folds leave one speaker out each, as most papers do. The split tables of version 1.3.0 are not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Download
from noss.datasets._files import audio_by_stem
from noss.datasets._lists import rows
from noss.errors import DataError

EMOTIONS: Mapping[str, str] = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "N": "neutral", "T": "sadness",
}  # fmt: skip
SPEAKERS: Mapping[str, tuple[str, str]] = {
    "03": ("m", "31"), "08": ("f", "34"), "09": ("f", "21"), "10": ("m", "32"), "11": ("m", "26"),
    "12": ("m", "30"), "13": ("f", "32"), "14": ("f", "35"), "15": ("m", "25"), "16": ("f", "31"),
}  # fmt: skip
SENTENCES: Mapping[str, str] = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}

DATASET = Dataset(
    title="Berlin Database of Emotional Speech",
    source="https://doi.org/10.5281/zenodo.7447302",
    licence="CC-BY-4.0",
    citation="Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005",
    targets={"emotion": tuple(EMOTIONS.values())},
    metric="uar",
    num_clips=535,
    hours=0.41,
    num_speakers=10,
    speakers="disjoint",
    language=("de",),
    notes=(
        "Ten folds, one speaker each.",
        "Acted emotion; every actor says the same ten sentences, and clips that listeners misheard were dropped.",
    ),
    families={"emotion": "emotion"},
    num_by_label={
        "emotion": {
            "anger": 127,
            "boredom": 81,
            "disgust": 46,
            "fear": 69,
            "happiness": 71,
            "neutral": 79,
            "sadness": 62,
        }
    },
    layout="wav/03a01Fa.wav\nwav/03a01Nc.wav\n...\nwav/16b10Wb.wav",
    signs=("wav/03a01*",),
    downloads=(
        Download(
            url="https://zenodo.org/records/7447302/files/emodb.zip",
            checksum="md5:9d21362dbc5676ef3ab4745d83ced0db",
            size=39_981_818,
        ),
    ),
)

_NAME = re.compile(r"(\d\d)([ab]\d\d)([A-Z])([a-z])")
_FOLD_OF_SPEAKER = {speaker: fold for fold, speaker in enumerate(SPEAKERS)}


def clips(root: Path) -> Iterator[Clip]:
    """Every take, sorted by name; they stand in `wav`, in `emodb/wav` (as unpacked) or in the root itself.

    Raises:
        DataError: None is there, or one is of an unknown speaker or emotion.
    """
    empty = True
    for name, path in audio_by_stem(root / _inside(root)).items():
        match = _NAME.fullmatch(name)
        if match:
            empty = False
            yield _clip(path, *match.groups())
    if empty:
        raise DataError(
            f"no clip of emodb in {root}: it needs wav/03a01Fa.wav and so on; "
            "give --root emodb=DIR, the folder that holds wav"
        )


def expected(root: Path) -> Iterator[str]:
    """The 535 takes, sorted by name."""
    inside = _inside(root)
    for _, (name,) in rows(Path(__file__).with_suffix(".csv"), "name"):
        yield inside + name


def _inside(root: Path) -> str:
    return next((inside for inside in ("wav/", "emodb/wav/") if (root / inside).is_dir()), "")


def _clip(path: Path, speaker: str, sentence: str, letter: str, take: str) -> Clip:
    if speaker not in SPEAKERS:
        raise DataError(f"{path} is by speaker {speaker}, who is none of {', '.join(SPEAKERS)}: take the file away")
    if letter not in EMOTIONS:
        raise DataError(f"{path} has the emotion {letter}, which is none of {', '.join(EMOTIONS)}: take the file away")
    gender, age = SPEAKERS[speaker]
    return Clip(
        path=path,
        labels={"emotion": EMOTIONS[letter]},
        speaker=speaker,
        fold=_FOLD_OF_SPEAKER[speaker],
        sentence=SENTENCES.get(sentence),
        facts={"gender": gender, "age": age, "sentence": sentence, "take": take},
    )
