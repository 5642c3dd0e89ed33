"""Twelve files of six speakers, in a table of files, two tables of emotions and a scheme that tells of speakers."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniatures import sound


def build(root: Path) -> str:
    audformat = pytest.importorskip("audformat")
    files = [f"audio/{row:02d}.wav" for row in range(12)]
    sound(root, *files)
    database = audformat.Database("calls", source="https://example.org/calls", languages=["de"], license="CC0-1.0")
    people = {f"s{person}": {"gender": "fm"[person % 2], "age": 20 + person} for person in range(6)}
    database.schemes["speaker"] = audformat.Scheme(labels=people)
    database.schemes["emotion"] = audformat.Scheme(labels=["sad", "happy"])
    database.schemes["arousal"] = audformat.Scheme("float")
    table = database["files"] = audformat.Table(audformat.filewise_index(files))
    table["speaker"] = audformat.Column(scheme_id="speaker")
    table["speaker"].set([f"s{row // 2}" for row in range(12)])
    for name, rows in (("train", range(8)), ("test", range(8, 12))):
        index = audformat.segmented_index([files[row] for row in rows], [0] * len(rows), [None] * len(rows))
        table = database[f"emotion.{name}"] = audformat.Table(index)
        table["emotion"] = audformat.Column(scheme_id="emotion")
        table["emotion"].set(["sad", "happy"] * (len(rows) // 2))
        table["arousal"] = audformat.Column(scheme_id="arousal")
        table["arousal"].set([row / 4 for row in rows])
    database.save(str(root), storage_format="csv")
    return f"audformat/{root}"
