"""Coswara: breaths, coughs, vowels, counting, with or without COVID-19. Targets `covid` and `sound`.

Layout: a clone of the owners' repository after their `extract_data.py`, `combined_data.csv` (a row a person) and
`Extracted_data/20200413/iV3Db6t1T8b7c5HQY2TwxIhjbzD3/cough-heavy.wav`, the parts being the day of release, person and
sound; nine sounds a person. `annotations/cough-heavy_labels.csv` and so on, where they are there, rate how clean a
recording is (0 bad, 1 good, 2 excellent).

`covid` is what people said of themselves on that day: healthy, or positive whether mild, moderate or without symptoms.
Those who were exposed, had recovered, had another illness or were not validated carry no label for it; all eight answers
are the fact `status`. A person is told by an id; 63 people came back under another one, which nobody can undo.

Sources: Bhattacharya et al., "Coswara: a respiratory sounds and symptoms dataset for remote screening of SARS-CoV-2
infection", Scientific Data 10, 397, 2023 (hours); https://github.com/iiscleap/Coswara-Data (layout, licence, the table
with 2,746 rows).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset
from noss.datasets._files import Finder, folders
from noss.datasets._lists import rows, wrong_line
from noss.errors import DataError

SOUNDS = (
    "breathing-deep", "breathing-shallow", "cough-heavy", "cough-shallow", "counting-fast", "counting-normal",
    "vowel-a", "vowel-e", "vowel-o",
)  # fmt: skip
STATUSES: Mapping[str, str | None] = {
    "healthy": "healthy", "positive_mild": "positive", "positive_moderate": "positive", "positive_asymp": "positive",
    "no_resp_illness_exposed": None, "resp_illness_not_identified": None, "recovered_full": None,
    "under_validation": None,
}  # fmt: skip
_TABLE, _AUDIO = "combined_data.csv", "Extracted_data"
_FACTS = {"a": "age", "g": "gender", "l_c": "country", "covid_status": "status", "rU": "returning"}

DATASET = Dataset(
    title="Coswara",
    source="https://doi.org/10.1038/s41597-023-02266-0",
    licence="CC-BY-4.0",
    citation="Bhattacharya et al., Coswara, Scientific Data 10, 397, 2023",
    targets={"covid": ("healthy", "positive"), "sound": SOUNDS},
    families={"covid": "health", "sound": "sounds"},
    metric="uar",
    metrics={"covid": "auc"},
    num_clips=24_714,
    hours=65.0,
    num_speakers=2_746,
    speakers="disjoint",
    num_by_label={"covid": {"healthy": 12_897, "positive": 6_129}, "sound": dict.fromkeys(SOUNDS, 2_746)},
    access="open",
    ask=(
        "Open, but in pieces of archives: clone it with `git clone https://github.com/iiscleap/Coswara-Data` (17 GB, and "
        "as much again to unpack), and run `python extract_data.py .` in the clone."
    ),
    layout=(
        "combined_data.csv                                 2,746 rows: id, age, gender, country, covid_status ...\n"
        "Extracted_data/20200413/ID/cough-heavy.wav        day of release, person, sound; nine files a person\n"
        "annotations/cough-heavy_labels.csv                how clean each recording is (may be missing)"
    ),
    signs=("combined_data.csv", "Extracted_data/20[0-9][0-9]*"),
    notes=(
        "`covid` is what people said of themselves; few were tested.",
        "Folds by id; 63 of 2,746 people say that they came back, and have an id for each time.",
        "People with COVID-19 differ in age, sex and country from healthy ones, so a score is not of the disease alone.",
        "Nine sounds a person, all under one label: the fact `sound` breaks a score down. Some files are empty.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Nine sounds of every person, in the order of the table.

    Raises:
        DataError: There is no table, a row of it makes no sense, or no recording of it is there.
    """
    table = root / _TABLE
    if not table.is_file():
        raise _no_clip(root)
    finder, folder_of, quality = Finder(), _folders(root), _quality(root)
    for line, cells in rows(table, "id", *_FACTS):
        person, told = cells[0], dict(zip(_FACTS.values(), cells[1:], strict=True))
        if told["status"] not in STATUSES:
            known = f"none of {', '.join(STATUSES)}: take the table of the repository"
            raise wrong_line(table, line, f"covid_status {told['status']!r} is {known}")
        for sound in SOUNDS:
            path = finder.find(f"{folder_of.get(person, f'{root}/{_AUDIO}/{person}')}/{sound}.wav")
            yield _clip(Path(path), person, sound, told | {"quality": quality.get(f"{person}_{sound}", "")})
    if not finder.num_found:
        raise _no_clip(root)


def _clip(path: Path, person: str, sound: str, told: Mapping[str, str]) -> Clip:
    labels: dict[str, str | float] = {"sound": sound}
    covid = STATUSES[told["status"]]
    if covid is not None:
        labels["covid"] = covid
    facts = {name: value for name, value in told.items() if value} | {"sound": sound}
    return Clip(path=path, labels=labels, speaker=person, facts=facts)


def _folders(root: Path) -> dict[str, str]:
    """Where each person's recordings lie; the day in the path is of release, and in no column of the table."""
    days = folders(root / _AUDIO) if (root / _AUDIO).is_dir() else []
    return {folder.name: str(folder) for day in days for folder in folders(day)}


def _quality(root: Path) -> dict[str, str]:
    """How clean a recording is, by person and sound; nothing where nobody rated it."""
    lists = [root / "annotations" / f"{sound}_labels.csv" for sound in SOUNDS]
    return {name: rating for path in lists if path.is_file() for _, (name, rating) in rows(path, "FILENAME", "QUALITY")}


def _no_clip(root: Path) -> DataError:
    return DataError(
        f"no clip of coswara in {root}: it needs {_TABLE}, {_AUDIO}/20200413/ID/cough-heavy.wav and so on; give --root "
        f"coswara=DIR, the folder that holds {_AUDIO}"
    )
