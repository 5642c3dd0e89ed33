"""The page about tables of one's own: its tables are read, and its commands run on a table of that form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from miniatures import sound
from noss.datasets import csv

PAGE = (Path(__file__).parents[2] / "docs" / "own_table.md").read_text(encoding="utf-8")
TABLES = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^noss (.*)$", PAGE.rpartition("## ")[2], re.MULTILINE)
CLASSES = ("1-typical", "2-mild", "3-moderate", "4-severe", "5-profound")


def table(folder: Path) -> Path:
    """Four speakers a class: two to train on, one to choose on, one to test on; three clips each."""
    splits = ("train", "train", "dev", "test")
    rows = [
        (f"p{4 * k + part:03d}", split, name) for k, name in enumerate(CLASSES) for part, split in enumerate(splits)
    ]
    clips = [(f"wav/{speaker}_{take}.wav", speaker, *told) for speaker, *told in rows for take in range(3)]
    sound(folder, *(file for file, *_ in clips))
    header = TABLES[1].splitlines()[0]
    lines = [",".join([*clip, "turn on the light"]) for clip in clips]
    (folder / "clips.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return folder / "clips.csv"


@pytest.mark.parametrize("text", TABLES)
def test_the_pages_tables_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "clips.csv").write_text(text, encoding="utf-8")
    files = [line.partition(",")[0] for line in text.splitlines()[1:]]
    sound(tmp_path, *files)
    clips = list(csv.clips(tmp_path / "clips.csv"))
    assert [clip.path.relative_to(tmp_path).as_posix() for clip in clips] == files
    assert all(clip.speaker and clip.split for clip in clips)


def test_the_five_classes_of_the_template_keep_their_order(tmp_path: Path) -> None:
    told = sorted({line.split(",")[3] for line in TABLES[1].splitlines()[1:]})
    assert tuple(told) == csv.describe(table(tmp_path)).targets["intelligibility"] == CLASSES


def test_the_pages_commands_on_intelligibility_run(tmp_path: Path) -> None:
    table(tmp_path)
    assert len(COMMANDS) == 2
    for command in COMMANDS:
        words = [sys.executable, "-m", "noss", *command.split()]
        ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list((tmp_path / "runs" / "intelligibility").iterdir())
