"""A probe that asks for frames gets them, through every step of a run, and other probes never do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_table import TINY, made_rows, write_table
from made_task import CLASSES, clips, model, task

from noss.errors import Failure, ProbeError
from noss.frame_store import FrameStore
from noss.pipeline import run as run_step
from noss.pipeline._embed_done import EmbeddedFrames
from noss.pipeline._frame_rows import FrameRows
from noss.pipeline._predictions import read_facts, read_predictions
from noss.pipeline.embed import embed_clips, embed_frames
from noss.pipeline.fit import fit
from noss.pipeline.probe import probe, probe_task
from noss.pipeline.run import run
from noss.probes import _framed


class FakeFrames(FrameStore):
    """Frames by identity, in memory."""

    def __init__(self, rows: dict[str, np.ndarray], *, layers: int, dim: int) -> None:
        super().__init__(Path(), layers=layers, dim=dim)
        self.rows = rows

    def lookup(self, ids):
        return [self.rows[name] for name in ids]


def framed(given, frames) -> EmbeddedFrames:
    ids = [f"{row:032x}" for row in range(len(frames))]
    store = FakeFrames(dict(zip(ids, frames, strict=True)), layers=frames[0].shape[1], dim=frames[0].shape[2])
    return EmbeddedFrames(store=store, ids=list(ids))


def planted(*, num: int = 120, layers: int = 1, informative: int = 0):
    """A task whose clips have 20 to 40 frames, one of which tells the class in one of the layers."""
    rng, labels, frames = np.random.default_rng(0), [CLASSES[row % 3] for row in range(num)], []
    for row in range(num):
        frames_SLD = rng.standard_normal((int(rng.integers(20, 41)), layers, 6)).astype(np.float32)
        frames_SLD[rng.integers(len(frames_SLD)), informative, row % 3] += 8.0
        frames.append(frames_SLD)
    splits = [("train", "train", "train", "dev", "test")[row // 3 % 5] for row in range(num)]
    made = [
        replace(clip, split=split, speaker=f"{split}{row % 4}")
        for row, (clip, split) in enumerate(zip(clips(labels), splits, strict=True))
    ]
    return task(made), frames


@pytest.mark.parametrize("name", ["attentive", "autopool"])
def test_a_probe_of_frames_is_scored_on_test_like_any_other(tmp_path: Path, name: str) -> None:
    given, frames = planted()
    path = probe_task(given, framed(given, frames), model=model(dim=6), out=tmp_path, probe=name)
    read = read_predictions(path)
    assert np.mean(read.scores_NK.argmax(axis=1) == read.true_N) > 0.85
    assert read_facts(path)["probe"] == name


def test_its_layer_is_chosen_on_validation_and_the_curve_drawn(tmp_path: Path) -> None:
    given, frames = planted(layers=2, informative=1)
    path = probe_task(given, framed(given, frames), model=model(dim=6, layers=2), out=tmp_path, probe="autopool")
    facts = read_facts(path)
    assert [one["layer"] for one in facts["probe_options"]] == [1]
    assert [row["folds"] for row in facts["layers"]] == [0, 1]
    assert facts["layers"][1]["value"] > 0.85 > 0.6 > facts["layers"][0]["value"]


def test_frames_cannot_be_mixed_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    given, frames = planted(layers=2)
    with pytest.raises(ProbeError, match="cannot mix layers: choose among them with @all"):
        probe_task(given, framed(given, frames), model=model(layers=2, mixed=True), out=tmp_path, probe="autopool")


def test_rows_of_frames_are_cut_as_an_array_is() -> None:
    frames = [np.full((row + 1, 2, 3), row, np.float32) for row in range(4)]
    rows = FrameRows(frames, layers=2, dim=3)
    assert (len(rows), rows.shape) == (4, (4, 2, 3))
    assert [len(one) for one in rows[np.array([3, 0]), 1]] == [4, 1]
    assert rows[np.array([2])].shape == (1, 2, 3)
    assert [one.shape for one in rows[:, 0]] == [(1, 3), (2, 3), (3, 3), (4, 3)]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table of clips, and probes that are soon trained."""
    monkeypatch.setattr(_framed, "EPOCHS", (5, 5))
    return f"csv/{write_table(tmp_path, made_rows(tmp_path))}"


def test_a_run_keeps_frames_only_for_probes_that_need_them(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    for step in (embed_clips, embed_frames):

        def noted(*args, step=step, **options):
            calls.append(step.__name__)
            return step(*args, **options)

        monkeypatch.setattr(run_step, step.__name__, noted)
    options = {"tasks": [f"{table}/mood"], "cache": tmp_path / "cache", "draws": 50, "workers": 0}
    run(models=[TINY], out=tmp_path / "pooled", **options)
    assert calls == ["embed_clips"]
    found = run(models=[TINY], probes=["logistic", "autopool"], out=tmp_path / "both", **options)
    assert calls == ["embed_clips", "embed_clips", "embed_frames"]
    main = {score.probe: score.value for score in found.scores if score.main}
    assert main.keys() == {"logistic", "autopool"}
    assert min(main.values()) > 0.8
    calls.clear()
    run(models=[TINY], probes=["autopool"], out=tmp_path / "framed", **options)
    assert calls == ["embed_frames"]


def test_a_file_that_cannot_be_read_is_listed_once(table: str, tmp_path: Path) -> None:
    sorted((tmp_path / "wavs").iterdir())[0].write_bytes(b"RIFF")
    options = {"cache": tmp_path / "cache", "draws": 50, "workers": 0, "probes": ["logistic", "autopool"]}
    found = run(models=[TINY], tasks=[f"{table}/mood"], out=tmp_path / "out", **options)
    assert len(found.failures) == 1
    assert isinstance(found.failures[0], Failure)


def test_a_pooled_name_has_no_frames_and_the_others_go_on(table: str, tmp_path: Path) -> None:
    options = {"cache": tmp_path / "cache", "draws": 50, "workers": 0, "probes": ["logistic", "autopool"]}
    found = run(models=[TINY, f"{TINY}+max"], tasks=[f"{table}/mood"], out=tmp_path / "out", **options)
    assert len([score for score in found.scores if score.main]) == 3
    assert ["frames are not pooled" in failure.reason for failure in found.failures] == [True]


def test_the_verb_probe_embeds_frames_too(table: str, tmp_path: Path) -> None:
    done = probe(TINY, f"{table}/mood", out=tmp_path / "out", probe="autopool", cache=tmp_path / "cache", workers=0)
    assert read_facts(done.paths[0])["probe"] == "autopool"
    assert not (tmp_path / "cache" / "embeddings").exists()


def test_a_classifier_is_not_saved_with_a_probe_of_frames(table: str, tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="attentive learns from frames and a saved classifier has one vector a clip"):
        fit(table, target="mood", out=tmp_path / "out", model=TINY, probe="attentive", cache=tmp_path, workers=0)
