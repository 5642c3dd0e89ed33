"""Inside MTEB: tasks and models of the shelves in its own evaluation, offline, without torchaudio or torchcodec."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import noss
from noss.errors import MissingExtraError, ModelError
from noss.interchange.mteb import mteb_model, mteb_tasks
from noss.pipeline._published import figures, read_published
from noss.pipeline.convert import convert
from noss.pipeline.score import read_scores
from noss.reports import Score

LEVELS = {"calm": 0.05, "cross": 0.12, "angry": 0.3}
SPLITS = ["train"] * 5 + ["dev"] + ["test"] * 3


def make_table(folder: Path, *, split: bool = False) -> str:
    """Nine speakers, three moods told by loudness, which overlap: nothing scores 100 %. Gives the task's name."""
    generator, rows = np.random.default_rng(0), []
    for speaker, name in enumerate(SPLITS):
        for take in range(4):
            for mood, level in LEVELS.items():
                path = folder / f"{speaker}_{mood}_{take}.wav"
                loudness = level * np.exp(0.4 * generator.standard_normal())
                sound_T = loudness * generator.uniform(-1, 1, 1600 + 80 * len(rows))
                soundfile.write(path, sound_T, 8_000 if take % 2 else 16_000)
                rows.append(
                    {"file": path.name, "speaker": f"s{speaker}", "mood": mood, **({"split": name} if split else {})}
                )
    with (folder / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return f"csv/{folder / 'calls.csv'}/mood"


def evaluate(model: Any, tasks: Any, cache: Path) -> dict[str, Any]:
    """What MTEB wrote of the first task's only subset."""
    import mteb

    results = mteb.evaluate(model, tasks, cache=mteb.ResultCache(cache), show_progress_bar=False, co2_tracker=False)
    scores: dict[str, Any] = next(iter(results.task_results[0].scores.values()))[0]
    return scores


def loudness() -> Any:
    """A model of somebody else's: the level of a clip and its logarithm, as a tensor of half precision."""
    import torch
    from mteb.models import ModelMeta
    from mteb.models.abs_encoder import AbsEncoder

    class Loudness(AbsEncoder):  # type: ignore[misc]
        mteb_model_meta = ModelMeta.create_empty(
            overwrites={"name": "someone/loudness", "revision": "1", "modalities": ["audio"]}
        )

        def encode(self, inputs: Any, **facts: Any) -> torch.Tensor:
            levels = [np.abs(item["array"]).mean() for batch in inputs for item in batch["audio"]]
            return torch.tensor([[level, np.log(level)] for level in levels], dtype=torch.bfloat16)

    return Loudness()


@pytest.mark.slow
def test_a_task_scores_inside_mteb_as_noss_run_scores_it(tmp_path: Path) -> None:
    task = make_table(tmp_path)
    outside = noss.run(models=["logmel_stats"], tasks=[task], out=tmp_path / "run", draws=200, workers=0).scores
    inside = evaluate(mteb_model("logmel_stats"), mteb_tasks([task], draws=200), tmp_path / "mteb")
    records = [Score(**record) for record in inside["noss_records"]]
    assert 0.4 < inside["main_score"] < 0.95
    assert [(one.metric, one.value, one.low, one.high) for one in records] == [
        (
            one.metric,
            pytest.approx(one.value, abs=1e-6),
            pytest.approx(one.low, abs=1e-6),
            pytest.approx(one.high, abs=1e-6),
        )
        for one in outside
    ]
    assert {(one.model, one.model_revision, one.dataset_revision, one.splits) for one in records} == {
        (one.model, one.model_revision, one.dataset_revision, one.splits) for one in outside
    }


@pytest.mark.slow
def test_a_model_of_mteb_is_scored_by_the_same_protocol(tmp_path: Path) -> None:
    task = make_table(tmp_path)
    scores = evaluate(loudness(), mteb_tasks([task], probes=["lda"], draws=200), tmp_path / "mteb")
    main = Score(**scores["noss_records"][0])
    assert (main.model, main.model_revision, main.dim, main.probe) == ("mteb/someone/loudness", "1", 2, "lda")
    assert main.speakers == "disjoint"
    assert main.num_test == 108
    assert main.value == scores["main_score"] == scores["recall"] > 0.5


def native(name: str, splits: dict[str, list[dict[str, Any]]], **facts: Any) -> Any:
    """A task of MTEB's own kind over arrays, by its classifier: no clip is decoded."""
    from mteb.abstasks.classification import AbsTaskClassification
    from mteb.abstasks.task_metadata import TaskMetadata

    from datasets import Dataset, DatasetDict

    def load_data(self: Any, **options: Any) -> None:
        self.dataset = DatasetDict({side: Dataset.from_list(rows) for side, rows in splits.items()})
        self.data_loaded = True

    metadata = TaskMetadata(
        name=name, description="Noises.", type="AudioClassification", category="a2c", modalities=["audio"], main_score="accuracy",
        eval_splits=[list(splits)[-1]], eval_langs=["zxx-Zxxx"], dataset={"path": "made", "revision": "1"},
    )  # fmt: skip
    body = {"metadata": metadata, "input_column_name": "audio", "load_data": load_data}
    return type(name, (AbsTaskClassification,), {**body, **facts})()


def rows_of(task: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows that MTEB sees of a task, by published split."""
    task.load_data()
    table, clips = task.dataset["test"], task._data.clips
    rows: dict[str, list[dict[str, Any]]] = {}
    for row, clip in enumerate(clips):
        rows.setdefault(clip.split or "train", []).append(table[row])
    return rows


@pytest.mark.slow
def test_models_take_part_in_tasks_of_mteb(tmp_path: Path) -> None:
    rows = rows_of(mteb_tasks([make_table(tmp_path, split=True)])[0])
    given = native("Given", {"train": rows["train"], "test": rows["test"]})
    folds = native("Folds", {"train": rows["train"]}, is_cross_validation=True)
    for task in (given, folds):
        assert 1 / 3 < evaluate(mteb_model("logmel_stats"), [task], tmp_path)["main_score"] < 0.99
    done = convert(tmp_path, out=tmp_path / "read")
    source = read_published(tmp_path / "read" / "mteb.json")
    assert (done.num_records, done.num_figures, done.failures) == (0, 2, [])
    assert {(one.model, one.measured.dataset, one.measured.metric, one.table.protocol) for one in figures(source)} == {
        ("noss/logmel_stats", "Given", "accuracy", "mteb"),
        ("noss/logmel_stats", "Folds", "accuracy", "mteb"),
    }


@pytest.mark.slow
def test_the_same_embeddings_score_the_same_through_the_classifier_of_mteb(tmp_path: Path) -> None:
    """Where train and test are given, all of train is used, and setting and scaling are those that noss chose."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    name = make_table(tmp_path, split=True)
    main = noss.run(models=["logmel_stats"], tasks=[name], out=tmp_path / "run", draws=200, workers=0).scores[0]
    learner = LogisticRegression(C=main.probe_options[0]["c"], max_iter=10_000, tol=1e-8)
    rows = rows_of(mteb_tasks([name])[0])
    theirs = native(
        "Theirs",
        {"train": rows["train"], "test": rows["test"]},
        n_experiments=1,
        samples_per_label=10_000,
        evaluator_model=make_pipeline(StandardScaler(), learner),
    )
    assert 0.4 < main.value < 0.95
    recall = evaluate(mteb_model("logmel_stats"), [theirs], tmp_path / "mteb")["recall"]
    assert recall == pytest.approx(main.value, abs=1e-9)


@pytest.mark.slow
def test_vectors_are_those_of_the_model_outside(tmp_path: Path) -> None:
    task = make_table(tmp_path)
    [inside] = mteb_tasks([task])
    inside.load_data()
    items = [inside.dataset["test"][row]["audio"] for row in range(8)]
    files = [clip.path for clip in inside._data.clips[:8]]
    stereo = {"array": np.stack([items[0]["array"]] * 2), "sampling_rate": items[0]["sampling_rate"]}
    vectors_ND = mteb_model("logmel_stats").encode([{"audio": items}, {"audio": [stereo]}])
    expected_ND = noss.load_model("logmel_stats").embed([*files, files[0]])
    np.testing.assert_allclose(vectors_ND, expected_ND, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_records_written_by_mteb_come_back(tmp_path: Path) -> None:
    task = make_table(tmp_path)
    scores = evaluate(mteb_model("trivial"), mteb_tasks([task], draws=100), tmp_path / "mteb")
    convert(tmp_path / "mteb", out=tmp_path / "read")
    read = read_scores(tmp_path / "read" / "scores.jsonl")
    assert read[0].value == pytest.approx(scores["main_score"], abs=1e-6)  # MTEB rounds what it writes
    assert [(one.metric, one.protocol, one.warnings) for one in read] == [
        (one["metric"], one["protocol"], one["warnings"]) for one in scores["noss_records"]
    ]


@pytest.mark.slow
def test_a_recipe_gives_a_task_for_each_protocol_that_it_names(tmp_path: Path) -> None:
    recipe = tmp_path / "suite.py"
    suite = {"models": ["no_such_model"], "tasks": [f"calls={make_table(tmp_path)}"], "probes": ["lda", "logistic"]}
    recipe.write_text(f"SUITE = {suite!r}\n", encoding="utf-8")
    names = [task.metadata.name for task in mteb_tasks(recipe=recipe)]
    assert names == ["calls_mood--lda--clean", "calls_mood--logistic--clean"]


@pytest.mark.slow
def test_predictions_are_kept_where_mteb_keeps_its_own(tmp_path: Path) -> None:
    import mteb

    tasks = mteb_tasks([make_table(tmp_path)], draws=100)
    mteb.evaluate(mteb_model("trivial"), tasks, cache=None, prediction_folder=tmp_path / "kept", co2_tracker=False)
    assert len(list((tmp_path / "kept").rglob("*.parquet"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("vectors", "message"),
    [(np.full((108, 2), np.nan), "a finite one for each"), (np.zeros((107, 2)), "107 vectors for 108 clips")],
)
def test_a_model_that_fails_is_told_in_a_line(tmp_path: Path, vectors: Any, message: str) -> None:
    model = loudness()
    model.encode = lambda inputs, **facts: vectors
    with pytest.raises(ModelError, match=message):
        evaluate(model, mteb_tasks([make_table(tmp_path)]), tmp_path / "mteb")


MINE = """
from noss.models import Card
FACTS = {"sample_rate": 16_000, "frame_rate": 0.0, "dim": 3, "source": "https://example.org", "weights": None}
CARDS = {
    "": Card(licence="CC-BY-4.0", num_parameters=7, size_mb=1.5, **FACTS),
    "deep": Card(licence="my own", layers=3, **FACTS),
}
def build(choice):
    raise AssertionError("a card is read without building the model")
"""


@pytest.mark.slow
def test_a_task_without_audio_and_a_model_of_many_layers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    with pytest.raises(ModelError, match="takes audio and this task holds text"):
        mteb_model("trivial").encode([{"text": ["a"]}])
    with pytest.raises(ModelError, match="gives 3 layers"):
        mteb_model(f"{tmp_path / 'mine.py'}/deep")


@pytest.mark.slow
def test_the_card_of_a_model_is_one_that_mteb_takes(tmp_path: Path) -> None:
    from mteb.models import ModelMeta

    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    meta = mteb_model(str(tmp_path / "mine.py")).mteb_model_meta
    written = json.dumps(meta.to_dict(), default=str)
    read = ModelMeta.model_validate_json_resolved(written)
    assert (read.name, read.revision) == (meta.name, meta.revision)
    assert (read.embed_dim, read.modalities, read.license, read.n_parameters) == (3, ["audio"], "cc-by-4.0", 7)


def test_without_mteb_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'noss\[mteb\]'"):
        mteb_model("trivial")
