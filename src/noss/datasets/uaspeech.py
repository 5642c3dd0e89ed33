"""UA-Speech: people with and without cerebral palsy say words. Targets `intelligibility`, `percent`.

Fifteen people with cerebral palsy and 13 without say 765 words each.

Layout: the owners' archives unpacked into one folder, `audio/noisereduce/F02/F02_B1_C10_M5.wav`, the parts being speaker
(with C in front for controls), block, word and microphone. `audio/original` and `audio/normalized` hold the same
recordings, and older releases have the speakers in `audio` and `audio/control`; the first of these that is there is read.

Eight microphones stood in a row; a word on seven channels (M2 to M8) is still one utterance. Only M5 is read, the
channel that studies of intelligibility use (PathBench, Halpern et al. 2026, arXiv 2603.08097, after P-ESTOI).

`percent` is how many of a speaker's words five listeners wrote down rightly, on average; `intelligibility` has the
owners' four groups of it (up to 25, 50, 75 and 100 %), and the controls, to whom nobody listened. Folds are made by
speaker. The blocks B1, B2 and B3 (train on B1 and B3, test on B2) hold every speaker on both sides: they are for speech
recognition, and are only a fact here.

Sources: Kim et al., "Dysarthric speech database for universal access research", Interspeech 2008 (words, listeners,
groups); percentages as in PathBench's `spk2score` for UA-Speech, and that of M16 as in the corpus's own table. Hours: a
seventh of the 102.7 of seven channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from noss.datasets import Clip, Dataset
from noss.datasets._files import audio_by_stem, folders
from noss.errors import DataError

MICROPHONE = "M5"
PERCENT: Mapping[str, float] = {
    "F02": 29.0, "F03": 6.0, "F04": 62.0, "F05": 95.0, "M01": 15.0, "M04": 2.0, "M05": 58.0, "M07": 28.0,
    "M08": 93.0, "M09": 86.0, "M10": 93.0, "M11": 62.0, "M12": 7.4, "M14": 90.4, "M16": 43.0,
}  # fmt: skip
CONTROLS = (
    "CF02", "CF03", "CF04", "CF05", "CM01", "CM04", "CM05", "CM06", "CM08", "CM09", "CM10", "CM12", "CM13",
)  # fmt: skip
CLASSES = ("very_low", "low", "mid", "high", "control")
_MOST_PERCENT = {"very_low": 25.0, "low": 50.0, "mid": 75.0, "high": 100.0}
_VERSIONS = ("audio/noisereduce", "audio/original", "audio/normalized", "audio")
_NAME = re.compile(rf"(C?[FM]\d\d)_(B[123])_((?:CW|UW|C|D|L)\w+)_{MICROPHONE}")
_KINDS = {"D": "digit", "L": "letter", "C": "command", "CW": "common word", "UW": "uncommon word"}

DATASET = Dataset(
    title="UA-Speech: dysarthric speech for universal access",
    source="https://speechtechnology.web.illinois.edu/uaspeech/",
    licence="UA-Speech licence agreement (research only)",
    citation="Kim et al., Dysarthric speech database for universal access research, Interspeech 2008",
    targets={"intelligibility": CLASSES, "percent": None},
    families={"intelligibility": "health", "percent": "health"},
    metric="uar",
    metrics={"percent": "spearman"},
    num_clips=21_420,
    hours=14.7,
    num_speakers=28,
    speakers="disjoint",
    language=("en-US",),
    num_by_label={
        "intelligibility": {"very_low": 3_060, "low": 2_295, "mid": 2_295, "high": 3_825, "control": 9_945},
    },
    access="gated",
    ask=(
        "Follow https://speechtechnology.web.illinois.edu/uaspeech/: the owners send an address after a request by "
        "e-mail from a research institution. Download `UASpeech_noisereduce_FM.tgz` and `UASpeech_noisereduce_C.tgz` (the "
        "controls), and unpack both into one folder."
    ),
    layout=(
        "audio/noisereduce/F02/F02_B1_C10_M5.wav      speaker, block, word, microphone\n"
        "audio/noisereduce/CF02/CF02_B1_C10_M5.wav    a control\n"
        "audio/original, audio/normalized             read where audio/noisereduce is not there"
    ),
    signs=("audio/*/*/*_B[123]_*_M[2-8].*",),
    notes=(
        "Folds by speaker; a class has three to 13 of the 28 speakers, so intervals are wide.",
        "Labels are of speakers, not of words; controls have no percentage.",
        f"Microphone {MICROPHONE} only; blocks are for speech recognition and share all speakers: they are no split here.",
        "765 words a speaker by design; a few recordings are missing, of F03 and F04 among others.",
        "Speakers with and without dysarthria differ in noise too (Schu, Janbakhshi & Kodrasi 2023, arXiv 2211.08833).",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every word of one microphone, by speaker.

    Raises:
        DataError: No word of that microphone stands in folders of speakers below `audio`.
    """
    empty = True
    for folder in _speakers(root):
        for name, path in audio_by_stem(folder).items():
            match = _NAME.fullmatch(name)
            if match and match[1] == folder.name:
                empty = False
                yield _clip(path, *match.groups())
    if empty:
        raise DataError(
            f"no clip of uaspeech in {root}: it needs audio/noisereduce/F02/F02_B1_C10_{MICROPHONE}.wav and so on; "
            "give --root uaspeech=DIR, the folder that holds audio"
        )


def expected(root: Path) -> Iterator[str]:
    """The 765 words of each speaker by design, on one microphone."""
    here = {folder.name: folder.relative_to(root).as_posix() for folder in _speakers(root)}
    inside = next((version for version in _VERSIONS if (root / version).is_dir()), _VERSIONS[0])
    for speaker in sorted({*PERCENT, *CONTROLS}):
        for word in sorted(f"{block}_{word}" for block in ("B1", "B2", "B3") for word in _words()):
            yield f"{here.get(speaker, f'{inside}/{speaker}')}/{speaker}_{word}_{MICROPHONE}"


def group(percent: float) -> str:
    """The owners' group of a speaker by the percentage of words understood (0 to 100)."""
    return next(name for name, most in _MOST_PERCENT.items() if percent <= most)


def _words() -> Iterator[str]:
    yield from (f"C{number}" for number in range(1, 20))
    yield from (f"CW{number}" for number in range(1, 101))
    yield from (f"D{number}" for number in range(10))
    yield from (f"L{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    yield from (f"UW{number}" for number in range(1, 101))


def _speakers(root: Path) -> list[Path]:
    """Folders of speakers, sorted by name, in the first version that has any."""
    for version in _VERSIONS:
        places = [place for place in (root / version, root / version / "control") if place.is_dir()]
        found = chain.from_iterable(map(folders, places))
        speakers = [folder for folder in found if folder.name in PERCENT or folder.name in CONTROLS]
        if speakers:
            return sorted(speakers, key=lambda folder: folder.name)
    return []


def _clip(path: Path, speaker: str, block: str, word: str) -> Clip:
    percent = PERCENT.get(speaker)
    kind = word.rstrip("0123456789")
    kind = kind if kind in _KINDS else "L"
    labels: dict[str, str | float] = {"intelligibility": "control"}
    if percent is not None:
        labels = {"intelligibility": group(percent), "percent": percent}
    return Clip(
        path=path,
        labels=labels,
        speaker=speaker,
        sentence=f"{block}_{word}" if kind == "UW" else word,
        facts={"gender": speaker[-3].lower(), "block": block, "material": _KINDS[kind]},
    )
