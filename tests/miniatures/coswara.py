"""Two people of every status on two days of release, one of them without some sounds, and ratings of coughs."""

from __future__ import annotations

import csv
from pathlib import Path

from miniatures import sound
from noss.datasets.coswara import SOUNDS, STATUSES

COLUMNS = ("id", "a", "covid_status", "record_date", "ep", "g", "l_c", "l_l", "l_s", "rU", "asthma")


def build(root: Path) -> str:
    statuses = [*STATUSES, *STATUSES, "healthy", "positive_mild", "healthy", "positive_asymp"]
    people = [(f"{row:02d}vK2bLRNzllXNeyOMudn", status) for row, status in enumerate(statuses)]
    with (root / "combined_data.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for row, (person, status) in enumerate(people):
            told = {"a": 20 + row, "g": ("male", "female")[row % 2], "l_c": "India", "rU": "y" if row == 3 else ""}
            writer.writerow({"id": person, "covid_status": status, "record_date": "2020-04-23", **told})
    days = ("20200413", "20210406")
    sound(root, *(f"Extracted_data/{days[row % 2]}/{person}/{name}.wav"
                  for row, (person, _) in enumerate(people) for name in SOUNDS))  # fmt: skip
    (root / "annotations").mkdir()
    lines = [f"{person}_cough-heavy,{row % 3}\n" for row, (person, _) in enumerate(people)]
    (root / "annotations" / "cough-heavy_labels.csv").write_text("FILENAME, QUALITY\n" + "".join(lines))
    return "coswara"
