"""speechocean762: 250 Mandarin speakers, half of them children, read 20 English sentences each.

Targets `speaker`, `gender` and `age_group` (child: under 18; nobody in the corpus is 16 to 18). Layout: the official
one, `WAVE/SPEAKER0001/000010011.WAV`, with the lists `spk2age` and `spk2gender` in `train` and `test`; where these are
missing, `clips.csv` beside `WAVE` (columns file, gender, age) stands in for them. The root may hold the archive's own
folder, `speechocean762`, instead.

`speaker` trains on the first 12 utterances of each speaker, selects on the next 3 and tests on the last 5, in the order
of their ids. The corpus's own split (train and test, for pronunciation scoring) is not used.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import audio_by_stem, folders
from noss.errors import DataError

_SPEAKERS = """
0001 0003 0005 0006 0024 0026 0036 0044 0048 0049 0053 0054 0056 0070 0075 0092 0093 0094 0096 0103 0104 0111 0112 0113
0114 0120 0122 0131 0133 0135 0145 0149 0157 0306 0457 0461 0482 0560 0563 0567 0575 0594 0736 0739 0765 0811 0813 0960
0981 1012 1027 1029 1030 1033 1037 1039 1042 1044 1046 1050 1061 1064 1075 1076 1092 1099 1109 1135 1156 1181 1186 1197
1203 1228 1260 1292 1293 1309 1334 1336 1362 1372 1404 1407 1408 1418 1419 1420 1422 1435 1439 1447 1465 1469 1501 1502
1503 2002 2007 2014 2016 2022 2027 2030 2031 2034 2036 2059 2061 2089 2112 2116 2129 2168 2170 2179 2208 2236 2242 2244
2251 2252 2282 2327 2355 2380 2402 2427 2430 2438 2441 2448 2450 2451 2488 2538 2621 2740 2799 2892 2897 2917 2937 2981
3002 3007 3012 3014 3020 3021 3023 3027 3046 3049 3060 3068 3075 3083 3088 3208 3214 3412 3423 3631 3636 3837 4005 5015
5017 5029 5039 5072 5195 5218 5220 5401 5406 5408 5414 5418 5424 5428 5432 5547 5551 6010 6048 6067 6099 6121 6401 6504
6902 6912 7001 7551 8002 8057 8063 8068 8153 8581 8584 8585 9034 9070 9088 9101 9107 9118 9553 9555 9556 9558 9600 9601
9604 9606 9607 9608 9609 9610 9611 9612 9613 9614 9615 9616 9617 9618 9619 9622 9623 9624 9625 9626 9628 9629 9630 9631
9633 9634 9635 9639 9640 9643 9645 9646 9647 9649
"""
SPEAKERS = tuple(_SPEAKERS.split())
ADULT_AGE = 18
_NUM_TRAIN, _NUM_DEV = 12, 3
_UNPACKED = "speechocean762"

DATASET = Dataset(
    title="speechocean762: second-language English by children and adults",
    source="https://www.openslr.org/101/",
    licence="Apache-2.0",
    citation="Zhang et al., speechocean762, Interspeech 2021",
    targets={"speaker": SPEAKERS, "gender": ("f", "m"), "age_group": ("child", "adult")},
    metric="uar",
    num_clips=5_000,
    hours=5.57,
    num_speakers=250,
    speakers="disjoint",
    shared_targets=("speaker",),
    language=("en",),
    notes=(
        "`speaker` trains on 12 utterances a speaker, selects on 3 and tests on 5; the others use folds by speaker.",
        "A child is under 18: the oldest child is 15, the youngest adult 19.",
    ),
    families=dict.fromkeys(("speaker", "gender", "age_group"), "speaker"),
    num_by_split={"train": 3_000, "dev": 750, "test": 1_250},
    num_by_label={"speaker": dict.fromkeys(SPEAKERS, 20)},
    layout=(
        "WAVE/SPEAKER0001/000010011.WAV    250 folders of 20 files\n"
        "train/spk2age                     and train/spk2gender: two columns, speaker and value\n"
        "test/spk2age                      and test/spk2gender"
    ),
    signs=("WAVE/SPEAKER[0-9][0-9][0-9][0-9]",),
    downloads=(Download(url="https://www.openslr.org/resources/101/speechocean762.tar.gz"),),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every utterance, by speaker.

    Raises:
        DataError: No utterance stands in `WAVE/SPEAKER0001` ... below the root, or a speaker's gender or age is missing.
    """
    home = root / _UNPACKED if (root / _UNPACKED).is_dir() else root
    wave, people = home / "WAVE", _people(home)
    empty = True
    for folder in folders(wave) if wave.is_dir() else ():
        speaker = folder.name.removeprefix("SPEAKER")
        for rank, (_, path) in enumerate(sorted(audio_by_stem(folder).items())):
            empty = False
            if speaker not in people:
                raise DataError(f"{root} tells no gender and age of speaker {speaker}: {_LISTS}")
            gender, age = people[speaker]
            yield Clip(
                path=path,
                labels={"speaker": speaker, "gender": gender, "age_group": "child" if age < ADULT_AGE else "adult"},
                speaker=speaker,
                split=_split(rank),
                facts={"gender": gender, "age": str(age)},
            )
    if empty:
        raise DataError(
            f"no clip of speechocean762 in {root}: it needs WAVE/SPEAKER0001/000010011.WAV and so on; "
            "give --root speechocean762=DIR, the folder that holds WAVE"
        )


_LISTS = "it needs train/spk2age, train/spk2gender, test/spk2age and test/spk2gender, or clips.csv beside WAVE"


def _split(rank: int) -> Split:
    return "train" if rank < _NUM_TRAIN else "dev" if rank < _NUM_TRAIN + _NUM_DEV else "test"


def _people(root: Path) -> dict[str, tuple[str, int]]:
    """Gender and age by speaker."""
    genders = dict(_pairs(root, "spk2gender", re.compile("[fm]")))
    ages = dict(_pairs(root, "spk2age", re.compile(r"\d+")))
    if genders and ages:
        return {speaker: (genders[speaker], int(ages[speaker])) for speaker in genders.keys() & ages.keys()}
    table = root / "clips.csv"
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = [(Path(row["file"]).parent.name, row["gender"], row["age"]) for row in csv.DictReader(file)]
    return {folder.removeprefix("SPEAKER"): (gender, int(age)) for folder, gender, age in rows}


def _pairs(root: Path, name: str, values: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for half in ("train", "test"):
        path = root / half / name
        if path.is_file():
            for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
                speaker, *rest = line.split() or [""]
                if len(rest) == 1 and values.fullmatch(rest[0]):
                    yield speaker, rest[0]
                elif speaker:
                    raise DataError(f"{path} line {number}: {line!r} is no speaker and value: download the list again")
