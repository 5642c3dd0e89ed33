"""VocalSound: 3,365 people laugh, sigh, cough, clear their throats, sneeze and sniff. Target `sound`.

Layout: the owners' archive, `audio_16k/f0003_0_cough.wav` (or `audio_44k`), the parts being speaker (with f or m in
front), take and sound; `datafiles/tr.json`, `val.json` and `te.json` list the clips of the published split, in which no
speaker is on two sides; `meta/tr_meta.csv` and so on, without a header, tell each speaker's gender, age, country, native
language and health (`no` is no problem).

Sources: Gong, Yu & Glass, "VocalSound: a dataset for improving human vocal sounds recognition", ICASSP 2022 (arXiv
2205.03433); https://github.com/YuanGongND/vocalsound (layout, counts, licence, addresses). The parts hold 2,595, 310 and
599 takes of the six sounds; hours from the mean length of 4.18 s.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import Finder, stem
from noss.datasets._lists import lines, wrong_line
from noss.errors import DataError

SOUNDS = ("laughter", "sigh", "cough", "throatclearing", "sneeze", "sniff")
_PARTS: Mapping[str, Split] = {"tr": "train", "val": "dev", "te": "test"}
_FACTS = ("gender", "age", "country", "language", "health")
_NAME = re.compile(rf"([fm]\d+)_\d+_({'|'.join(SOUNDS)})")

DATASET = Dataset(
    title="VocalSound",
    source="https://github.com/YuanGongND/vocalsound",
    licence="CC-BY-SA-4.0",
    citation="Gong, Yu & Glass, VocalSound, ICASSP 2022, doi:10.1109/ICASSP43922.2022.9746828",
    targets={"sound": SOUNDS},
    families={"sound": "sounds"},
    metric="accuracy",
    num_clips=21_024,
    hours=24.4,
    num_speakers=3_365,
    speakers="disjoint",
    num_by_split={"train": 15_570, "dev": 1_860, "test": 3_594},
    num_by_label={"sound": dict.fromkeys(SOUNDS, 3_504)},
    access="open",
    layout=(
        "audio_16k/f0003_0_cough.wav                  speaker, take, sound; 21,024 files (or audio_44k)\n"
        "datafiles/tr.json, val.json, te.json         the clips of train, dev and test\n"
        "meta/tr_meta.csv, val_meta.csv, te_meta.csv  speaker, gender, age, country, native language, health"
    ),
    signs=("datafiles/tr.json", "meta/tr_meta.csv", "audio_*"),
    downloads=(Download(url="https://www.dropbox.com/s/c5ace70qh1vbyzb/vs_release_16k.zip?dl=1"),),
    notes=(
        "The published split; a speaker makes all six sounds, a few speakers more than once.",
        "Crowd workers recorded themselves. Age, gender, country, native language and health are facts of each clip.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of the three lists, in their order.

    Raises:
        DataError: A list is missing or has an entry that makes no sense, or no clip of them is there.
    """
    finder, facts = Finder(), _facts(root)
    for name, split in _listed(root):
        path, (speaker, sound) = finder.find(f"{root}/{name}.wav"), _parts(name)
        yield Clip(
            path=Path(path), labels={"sound": sound}, speaker=speaker, split=split,
            facts=facts.get(speaker) or {"gender": _gender(speaker)},
        )  # fmt: skip
    if not finder.num_found:
        raise _no_clip(root)


def expected(root: Path) -> Iterator[str]:
    """The audio of every entry of the lists."""
    for name, _ in _listed(root):
        yield name


def _listed(root: Path) -> Iterator[tuple[str, Split]]:
    """Path from the root without suffix, and split, of every clip."""
    folder = "audio_16k" if (root / "audio_16k").is_dir() else "audio_44k"
    for part, split in _PARTS.items():
        path = root / "datafiles" / f"{part}.json"
        if not path.is_file():
            raise _no_clip(root)
        for place, name in enumerate(_names(path)):
            if not _NAME.fullmatch(name):
                raise DataError(f"{path} entry {place}: {name!r} is no clip's name: unpack the archive again")
            yield f"{folder}/{name}", split


def _names(path: Path) -> list[str]:
    # The owners' own preparation rewrites the folder of every path, so only the names count.
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))["data"]
        return [stem(entry["wav"].replace("\\", "/").rpartition("/")[2]) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not a list of clips ({error!r}): unpack the archive again") from error


def _parts(name: str) -> tuple[str, str]:
    speaker, _, sound = name.rpartition("/")[2].split("_")
    return speaker, sound


def _facts(root: Path) -> dict[str, dict[str, str]]:
    """What the lists tell about each speaker; nothing where they are missing."""
    facts = {}
    for part in _PARTS:
        path = root / "meta" / f"{part}_meta.csv"
        for number, line in lines(path) if path.is_file() else ():
            speaker, *cells = next(csv.reader([line]))
            if len(cells) != len(_FACTS):
                raise wrong_line(path, number, f"{len(cells) + 1} cells where 6 are needed: unpack the archive again")
            told = {fact: cell.strip() for fact, cell in zip(_FACTS, cells, strict=True) if cell.strip()}
            facts[speaker] = told | {"gender": _gender(speaker)}
    return facts


def _gender(speaker: str) -> str:
    return speaker[:1]


def _no_clip(root: Path) -> DataError:
    return DataError(
        f"no clip of vocalsound in {root}: it needs datafiles/tr.json, val.json and te.json, audio_16k/f0003_0_cough.wav "
        "and so on; give --root vocalsound=DIR, the folder that holds audio_16k, datafiles and meta"
    )
