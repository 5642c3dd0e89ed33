"""The README's Python runs as it stands there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from miniatures import sound

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def sounds(folder: Path) -> None:
    for name in ("a.wav", "b.flac"):
        soundfile.write(folder / name, 0.1 * np.random.default_rng(0).standard_normal(24_000), 22_050)


def test_the_first_example_embeds_two_files_and_prints_two_scores(tmp_path: Path) -> None:
    sounds(tmp_path)
    (tmp_path / "example.py").write_text(f"{BLOCKS[0]}\nprint(vectors.shape, vectors.dtype)\n", encoding="utf-8")
    ran = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, check=True, capture_output=True, text=True)
    *scores, last = ran.stdout.splitlines()
    assert last == "(2, 2048) float32"
    assert [line.split()[0] for line in scores] == ["trivial", "logmel_stats"]


def test_the_models_example_keeps_the_contract(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BLOCKS[1], encoding="utf-8")
    command = [sys.executable, "-m", "noss", "check", "model", "./mine.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "verb", re.findall(r"^noss (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
)
def test_every_verb_of_the_readme_exists(verb: str) -> None:
    assert (ROOT / "src" / "noss" / "pipeline" / f"{verb}.py").is_file()


def test_the_made_pages_are_what_the_shelves_say() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "import json, make_pages; print(json.dumps(make_pages.pages()))"],
        cwd=ROOT / "docs", check=True, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    pages = json.loads(made.stdout)
    there = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in pages}
    assert there == pages, "run `python docs/make_pages.py`"
    assert {f"corpora/{path.name}" for path in (ROOT / "docs" / "corpora").glob("*.md")} <= set(pages)


def test_the_example_of_a_dataset_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "adding_a_dataset.md").read_text(encoding="utf-8")
    (tmp_path / "vowels.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    sound(tmp_path, *(f"VOWELS/{speaker}_{vowel}_1.wav" for speaker in "abcdef" for vowel in "aiu"))
    command = [sys.executable, "-m", "noss", "check", "dataset", "./vowels.py", "--root", "vowels=."]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
