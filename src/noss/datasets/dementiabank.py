"""DementiaBank (Pitt): people with dementia and without describe a picture. Target `diagnosis`.

The picture is the Cookie Theft. Layout: TalkBank's media folders, `dementia/English/Pitt/Control/cookie/002-0.mp3`, the
parts of a name being participant and visit; the root may also be a folder on the way down, such as `Pitt` or `Pitt-orig`
itself. Transcripts (`.cha`) may lie beside. Other tasks than the picture are left out: only people with dementia have them.

Labels and split are those of TensorFlow Datasets 1.0.0 (`tensorflow_datasets/audio/dementiabank.py`), counts those of its
catalogue. The split is drawn from the participants who are there, as it is there. Participants: 99 controls and 194 with
dementia (https://huggingface.co/datasets/cheulyop/dementiabank). Hours: 552 recordings of 70 s in the mean (Shor et al.,
Interspeech 2020, table 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset
from noss.datasets._files import audio_by_stem
from noss.datasets._tfds_split import split_speakers
from noss.errors import DataError

DIAGNOSES = ("dementia", "control")

DATASET = Dataset(
    title="DementiaBank English Pitt corpus: Cookie Theft picture",
    source="https://dementia.talkbank.org/access/English/Pitt.html",
    licence="CC-BY-NC-SA-3.0 and TalkBank's Ground Rules; members of DementiaBank only",
    citation="Becker et al., The natural history of Alzheimer's disease, Archives of Neurology 51(6), 585-594, 1994",
    targets={"diagnosis": DIAGNOSES},
    families={"diagnosis": "health"},
    metric="uar",
    num_clips=552,
    hours=10.7,
    num_speakers=293,
    speakers="disjoint",
    language=("en-US",),
    num_by_split={"train": 393, "dev": 57, "test": 102},
    num_by_label={"diagnosis": {"dementia": 309, "control": 243}},
    access="gated",
    ask=(
        "Ask for membership of DementiaBank as https://dementia.talkbank.org says; it is given to researchers with an "
        "academic address who agree to TalkBank's Ground Rules (https://talkbank.org/share/rules.html). Then download the "
        "MP3 files of `Control/cookie` and `Dementia/cookie` from https://media.talkbank.org/dementia/English/Pitt/. "
        "Papers must name the grants NIA AG03705 and AG05133."
    ),
    layout=(
        "dementia/English/Pitt/Control/cookie/002-0.mp3     participant 002, visit 0; 243 files\n"
        "dementia/English/Pitt/Dementia/cookie/001-0.mp3    309 files"
    ),
    signs=("dementia/English/Pitt/Control/cookie/*", "dementia/English/Pitt/Dementia/cookie/*"),
    notes=(
        "Split by participant as TensorFlow Datasets 1.0.0 draws it, from the participants who are there.",
        "TalkBank has the raw recordings in `Pitt-orig` and denoised ones in `Pitt`: say which of them a score is of.",
        "A recording holds the interviewer too.",
        "The dementia folder holds every diagnosis but control: mostly Alzheimer's disease, some mild impairment.",
        "The groups differ in age, so that a model may hear age instead.",
    ),
)

_ABOVE = ("dementia/English/Pitt", "English/Pitt", "Pitt", ".")
_NAME = re.compile(r"([^-]+)-([^-]+)")


def clips(root: Path) -> Iterator[Clip]:
    """Every description of the picture, dementia before control, sorted by name.

    Raises:
        DataError: None stands in `dementia/English/Pitt/Control/cookie` and `Dementia/cookie`, fewer than three
            participants do, or a name is not made of participant and visit.
    """
    found = [(diagnosis, path, *_parts(path, name)) for diagnosis, name, path in _found(root)]
    if not found:
        raise DataError(
            f"no clip of dementiabank in {root}: it needs dementia/English/Pitt/Control/cookie/002-0.mp3 and so on; "
            "give --root dementiabank=DIR, the folder that holds dementia"
        )
    splits = split_speakers((participant for *_, participant, _ in found), {"train": 0.7, "dev": 0.1, "test": 0.2})
    for diagnosis, path, participant, visit in found:
        yield Clip(
            path=path,
            labels={"diagnosis": diagnosis},
            speaker=participant,
            split=splits[participant],
            session=visit,
        )


def warnings(root: Path) -> list[str]:
    """A line where participants are missing: those who are there are then split otherwise than published."""
    here = len({_parts(path, name)[0] for _, name, path in _found(root)})
    if here == DATASET.num_speakers:
        return []
    return [
        f"{here} participants are here, not {DATASET.num_speakers}: the split drawn from them is not the published one"
    ]


def _found(root: Path) -> Iterator[tuple[str, str, Path]]:
    """Diagnosis, stem and path of every recording."""
    for diagnosis in DIAGNOSES:
        folder = _pitt(root) / diagnosis.capitalize() / "cookie"
        for name, path in audio_by_stem(folder).items() if folder.is_dir() else ():
            yield diagnosis, name, path


def _pitt(root: Path) -> Path:
    there = (
        root / above for above in _ABOVE if (root / above / "Control").is_dir() or (root / above / "Dementia").is_dir()
    )
    return next(there, root)


def _parts(path: Path, name: str) -> tuple[str, str]:
    match = _NAME.fullmatch(name)
    if not match:
        raise DataError(f"{path} is not named PARTICIPANT-VISIT, as 002-0.mp3 is: take it out, or mend its name")
    return match[1], match[2]
