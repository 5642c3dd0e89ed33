"""MSP-Podcast: spontaneous English. Targets `arousal`, `valence`, `dominance` and `emotion`.

Counts are those of release 1.11, as https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html gives them.
Other releases from 1.6 on are read too: their tables have the same columns, though not the same clips, and up to 1.8 the
table is called `labels_concensus.csv` and Development is called Validation.

Layout: `Audios/MSP-PODCAST_0001_0008.wav` and `Labels/labels_consensus.csv`, with the columns FileName, EmoClass, EmoAct,
EmoVal, EmoDom (means of the raters' 1 to 7), SpkrID, Gender and Split_Set.

Train, Development and Test1 are train, dev and test. Test2 was drawn at random and has no part in this split, for some
of its speakers are in Test1 too; the labels of Test3 are with the corpus's owner, and its clips are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Split
from noss.datasets._files import Finder
from noss.datasets._lists import rows, wrong_line
from noss.errors import DataError

EMOTIONS: Mapping[str, str | None] = {
    "A": "angry", "C": "contempt", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad",
    "U": "surprise", "O": None, "X": None,
}  # fmt: skip
DIMENSIONS = ("arousal", "valence", "dominance")
SPLITS: Mapping[str, Split | None] = {
    "Train": "train", "Development": "dev", "Validation": "dev", "Test1": "test", "Test2": None,
}  # fmt: skip

DATASET = Dataset(
    title="MSP-Podcast",
    source="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
    licence="MSP-Podcast agreement with the University of Texas at Dallas",
    citation="Lotfian & Busso, IEEE Transactions on Affective Computing 10(4), 471-483, 2019",
    targets={**dict.fromkeys(DIMENSIONS), "emotion": tuple(name for name in EMOTIONS.values() if name)},
    metric="ccc",
    metrics={"emotion": "uar"},
    num_clips=149_307,
    hours=237.93,
    speakers="unknown",
    language=("en",),
    notes=(
        "Release 1.11: Train, Development and Test1 of the published split; Test2 takes no part, Test3 has no labels.",
        "Who speaks is not known for some clips of train; speakers that are known are on one side only.",
        "`emotion` leaves out clips that most raters called other, or on which they do not agree.",
        "The hours include those of Test3.",
    ),
    families=dict.fromkeys((*DIMENSIONS, "emotion"), "emotion"),
    num_by_split={"train": 84_030, "dev": 19_815, "test": 30_647},
    access="gated",
    ask=(
        "Ask on the [corpus's page](https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html); somebody who "
        "may sign for your institution signs the agreement. Download `Audios` and `Labels` of the release."
    ),
    layout="Audios/MSP-PODCAST_0001_0008.wav\n...\nLabels/labels_consensus.csv",
    signs=("Audios", "Labels/labels_con?ensus.csv"),
)

_TABLES = tuple(f"{folder}labels_{word}.csv" for folder in ("Labels/", "") for word in ("consensus", "concensus"))
_COLUMNS = ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
_WITHOUT_LABELS = "Test3"
_NUMBER = re.compile(r"\d(\.\d*)?")
_UNKNOWN = frozenset({"", "unknown", "nan"})


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of the table that has labels, in its order.

    Raises:
        DataError: There is no table, no clip of it is there, or a line of it is wrong.
    """
    table = next((root / name for name in _TABLES if (root / name).is_file()), None)
    finder = Finder()
    listed = list(_clips(root, table, finder)) if table else []
    if not finder.num_found:
        raise DataError(
            f"no clip of msp_podcast in {root}: it needs Labels/labels_consensus.csv, and "
            "Audios/MSP-PODCAST_0001_0008.wav and so on; "
            "give --root msp_podcast=DIR, the folder that holds Labels and Audios"
        )
    yield from listed


def _clips(root: Path, table: Path, finder: Finder) -> Iterator[Clip]:
    for line, (name, code, arousal, valence, dominance, speaker, gender, part) in rows(table, *_COLUMNS):
        if part == _WITHOUT_LABELS:
            continue
        if part not in SPLITS:
            raise wrong_line(table, line, f"Split_Set {part!r} is none of {', '.join(SPLITS)}, Test3: use release 1.11")
        if code not in EMOTIONS:
            raise wrong_line(table, line, f"EmoClass {code!r} is none of {', '.join(EMOTIONS)}: unpack the table again")
        try:
            labels = _labels(code, (arousal, valence, dominance))
        except ValueError as error:
            raise wrong_line(table, line, f"{error}: unpack the table again") from None
        facts = {} if gender.lower() in _UNKNOWN else {"gender": gender[0].lower()}
        yield Clip(
            path=Path(finder.find(f"{root}/Audios/{name}")),
            labels=labels,
            speaker=None if speaker.lower() in _UNKNOWN else speaker,
            split=SPLITS[part],
            facts={"part": part, **facts},
        )


def _labels(code: str, numbers: tuple[str, ...]) -> dict[str, str | float]:
    values = [float(number) for number in numbers if _NUMBER.fullmatch(number)]
    if len(values) != len(DIMENSIONS):
        raise ValueError(f"{numbers} is not three numbers")
    emotion = EMOTIONS[code]
    return {**dict(zip(DIMENSIONS, values, strict=True)), **({"emotion": emotion} if emotion else {})}
