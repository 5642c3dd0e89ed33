"""Forty rows of the table: every status, coughs heard and not heard, some with physicians' labels, side-car files."""

from __future__ import annotations

import csv
import uuid
from pathlib import Path

from miniatures import sound

FOLDER = "coughvid_20211012"
SELF = ("uuid", "datetime", "cough_detected", "latitude", "longitude", "age", "gender", "respiratory_condition",
        "fever_muscle_pain", "status", "status_SSL")  # fmt: skip
HEARD = ("quality", "cough_type", "dyspnea", "wheezing", "stridor", "choking", "congestion", "nothing", "diagnosis",
         "severity")  # fmt: skip
COLUMNS = ("", *SELF, *(f"{what}_{expert}" for expert in (1, 2, 3, 4) for what in HEARD))


def build(root: Path) -> str:
    rows = [_row(number) for number in range(40)]
    suffixes = (".webm", ".ogg", ".wav")
    sound(root, *(f"{FOLDER}/{row['uuid']}{suffixes[int(row['']) % 3]}" for row in rows))
    for row in rows:
        (root / FOLDER / f"{row['uuid']}.json").write_text("{}", encoding="utf-8")
    with (root / FOLDER / "metadata_compiled.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return "coughvid"


def _row(number: int) -> dict[str, str]:
    row = {"": str(number), "uuid": str(uuid.UUID(int=number * 7_919)), "datetime": "2020-04-13T21:30:59.801831+00:00"}
    row["cough_detected"] = ("0.9609", "0.9301", "0.7811", "0.0155")[number % 4]
    row["status"] = ("healthy", "healthy", "symptomatic", "COVID-19", "")[number % 5]
    if row["status"]:
        row |= {"age": "31.0", "gender": ("male", "female", "other")[number % 3], "fever_muscle_pain": "False"}
    if number % 6 == 0:
        row |= {"quality_1": "good", "cough_type_1": "dry" if number % 4 else "wet", "diagnosis_1": "upper_infection"}
    return row
