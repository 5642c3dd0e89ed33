"""SavedModels: every way they want to be called, converted once, proved, and run without TensorFlow."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
from noss.errors import MissingExtraError, ModelError
from noss.models import _savedmodel, savedmodel
from noss.pipeline._check_model import check_model
from noss.pipeline._models import open_model

RATE = 16_000


def _noise(samples: int, *, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(0.1 * np.random.default_rng(seed).standard_normal(samples).astype(np.float32))[None]


def _without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == package else find(name, *more))


def test_a_converted_model_runs_where_tensorflow_cannot_be_imported(tmp_path: Path) -> None:
    folder = tiny_models.savedmodel(tmp_path / "tiny", dim=5)
    program = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "import torch; from noss.models import savedmodel\n"
        f"frames, lengths = savedmodel.build({str(folder)!r})(torch.ones(1, 16000), torch.tensor([16000]))\n"
        "print(tuple(frames.shape), lengths.tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[0] == "(1, 1, 98, 5) [98]"


def test_clips_of_a_batch_are_cut_to_their_own_length(tmp_path: Path) -> None:
    embedder = savedmodel.build(str(tiny_models.savedmodel(tmp_path / "tiny")))
    frames, lengths = embedder(torch.cat([_noise(RATE), _noise(RATE, seed=1)]), torch.tensor([RATE, RATE // 2]))
    assert lengths.tolist() == [98, 48]
    torch.testing.assert_close(
        frames[1:, :, :48],
        embedder(_noise(RATE, seed=1)[:, : RATE // 2], torch.tensor([RATE // 2]))[0],
        rtol=0,
        atol=0,
    )


def test_the_card_says_where_it_runs_and_how_well_it_agrees(tmp_path: Path) -> None:
    card = savedmodel.card(str(tiny_models.savedmodel(tmp_path / "tiny")))
    assert (card.dim, card.frame_rate, card.min_s, card.masks_padding) == (8, 100.0, 0.025, True)
    assert (
        card.notes == "Called with (float samples). Runs in ONNX Runtime; differs from TensorFlow by at most 2.0e-06."
    )


@pytest.mark.parametrize("package", ["tensorflow", "tf2onnx"])
def test_the_first_use_says_what_to_install(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_models.savedmodel(tmp_path / "tiny")
    (folder / "saved_model.pb").write_bytes(b"another graph")  # whose conversion is not in the cache
    _without(monkeypatch, package)
    with pytest.raises(MissingExtraError, match=rf"once, needs the package {package}.*pip install 'noss\[tf\]'"):
        open_model(f"savedmodel/{folder}")


def test_a_graph_that_was_not_proved_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny_models.savedmodel(tmp_path / "tiny")
    graph = _savedmodel.conversion(folder, key="") / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    _without(monkeypatch, "tensorflow")
    with pytest.raises(MissingExtraError):
        savedmodel.build(str(folder))
    assert "is not the graph that was proved to agree" in caplog.text


def test_a_model_without_a_graph_that_agrees_is_not_run_in_onnx(tmp_path: Path) -> None:
    folder = tiny_models.savedmodel(tmp_path / "tiny")
    tiny_models.converted_before(folder, key="odd", sha256=None, proof=None, refused="its ONNX graph differs by 0.4")
    with pytest.raises(ModelError, match=r"has no ONNX graph to run: its ONNX graph differs by 0.4; leave out runtime"):
        savedmodel.build(f"{folder}:odd", runtime="onnx")
    assert savedmodel.card(f"{folder}:odd").notes.endswith("Runs in TensorFlow: its ONNX graph differs by 0.4.")


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("saved_model.pb", "holds no saved_model.pb: give the folder of a TensorFlow SavedModel"),
        ("variables/variables.index", r"is half of a SavedModel \(variables/variables.index is missing\)"),
        ("variables/variables.data-00000-of-00001", r"half of a SavedModel \(variables/variables.data-00000-of-00001"),
    ],
)
def test_half_a_model_is_refused(missing: str, says: str, tmp_path: Path) -> None:
    folder = tiny_models.savedmodel(tmp_path / "tiny")
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=says):
        open_model(f"savedmodel/{folder}")


def test_a_lost_shard_is_told_from_the_names_of_the_others(tmp_path: Path) -> None:
    folder = tiny_models.savedmodel(tmp_path / "tiny")
    first = folder / "variables" / "variables.data-00000-of-00001"
    first.rename(first.with_name("variables.data-00001-of-00003"))
    with pytest.raises(ModelError, match=r"variables.data-00000-of-00003 is missing"):
        savedmodel.card(str(folder))


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no file .*gone: savedmodel/.*gone:embedding needs its weights"):
        open_model(f"savedmodel/{tmp_path / 'gone'}:embedding")


# From here on with TensorFlow itself: each takes seconds, most of them its import in the process that converts.


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where SavedModels are written, once each."""
    pytest.importorskip("tensorflow")
    pytest.importorskip("tf2onnx")
    return tmp_path_factory.mktemp("saved")


