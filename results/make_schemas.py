"""Write the JSON Schemas of results files from the records they are schemas of: python results/make_schemas.py."""

from __future__ import annotations

import json
from pathlib import Path

from noss.pipeline._published import published_schema
from noss.pipeline._results import score_schema
from noss.pipeline._results_training import training_schema

HERE = Path(__file__).parent


def schemas() -> dict[str, str]:
    """Each schema as text, by its path below this folder."""
    found = {
        "schema.json": score_schema(),
        "published/schema.json": published_schema(),
        "training/schema.json": training_schema(),
    }
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in found.items()}


if __name__ == "__main__":
    for name, text in schemas().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="\n")
