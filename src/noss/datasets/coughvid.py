"""COUGHVID: coughs recorded by people themselves in the pandemic. Targets `status` and `cough_type`.

Layout: the owners' archive of version 3, `coughvid_20211012/metadata_compiled.csv` and, for every row of it, a recording
`coughvid_20211012/00014dcc-0f06-4c27-8c7b-737b18a2cf4c.webm` (or .ogg, or .wav).

`status` is what people said of themselves (healthy, symptomatic, COVID-19). It is a label only where the owners' own
detector hears a cough with a probability above 0.8, the threshold that their paper recommends: below it most recordings
hold no cough. `cough_type` is what physicians heard (dry, wet), where all who gave a type agree; what each of the four
diagnosed is a fact where they agree. The table tells a recording's id and no person's: nobody knows whose voices are on
both sides of a fold.

Sources: Orlandic, Teijeiro & Atienza, "The COUGHVID crowdsourcing dataset", Scientific Data 8, 156, 2021;
https://zenodo.org/records/7024894 (version 3: archive, checksum, licence); the table itself (34,434 rows). No recording is
longer than ten seconds, and nobody publishes their sum: the hours below are the most that there can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Download
from noss.datasets._files import Finder
from noss.datasets._lists import rows, wrong_line
from noss.errors import DataError

STATUSES = ("healthy", "symptomatic", "COVID-19")
COUGH_TYPES = ("dry", "wet")
THRESHOLD = 0.8
_TABLE, _FOLDER = "metadata_compiled.csv", "coughvid_20211012"
_FACTS = ("age", "gender", "respiratory_condition", "fever_muscle_pain")
_EXPERTS = (1, 2, 3, 4)
_COLUMNS = (
    "uuid", "cough_detected", "status", *_FACTS,
    *(f"cough_type_{expert}" for expert in _EXPERTS), *(f"diagnosis_{expert}" for expert in _EXPERTS),
)  # fmt: skip

DATASET = Dataset(
    title="COUGHVID crowdsourcing dataset, version 3",
    source="https://doi.org/10.5281/zenodo.7024894",
    licence="CC-BY-4.0",
    citation="Orlandic, Teijeiro & Atienza, The COUGHVID crowdsourcing dataset, Scientific Data 8, 156, 2021",
    targets={"status": STATUSES, "cough_type": COUGH_TYPES},
    families={"status": "health", "cough_type": "health"},
    metric="uar",
    num_clips=34_434,
    hours=95.65,
    speakers="unknown",
    access="open",
    layout=(
        "coughvid_20211012/metadata_compiled.csv                        34,434 rows\n"
        "coughvid_20211012/00014dcc-0f06-4c27-8c7b-737b18a2cf4c.webm    the recording of a row; .webm, .ogg or .wav"
    ),
    signs=(f"{_FOLDER}/{_TABLE}",),
    downloads=(
        Download(
            url="https://zenodo.org/records/7024894/files/public_dataset_v3.zip",
            checksum="md5:7c6cdf184748a2600538c331ba0ba718",
            size=2_297_542_075,
        ),
    ),
    notes=(
        "Nobody knows who coughs: a person may be on both sides of a fold.",
        f"`status` is what people said of themselves, without a test, where a cough is heard with p > {THRESHOLD}.",
        "20,664 recordings state a status (15,476 healthy, 3,873 symptomatic, 1,315 COVID-19), before that threshold.",
        "The hours are an upper bound: no recording is longer than ten seconds.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every recording, in the order of the table; one without a label is listed without one.

    Raises:
        DataError: There is no table, a row of it makes no sense, or no recording of it is there.
    """
    base, finder = _base(root), Finder()
    table = base / _TABLE
    for line, cells in rows(table, *_COLUMNS):
        row = dict(zip(_COLUMNS, cells, strict=True))
        path = finder.find(f"{base}/{row['uuid']}.webm")
        yield Clip(path=Path(path), labels=_labels(row, table, line), facts=_facts(row))
    if not finder.num_found:
        raise _no_clip(root)


def expected(root: Path) -> Iterator[str]:
    """The recording of every row of the table."""
    base = _base(root)
    inside = "" if base == root else f"{_FOLDER}/"
    for _, (uuid,) in rows(base / _TABLE, "uuid"):
        yield inside + uuid


def _base(root: Path) -> Path:
    for base in (root, root / _FOLDER):
        if (base / _TABLE).is_file():
            return base
    raise _no_clip(root)


def _labels(row: Mapping[str, str], table: Path, line: int) -> dict[str, str | float]:
    labels: dict[str, str | float] = {}
    if row["status"] and _probability(row["cough_detected"], table, line) > THRESHOLD:
        labels["status"] = row["status"]
    cough_type = _agreed(row, "cough_type")
    if cough_type:
        labels["cough_type"] = cough_type
    for label, known in ((row["status"], STATUSES), (cough_type, COUGH_TYPES)):
        if label and label not in known:
            raise wrong_line(table, line, f"{label!r} is none of {', '.join(known)}: use version 3 of the corpus")
    return labels


def _probability(text: str, table: Path, line: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise wrong_line(table, line, f"cough_detected {text!r} is no number: use version 3 of the corpus") from None


def _agreed(row: Mapping[str, str], column: str) -> str | None:
    """What all experts who told it agree on."""
    told = {row[f"{column}_{expert}"] for expert in _EXPERTS} - {"", "unknown"}
    return told.pop() if len(told) == 1 else None


def _facts(row: Mapping[str, str]) -> dict[str, str]:
    facts = {name: row[name] for name in _FACTS if row[name]}
    diagnosis = _agreed(row, "diagnosis")
    return facts | ({"diagnosis": diagnosis} if diagnosis else {})


def _no_clip(root: Path) -> DataError:
    return DataError(
        f"no clip of coughvid in {root}: it needs {_FOLDER}/{_TABLE} and the recordings beside it; "
        f"give --root coughvid=DIR, the folder that holds {_FOLDER}"
    )
