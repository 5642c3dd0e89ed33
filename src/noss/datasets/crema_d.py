"""CREMA-D: 91 actors say twelve sentences in six emotions. Target `emotion`.

Layout: the owner's repository, `AudioWAV/1001_DFA_ANG_XX.wav`, the parts being actor, sentence, emotion and level; where
`VideoDemographics.csv` is there, it tells the actors' sex and age. The flash videos and the MP3 files that raters heard
are not read.

Labels, split and the four files left out are those of TensorFlow Datasets 1.0.0 (`tensorflow_datasets/audio/crema_d.py`):
63 actors train, 9 dev and 19 test, whichever of them are here. Which takes exist is told by the owner's
`SentenceFilenames.csv`: every actor says "It's eleven o'clock" neutrally and in five emotions at three levels, and eleven
sentences in six emotions, but for 20 takes. Hours: EmoBox (Ma et al., Interspeech 2024).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from noss.datasets import Clip, Dataset
from noss.datasets._files import audio_by_stem
from noss.datasets._lists import rows, wrong_line
from noss.datasets._tfds_split import split_speakers
from noss.errors import DataError

EMOTIONS = ("NEU", "HAP", "SAD", "ANG", "FEA", "DIS")
ACTORS = tuple(map(str, range(1001, 1092)))
SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
# The second is one recording under two labels, and so are the third and the fourth; the first was long misnamed.
LEFT_OUT = frozenset({"1040_ITH_SAD_XX", "1006_TIE_NEU_XX", "1013_WSI_DIS_XX", "1017_IWW_FEA_XX"})

DATASET = Dataset(
    title="Crowd-sourced Emotional Multimodal Actors Dataset",
    source="https://github.com/CheyneyComputerScience/CREMA-D",
    licence="ODbL-1.0",
    citation="Cao et al., CREMA-D, IEEE Transactions on Affective Computing 5(4), 2014, doi:10.1109/TAFFC.2014.2336244",
    targets={"emotion": EMOTIONS},
    families={"emotion": "emotion"},
    metric="uar",
    num_clips=7_438,
    hours=5.3,
    num_speakers=91,
    speakers="disjoint",
    language=("en",),
    num_by_split={"train": 5_144, "dev": 738, "test": 1_556},
    num_by_label={"emotion": {"NEU": 1_086, "HAP": 1_271, "SAD": 1_270, "ANG": 1_271, "FEA": 1_270, "DIS": 1_270}},
    access="open",
    ask=(
        "Open, but in no archive: the repository keeps its audio in Git LFS, and GitHub's zip holds pointers only. Clone "
        "it with `git lfs install` and `git clone https://github.com/CheyneyComputerScience/CREMA-D`; its owners ask "
        "users to fill in the form linked from its README. Only `AudioWAV` (0.6 GB) and `VideoDemographics.csv` are read."
    ),
    layout=(
        "AudioWAV/1001_DFA_ANG_XX.wav    actor, sentence, emotion, level; 7,442 files\n"
        "VideoDemographics.csv           the actors' sex and age; may be missing"
    ),
    signs=("AudioWAV/1[0-9][0-9][0-9]_[A-Z][A-Z][A-Z]_[A-Z][A-Z][A-Z]_[A-Z][A-Z].*",),
    notes=(
        "Split by actor as TensorFlow Datasets 1.0.0 has it; other suites split CREMA-D otherwise.",
        "Four of the 7,442 files are left out as there: 1040_ITH_SAD_XX, 1006_TIE_NEU_XX, 1013_WSI_DIS_XX and "
        "1017_IWW_FEA_XX; the last three are byte for byte the same actor's take in another emotion.",
        "1076_MTI_SAD_XX has no sound (the owners' issue 8), and is kept as there.",
        "Acted emotion; every actor says the same twelve sentences.",
    ),
)

_NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{2})")
_NEVER_MADE = {"1008": "WSI", "1009": "MTI", "1019": "ITH"}  # all six emotions of a sentence
_NEVER_MADE_EITHER = frozenset({"1002_TIE_NEU_XX", "1076_ITS_NEU_XX"})
_SPLITS = split_speakers(ACTORS, {"train": 0.7, "dev": 0.1, "test": 0.2})


def clips(root: Path) -> Iterator[Clip]:
    """Every take but the four left out, sorted by name.

    Raises:
        DataError: No take stands in `AudioWAV` or in the root itself, or a name has an unknown part.
    """
    demographics = dict(_demographics(root / "VideoDemographics.csv"))
    empty = True
    for name, path in audio_by_stem(_folder(root)).items():
        match = _NAME.fullmatch(name)
        if match and name not in LEFT_OUT:
            empty = False
            yield _clip(path, *match.groups(), demographics=demographics)
    if empty:
        raise DataError(
            f"no clip of crema_d in {root}: it needs AudioWAV/1001_DFA_ANG_XX.wav and so on; "
            "give --root crema_d=DIR, the folder that holds AudioWAV"
        )


def expected(root: Path) -> Iterator[str]:
    """The 7,438 takes, sorted by name."""
    inside = "" if _folder(root) == root else "AudioWAV/"
    for name in sorted(_names()):
        yield inside + name


def _folder(root: Path) -> Path:
    folder = root / "AudioWAV"
    return folder if folder.is_dir() else root


def _clip(
    path: Path, actor: str, sentence: str, emotion: str, level: str, *, demographics: Mapping[str, Mapping[str, str]]
) -> Clip:
    for part, known in ((actor, ACTORS), (sentence, SENTENCES), (emotion, EMOTIONS), (level, LEVELS)):
        if part not in known:
            raise DataError(f"{path} has {part!r}, which is none of {', '.join(known)}: take it out, or mend its name")
    return Clip(
        path=path,
        labels={"emotion": emotion},
        speaker=actor,
        split=_SPLITS[actor],
        sentence=SENTENCES[sentence],
        facts={"level": LEVELS[level], **demographics.get(actor, {})},
    )


def _names() -> Iterator[str]:
    moods = [("NEU", "XX"), *product(EMOTIONS[1:], ("LO", "MD", "HI"))]
    takes = [f"IEO_{emotion}_{level}" for emotion, level in moods]
    takes += [f"{sentence}_{emotion}_XX" for sentence, emotion in product(list(SENTENCES)[1:], EMOTIONS)]
    for actor, take in product(ACTORS, takes):
        name = f"{actor}_{take}"
        if not take.startswith(_NEVER_MADE.get(actor, "none")) and name not in _NEVER_MADE_EITHER | LEFT_OUT:
            yield name


def _demographics(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Sex and age by actor, as the owner's table has them."""
    for number, (actor, age, sex) in rows(table, "ActorID", "Age", "Sex") if table.is_file() else ():
        if actor not in ACTORS or not age.isdigit() or sex not in ("Male", "Female"):
            raise wrong_line(table, number, f"{actor!r}, {age!r}, {sex!r} is no actor, age and sex: get the table anew")
        yield actor, {"gender": sex[0].lower(), "age": age}
