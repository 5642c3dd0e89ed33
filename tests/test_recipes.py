"""Every recipe is what it says: it loads, names what is there, and runs on small copies of its corpora.

A suite runs to records; a RECIPE, for `noss train` or `noss finetune`, takes two steps.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import pytest

import noss
from noss import shelf
from noss.pipeline._protocol import protocol_names
from noss.pipeline._request import load_recipe
from noss.pipeline._train_recipe import Recipe, read_recipe, watch_settings
from noss.pipeline.run import run
from noss.pipeline.train import train

FOLDER = Path(__file__).parent.parent / "recipes"
FILES = {path: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py"))}
RECIPES = [path for path, text in FILES.items() if "\nSUITE = " in text]
TRAINING = [path for path, text in FILES.items() if "\nRECIPE = " in text]
TABLES = {"languages", "arabic_commands", "minsk_als"}  # of recipes/open_here.py, beside corpora known by name
FOLDERS = {"speechocean762": "speechocean_test"}


@pytest.fixture(params=RECIPES, ids=lambda path: path.stem)
def recipe(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each recipe, with a folder of data that has what `open_here` asks for."""
    for name in [*TABLES, *FOLDERS.values()]:
        (tmp_path / "data" / name).mkdir(parents=True)
    monkeypatch.setenv("NOSS_DATA", str(tmp_path / "data"))
    return Path(request.param)


def suite_of(recipe: Path) -> dict[str, Any]:
    return load_recipe(recipe, run)


def corpora_of(suite: dict[str, Any]) -> set[str]:
    return {task.partition("/")[0] for task in suite["tasks"] if "=" not in task}


def table(folder: Path) -> None:
    """Three speakers a class, in train and in test."""
    from miniatures import sound

    rows = [
        (f"{split}/{label}-{number}.wav", split, f"{split}-{label}-{number}", label)
        for split in ("train", "test")
        for label in ("a", "b", "c")
        for number in range(3)
    ]
    sound(folder, *(row[0] for row in rows))
    lines = ["file,split,speaker,label", *(",".join(row) for row in rows)]
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def build_corpora(suite: dict[str, Any], data: Path) -> list[str]:
    """Small copies of a suite's corpora, and where they lie."""
    roots = []
    for name in sorted(corpora_of(suite) - {"demo"}):
        root = data / FOLDERS.get(name, name)
        root.mkdir(exist_ok=True)
        importlib.import_module(f"miniatures.{name}").build(root)
        roots.append(f"{name}={root}")
    for name in TABLES:
        table(data / name)
    return roots


def test_a_recipe_says_its_command(recipe: Path) -> None:
    docstring = recipe.read_text(encoding="utf-8").split('"""')[1]
    assert f"noss run recipes/{recipe.name}" in docstring
    assert "Expected" in docstring


def test_a_recipe_names_parts_that_are_on_the_shelf(recipe: Path) -> None:
    suite = suite_of(recipe)
    families = {name.partition("/")[0] for name in suite["models"]}
    assert families <= set(shelf.names("models"))
    assert set(suite.get("protocols", [])) <= set(protocol_names())
    assert corpora_of(suite) <= set(shelf.names("datasets"))


def test_a_recipe_names_targets_that_their_datasets_have(recipe: Path) -> None:
    for task in suite_of(recipe)["tasks"]:
        name, _, target = task.partition("/")
        assert "=" in name or target in shelf.load("datasets", name).DATASET.targets, task


def test_the_paralinguistic_suite_holds_every_open_target() -> None:
    found = set(suite_of(Path(__file__).parent.parent / "recipes" / "paralinguistic.py")["tasks"])
    cards = {
        name: part.DATASET
        for name in shelf.names("datasets")
        if name != "demo" and hasattr(part := shelf.load("datasets", name), "DATASET")
    }
    assert found == {
        f"{name}/{target}" for name, card in cards.items() for target in card.targets if card.access == "open"
    }
    assert {"crema_d/emotion", "vocalsound/sound", "speech_commands/word12", "speech_commands/word35"} <= found
    assert not any(task.startswith("savee") for task in found)


@pytest.mark.slow
def test_a_recipe_runs_to_records_on_small_corpora(recipe: Path, tmp_path: Path) -> None:
    suite = suite_of(recipe)
    models, quick = ["trivial", "logmel_stats"], ["nearest_centroid"]  # a probe that fits 1,251 speakers at once
    roots = build_corpora(suite, tmp_path / "data")
    given = {"models": models, "protocols": ["clean"], "probes": quick, "root": roots, "draws": 50}
    done = noss.run(recipe, out=tmp_path / "out", **given)
    wanted = {
        task.partition("=")[0] + f"/{task.rpartition('/')[2]}" if "=" in task else task for task in suite["tasks"]
    }
    assert {(score.model, score.task) for score in done.scores if score.main} == {
        (model, task) for model in models for task in wanted
    }
    assert all(math.isfinite(score.value) and score.low <= score.value <= score.high for score in done.scores)
    assert {score.protocol for score in done.scores} == {"clean"}
    assert {failure.stage for failure in done.failures} <= {"read"}, (
        "a miniature may lack a clip, and nothing else fails"
    )


@pytest.fixture(params=TRAINING, ids=lambda path: path.stem)
def training(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str]]:
    """Each recipe of training, and changes to it that name made speech with labels."""
    table(tmp_path)
    return Path(request.param), [f"data={[f'csv/{tmp_path}/clips.csv']!r}"]


def parts_of(recipe: Recipe) -> list[tuple[Any, str]]:
    """The shelf and the name of every part that a recipe of training names."""
    watched = watch_settings(recipe) if recipe.watch else {"baseline": None, "tasks": []}
    models = [recipe.student, recipe.teacher, watched["baseline"]]
    tasks = [("datasets", task.rpartition("=")[2]) for task in watched["tasks"]]
    return [("objectives", recipe.objective), *(("models", name) for name in models if name), *tasks]


def test_a_recipe_of_training_says_its_command_and_its_cost(training: tuple[Path, list[str]]) -> None:
    docstring = FILES[training[0]].split('"""')[1]
    commands = {f"noss {verb} recipes/{training[0].name}" for verb in ("train", "finetune")}
    assert any(command in docstring for command in commands)
    assert "Cost" in docstring and "Expected" in docstring


def test_a_recipe_of_training_names_parts_that_are_on_the_shelf(training: tuple[Path, list[str]]) -> None:
    for shelf_name, part in parts_of(read_recipe(*training)):
        assert part.partition("/")[0] in shelf.names(shelf_name), part


@pytest.mark.slow
def test_a_recipe_of_training_takes_two_steps(training: tuple[Path, list[str]], tmp_path: Path) -> None:
    path, changes = training
    recipe = read_recipe(path, changes)
    small = ["steps=2", "warmup=1", "validate_every=2", "batch_size=4", "validation=0.3", "watch=None"]
    labels = ["target=label"] if shelf.load("objectives", recipe.objective).NEEDS.labels else []
    teacher = ["teacher=mfcc_stats"] if recipe.teacher else []  # whose weights are no file
    done = train(path, out=tmp_path / "run", set=[*changes, *small, *labels, *teacher], device="cpu", workers=0)
    assert math.isfinite(done.held_out["loss"])
    assert (tmp_path / "run" / "report.html").is_file()
