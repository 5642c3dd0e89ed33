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
from noss.pipeline._models import open_model
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
PAIRS = {
    path: whole for path in TRAINING if (whole := FOLDER / path.name.replace("_small", "")) in FILES and whole != path
}
DATA = "data=['./speech']"  # for recipes of training that are only read
# What two steps are taken with in place of a net that is large, or slow: of its family where that has a small one.
STAND_INS: dict[str, tuple[str, dict[str, int]]] = {
    "ast": ("ast/trillsson4", {"width": 64, "depth": 1}),
    "conformer": ("conformer/5m@all", {}),
    "efficientnet_v2": ("mobilenet_v3/tiny-0.5", {}),
    "mobilenet_v3": ("mobilenet_v3/tiny-0.5", {}),
    "resnet50": ("mobilenet_v3/tiny-0.5", {}),
    "resnetish": ("mobilenet_v3/tiny-0.5", {}),
    "audiontt": ("audiontt/512", {}),
}


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
    families = {shelf.parse_model(name).part for name in suite["models"]}
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
    if recipe.stem == "papers_in_small":
        pytest.skip("the tasks of open_here, for runs of training: below")
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
    models = [recipe.student, *recipe.teachers, recipe.start, watched["baseline"]]
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


def test_a_recipe_of_training_names_options_that_its_student_takes(training: tuple[Path, list[str]]) -> None:
    recipe = read_recipe(*training)
    assert open_model(recipe.student, **recipe.student_options).card.dim > 0


@pytest.mark.parametrize("small", PAIRS, ids=lambda path: path.stem)
def test_a_paper_in_small_keeps_the_papers_method(small: Path) -> None:
    own, whole = (read_recipe(path, [DATA]) for path in (small, PAIRS[small]))
    assert own.objective == whole.objective
    assert (own.teacher is None) == (whole.teacher is None)
    assert own.steps * own.batch_size <= 160_000, "more than two cores do in forty minutes"


def test_each_paper_has_its_recipe_and_a_small_one() -> None:
    names = {"trill", "frill", *(f"trillsson_{number}" for number in range(1, 6)), "cap12", "byol_s"}
    assert {path.stem for path in PAIRS.values()} >= names


@pytest.mark.parametrize("path", PAIRS.values(), ids=lambda path: path.stem)
def test_a_setting_of_a_published_recipe_has_a_source(path: Path) -> None:
    settings = [line.strip() for line in FILES[path].partition("\nRECIPE = ")[2].splitlines()]
    unsourced = {line.split('"')[1] for line in settings if line[:1] == '"' and "#" not in line and line[-1:] != "{"}
    assert unsourced <= {
        "objective",
        "validate_every",
    }  # of the first the docstring tells, and the second changes nothing


def test_finished_runs_of_small_recipes_are_scored_beside_what_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("done_small/model.json", "done_small/report.html", "begun_small/model.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    monkeypatch.setenv("NOSS_RUNS", str(tmp_path))
    models = suite_of(FOLDER / "papers_in_small.py")["models"]
    assert models[-2:] == [f"trained/{tmp_path}/done_small", f"trained/{tmp_path}/done_small:start"]
    assert not any("begun" in name for name in models)


def two_steps(path: Path) -> list[str]:
    """Changes to a recipe of training, after which it takes two steps with a small net."""
    recipe = read_recipe(path, [DATA])
    family, own = recipe.student.partition("/")[0], (recipe.student, dict(recipe.student_options))
    student, options = STAND_INS.get(family, own)
    small = ["steps=2", "warmup=1", "validate_every=2", "batch_size=4", "accumulate=1", "validation=0.3", "watch=None"]
    small += [f"student={student}", f"student_options={options!r}", "validation_batches=1"]
    labels = ["target=label"] if shelf.load("objectives", recipe.objective).NEEDS.labels else []
    if labels and not isinstance(recipe.target, str | None):  # several columns, a weight each
        labels = ["target=['label', 'speaker']", "objective_options.weights=[1.0, 1.0]"]
    teacher = ["teacher=mfcc_stats"] if recipe.teacher else []  # whose weights are no file
    start = ["start=None"] if recipe.start else []
    return [*small, *labels, *teacher, *start]


def distinct(paths: list[Path]) -> list[Path]:
    """One recipe of those that are the same run of two steps, as TRILLsson2 is that of TRILLsson1."""
    runs = {repr(read_recipe(path, [DATA, *two_steps(path)]).facts()): path for path in reversed(paths)}
    return sorted(runs.values())


@pytest.mark.slow
@pytest.mark.parametrize("path", distinct(TRAINING), ids=lambda path: path.stem)
def test_a_recipe_of_training_takes_two_steps(path: Path, tmp_path: Path) -> None:
    table(tmp_path)
    given = [f"data={[f'csv/{tmp_path}/clips.csv']!r}", *two_steps(path)]
    done = train(path, out=tmp_path / "run", set=given, device="cpu", workers=0)
    assert math.isfinite(done.held_out["loss"])
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.slow
def test_a_small_recipe_is_scored_end_to_end_beside_what_it_was_and_the_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, runs = tmp_path / "data", tmp_path / "runs"
    for name in ("train", *TABLES):
        (data / name).mkdir(parents=True)
        table(data / name)
    monkeypatch.setenv("NOSS_DATA", str(data))
    monkeypatch.setenv("NOSS_RUNS", str(runs))
    short = ["steps=4", "batch_size=8", "warmup=1", "validate_every=4", "validation=0.3", "validation_batches=1"]
    for name, teacher in (("frill_small", ["teacher=mfcc_stats"]), ("byol_s_small", [])):
        train(FOLDER / f"{name}.py", out=runs / name, set=[*short, *teacher], device="cpu", workers=0)
    suite = suite_of(FOLDER / "papers_in_small.py")
    models = [name for name in suite["models"] if name != "byol_s"]  # whose weights are no file
    tasks = [task for task in suite["tasks"] if task.startswith("minsk_als")]
    done = noss.run(
        FOLDER / "papers_in_small.py", out=tmp_path / "out", models=models, tasks=tasks, root=[], draws=50, workers=0
    )
    assert {score.model for score in done.scores if score.main} == set(models)
    assert not done.failures