@pytest.fixture
def written(root: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """Writes a SavedModel of a kind; its conversion needs no process of its own, unless that is what is tried."""
    import saved_models

    if "process" not in request.node.name:
        monkeypatch.setattr(_savedmodel, "_run", saved_models.convert_here)

    def write(kind: str) -> Path:
        return root / kind if (root / kind).exists() else saved_models.write(kind, root / kind)

    return write


KINDS = [  # kind, key, form, dim, frames of two seconds
    ("Trill", "layer19", "(float samples, rate)", 12_288, 7),
    ("Frill", "", "(batched float samples)", 2_048, 7),
    ("Trillsson", "embedding", "(batched float samples)", 1_024, 1),
    ("Vggish", "fc1_1/Relu", "(float samples)", 4_096, 7),
    ("Integers", "", "(int16 samples)", 64, 7),
    ("BatchAndRate", "", "(batched float samples, rate)", 64, 7),
    ("Fixed", "", "(float samples)", 64, 2),
    ("Several", "1", "(float samples)", 64, 7),
    ("Padded", "layer_5", "signature waveform", 64, 7),
    ("OneSignature", "", "(float samples, rate)", 64, 7),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "key", "form", "dim", "count"), KINDS)
def test_every_form_is_converted_proved_and_equal_to_tensorflow(
    kind: str, key: str, form: str, dim: int, count: int, written: Any, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"savedmodel/{written(kind)}{f':{key}' if key else ''}"
    model = open_model(name)
    assert "ONNX and TensorFlow agree; largest difference at" in caplog.text
    assert (model.card.dim, f"Called with {form}. Runs in ONNX" in model.card.notes) == (dim, True)
    waveform, lengths = _noise(2 * RATE), torch.tensor([2 * RATE])
    frames, _ = model.build()(waveform, lengths)
    assert frames.shape == (1, 1, count, dim)
    inside, _ = savedmodel.build(model.choice, runtime="tensorflow")(waveform, lengths)
    torch.testing.assert_close(frames, inside, rtol=0, atol=1e-4 * float(inside.abs().max()))
    assert [f"{verdict.name}: {verdict.detail}" for verdict in check_model(name) if verdict.ok is False] == []


@pytest.mark.slow
def test_a_process_of_its_own_converts_and_leaves_the_proof_beside_the_graph(written: Any) -> None:
    folder = written("Trillsson")
    savedmodel.card(f"{folder}:embedding")
    home = _savedmodel.conversion(folder, key="embedding")
    facts = json.loads((home / "facts.json").read_text())
    assert sorted(path.name for path in home.parent.iterdir()) == [home.name]
    assert sorted(path.name for path in home.iterdir()) == ["facts.json", "model.onnx"]
    assert len({row["seconds"] for row in facts["proof"]}) >= 5
    assert any(row["silence"] for row in facts["proof"])
    assert max(row["difference"] for row in facts["proof"]) <= 1e-4 * max(row["largest"] for row in facts["proof"])


@pytest.mark.slow
def test_the_error_of_that_process_is_one_line(written: Any) -> None:
    with pytest.raises(ModelError, match="has no output 'nope'") as caught:
        open_model(f"savedmodel/{written('Trill')}:nope")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "key", "says"),
    [
        ("Trill", "nope", "has no output 'nope', nor an operation of that name: there are embedding, layer19"),
        ("Several", "", "gives the outputs 0, 1: say which"),
        ("NoSignature", "", "cannot be called itself and has no signature: one is needed"),
        ("TwoSignatures", "", "has the signatures first, second: one is needed"),
        ("Words", "", "takes neither samples nor samples and a rate"),
    ],
)
def test_a_model_that_cannot_be_called_says_what_it_has(kind: str, key: str, says: str, written: Any) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        open_model(f"savedmodel/{written(kind)}{f':{key}' if key else ''}")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "why"), [("Drawn", "its ONNX graph differs from TensorFlow by"), ("NotConvertible", "Cholesky")]
)
def test_a_graph_that_does_not_agree_is_refused_and_tensorflow_runs_the_model(
    kind: str, why: str, written: Any, caplog: pytest.LogCaptureFixture
) -> None:
    folder = written(kind)
    assert why in savedmodel.card(str(folder)).notes
    assert "will run in TensorFlow itself" in caplog.text
    assert not (_savedmodel.conversion(folder, key="") / "model.onnx").exists()
    frames, lengths = savedmodel.build(str(folder))(_noise(2 * RATE), torch.tensor([2 * RATE]))
    assert (frames.shape, lengths.tolist()) == ((1, 1, 7, 64), [7])
