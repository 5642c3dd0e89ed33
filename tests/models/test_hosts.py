"""Hosts of foreign Python models: each called as its API says, and told in one line what is wrong with what it holds."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
from noss import cli
from noss.errors import ModelError
from noss.models import _foreign, s3prl, sklearn, speechbrain, torchhub, xares
from noss.pipeline._embed_forward import Forward
from noss.pipeline._models import open_model

RATE = 16_000


def _noise(*, rows: int = 1, seconds: float = 1.0) -> torch.Tensor:
    generator = np.random.default_rng(0)
    return torch.from_numpy(0.1 * generator.standard_normal((rows, int(seconds * RATE))).astype(np.float32))


def _frames(embed: Any, waveform: torch.Tensor) -> torch.Tensor:
    frames: torch.Tensor = embed(waveform, torch.full((len(waveform),), waveform.shape[1]))[0]
    return frames


def test_an_encoder_of_xares_is_found_by_its_ending_and_called_as_its_api_says(tmp_path: Path) -> None:
    file = tiny_models.source(tmp_path / "tiny.py", tiny_models.XARES)
    card = xares.card(str(file))
    assert (card.sample_rate, card.dim, card.frame_rate, card.layers, card.num_parameters) == (RATE, 6, 20.0, 1, 4800)
    embed, waveform = xares.build(f"{file}:TinyEncoder"), _noise(rows=2)
    torch.testing.assert_close(_frames(embed, waveform)[:, 0], embed.net(waveform))  # type: ignore[attr-defined]


def test_the_bytes_of_the_code_are_part_of_what_a_hosted_model_is(tmp_path: Path) -> None:
    file = tiny_models.source(tmp_path / "tiny.py", tiny_models.XARES)
    before = open_model(f"xares/{file}").revision
    file.write_text(tiny_models.XARES.replace("/ 30", "/ 31"), encoding="utf-8")
    assert open_model(f"xares/{file}").revision != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "must define one class that ends in Encoder and has none"),
        (tiny_models.XARES.replace("output_dim, ", "output, "), "states output_dim = None"),
        (tiny_models.XARES.replace("16_000, 6, 50", "16_000, 7, 50"), "states output_dim 7 and gives frames of 6"),
        (tiny_models.XARES.replace(".transpose(1, 2)", "[0, 0, 0]"), r"gives \(\) for 1 clips: vectors"),
        (tiny_models.XARES.replace(".transpose(1, 2)", ".tolist()"), "gives layers|gives a list"),
        ("import no_such_package", "needs the package no_such_package, which is not installed"),
        (tiny_models.XARES.replace("stride=800", "stride=0"), r"fails on 1 s of noise at 16000 Hz"),
    ],
)
def test_a_file_that_breaks_the_api_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    file = tiny_models.source(tmp_path / "tiny.py", text)
    with pytest.raises(ModelError, match=message) as caught:
        xares.card(str(file))
    assert "\n" not in str(caught.value)


def test_an_upstream_of_s3prl_gives_its_last_hidden_state_or_the_one_that_is_named(tmp_path: Path) -> None:
    file = str(tiny_models.source(tmp_path / "tiny.py", tiny_models.UPSTREAM))
    waveform = _noise(rows=2)
    one, two = (_frames(s3prl.build(file, layer=layer), waveform) for layer in ("0", "1"))
    torch.testing.assert_close(two, one.square())
    torch.testing.assert_close(_frames(s3prl.build(file), waveform), two)
    torch.testing.assert_close(_frames(s3prl.build(file, layer="all"), waveform), torch.cat([one, two], dim=1))
    assert (s3prl.card(file, layer="all").layers, s3prl.card(file).frame_rate) == (2, 20.0)
    with pytest.raises(ModelError, match="has no layer '2': write @0 to @1, or @all"):
        s3prl.card(file, layer="2")


def test_s3prl_that_is_not_here_says_what_to_install() -> None:
    with pytest.raises(ModelError, match="needs the package s3prl, which is not installed: pip install s3prl"):
        s3prl.card("hubert_base")


def test_a_local_folder_of_torch_hub_is_run_and_a_repository_only_if_trusted(tmp_path: Path) -> None:
    folder = tiny_models.source(tmp_path / "hubconf.py", tiny_models.HUBCONF).parent
    card = torchhub.card(f"{folder}:tiny")
    assert (card.sample_rate, card.dim, card.frame_rate) == (RATE, 6, 20.0)
    with pytest.raises(
        ModelError, match=r"github\.com/owner/name: read it, then pass --trust-remote-code torchhub/owner/name:m"
    ):
        torchhub.card("owner/name:m")
    with pytest.raises(ModelError, match=r"cannot be loaded .*other"):
        torchhub.card(f"{folder}:other")
    with pytest.raises(ModelError, match="names no entry point"):
        torchhub.card(str(folder))


def test_a_package_that_hubconf_needs_is_named(tmp_path: Path) -> None:
    folder = tiny_models.source(tmp_path / "hubconf.py", "dependencies = ['no_such_package']\ndef tiny(): ...\n").parent
    with pytest.raises(ModelError, match="no_such_package"):
        torchhub.card(f"{folder}:tiny")


class _Classifier(torch.nn.Module):
    """What SpeechBrain's `EncoderClassifier` promises: from_hparams, encode_batch, hparams."""

    def __init__(self) -> None:
        super().__init__()
        self.hparams = types.SimpleNamespace(sample_rate=8_000)

    @classmethod
    def from_hparams(cls, source: str) -> _Classifier:
        assert source
        return cls()

    def encode_batch(self, wavs: torch.Tensor, wav_lens: Any = None, normalize: bool = False) -> torch.Tensor:
        return torch.stack([wavs.mean(1), wavs.std(1), wavs.abs().amax(1)], dim=1)[:, None]


@pytest.fixture
def _speechbrain(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("speechbrain.inference.classifiers")
    module.EncoderClassifier = _Classifier  # type: ignore[attr-defined]
    for name in ("speechbrain", "speechbrain.inference"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("_speechbrain")
def test_an_encoder_of_speechbrain_gives_one_vector_a_clip_at_its_own_rate(tmp_path: Path) -> None:
    (tmp_path / "hyperparams.yaml").write_text("sample_rate: 8000\n", encoding="utf-8")
    card = speechbrain.card(str(tmp_path))
    assert (card.sample_rate, card.dim, card.frame_rate) == (8_000, 3, 0.0)
    waveform = _noise(rows=2)
    assert _frames(speechbrain.build(str(tmp_path)), waveform)[0, 0, 0, 0] == waveform[0].mean()
    with pytest.raises(
        ModelError, match=r"hyperparams\.yaml names: read it .*--trust-remote-code speechbrain/some/one"
    ):
        speechbrain.card("some/one")
    assert speechbrain.card("some/one", trust_remote_code=True).dim == 3


def test_speechbrain_that_is_not_here_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "hyperparams.yaml").write_text("", encoding="utf-8")
    with pytest.raises(ModelError, match=r"speechbrain.*pip install speechbrain"):
        speechbrain.card(str(tmp_path))


def test_transformers_of_scikit_learn_are_fed_samples_or_bands(tmp_path: Path) -> None:
    import importlib.util

    file = tiny_models.source(tmp_path / "own.py", tiny_models.SKLEARN)
    spec = importlib.util.spec_from_file_location("own", file)
    assert spec is not None and spec.loader is not None
    own = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(own)
    waveform = _noise()
    expected = own.samples.transform(waveform[0].numpy().reshape(-1, 400))
    np.testing.assert_allclose(_frames(sklearn.build(f"{file}:samples"), waveform)[0, 0].numpy(), expected, atol=1e-4)
    assert _frames(sklearn.build(f"{file}:whole"), waveform).shape == (1, 1, 1, 3)
    assert sklearn.card(f"{file}:bands", layer="logmel").frame_rate == 50.0
    assert sklearn.card(f"{file}:made").frame_rate == 20.0


def test_a_fitted_transformer_is_read_from_skops_and_never_from_a_pickle(tmp_path: Path) -> None:
    io = pytest.importorskip("skops.io")
    file = tiny_models.source(tmp_path / "own.py", tiny_models.SKLEARN)
    namespace: dict[str, Any] = {"__name__": "own_sklearn_example"}
    exec(compile(tiny_models.SKLEARN, str(file), "exec"), namespace)
    io.dump(namespace["samples"], tmp_path / "fine.skops")
    both = [_frames(sklearn.build(choice), _noise()) for choice in (f"{file}:samples", f"{tmp_path}/fine.skops")]
    torch.testing.assert_close(both[0], both[1])
    sys.modules["own_sklearn_example"] = module = types.ModuleType("own_sklearn_example")
    module.__dict__.update(namespace)
    io.dump(namespace["whole"], tmp_path / "code.skops")
    with pytest.raises(ModelError, match=r"own_sklearn_example\._levels, which may run code: write FILE\.py:NAME"):
        sklearn.card(f"{tmp_path}/code.skops")
    (tmp_path / "broken.skops").write_bytes(b"PK nothing")
    with pytest.raises(ModelError, match="cannot be read as skops wrote it"):
        sklearn.card(f"{tmp_path}/broken.skops")
    with pytest.raises(ModelError, match=r"cannot be read: give sklearn/FILE\.skops"):
        sklearn.card(f"{tmp_path}/model.pkl")


def test_what_is_no_fitted_transformer_is_refused(tmp_path: Path) -> None:
    text = "from sklearn.decomposition import PCA\nclass Unfitted(PCA): ...\nnumber = 3\n"
    file = tiny_models.source(tmp_path / "own.py", text)
    with pytest.raises(ModelError, match="fit it, on rows of that size"):
        sklearn.card(f"{file}:Unfitted")
    with pytest.raises(ModelError, match="is a int and has no transform"):
        sklearn.card(f"{file}:number")
    with pytest.raises(ModelError, match=r"defines no 'Unfited'.*did you mean Unfitted"):
        sklearn.card(f"{file}:Unfited")


@pytest.mark.parametrize(
    ("answer", "layer", "message"),
    [
        ({"a": torch.zeros(1, 2), "b": torch.zeros(1, 2)}, None, "gives a, b and not 'one tensor': name one of them"),
        ({"a": torch.zeros(1, 2)}, "b", "gives a and not 'b'"),
        (torch.zeros(1, 2), "b", "gives one tensor and has no layer 'b'"),
        ("words", None, "gives a str: a tensor or an array is needed"),
        ([torch.zeros(1, 2, 3), torch.zeros(1, 4, 3)], "all", r"layers of several shapes, \(1, 2, 3\), \(1, 4, 3\)"),
        (torch.zeros(2, 3), None, r"gives \(2, 3\) for 1 clips"),
    ],
)
def test_an_answer_of_another_kind_is_one_line(answer: Any, layer: str | None, message: str) -> None:
    opened = _foreign.Opened(name="mine", call=lambda waveform: answer, sample_rate=RATE, layer=layer)
    with pytest.raises(ModelError, match=message):
        _foreign.card(opened)


@pytest.mark.slow
def test_a_model_of_mteb_gives_what_the_same_model_gives_in_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mteb")
    from mteb.models.get_model_meta import MODEL_REGISTRY
    from mteb.models.model_implementations.hubert_models import HubertWrapper
    from transformers import Wav2Vec2FeatureExtractor

    from noss.models import mteb, transformers

    name = "mteb/baseline-tiny"  # of models with another name MTEB wants torchaudio, which it does not use here
    folder = tiny_models.transformer("hubert_group", tmp_path / name)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    known = next(meta for meta in MODEL_REGISTRY.values() if meta.loader is HubertWrapper)
    monkeypatch.setitem(MODEL_REGISTRY, name, known.model_copy(update={"name": name, "revision": None}))
    monkeypatch.chdir(tmp_path)
    card = mteb.card(name)
    assert (card.dim, card.sample_rate, card.frame_rate) == (32, RATE, 0.0)
    waveform = _noise(rows=2)
    found = _frames(mteb.build(name), waveform)
    expected = _frames(transformers.build(str(folder)), waveform).mean(dim=2, keepdim=True)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    with pytest.raises(ModelError, match="MTEB has no model 'nobody/none'"):
        mteb.card("nobody/none")
    remote = known.model_copy(update={"loader_kwargs": {"trust_remote_code": True}})
    monkeypatch.setitem(MODEL_REGISTRY, "noss/remote", remote)
    with pytest.raises(ModelError, match="then pass --trust-remote-code mteb/noss/remote"):
        mteb.card("noss/remote")


@pytest.mark.parametrize("verb", ["check", "embed", "run"])
def test_remote_code_is_refused_on_the_command_line_unless_the_model_is_named(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, out = "torchhub/owner/name:m", ["--out", str(tmp_path / "out.csv")]
    words = {"check": ["model", name], "embed": [name, str(tmp_path), *out]}
    words["run"] = ["--models", name, "--tasks", "fsdd/digit", "--root", f"fsdd={tmp_path}", *out]
    for more, message in (
        ([], "read it, then pass --trust-remote-code torchhub/owner/name:m"),
        (["torchhub/owner/other:m"], "names torchhub/owner/other:m, which is none of the models"),
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main([verb, *words[verb], *(["--trust-remote-code", *more] if more else [])])
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err


def test_equal_lengths_must_give_equal_numbers_of_frames() -> None:
    forward = Forward(open_model(str(Path(__file__).parent.parent / "pipeline" / "tiny_model.py") + "/fickle"))
    clip = np.full(1600, -0.3, dtype=np.float32)
    assert forward([clip, clip]).shape == (2, 1, 4)
    with pytest.raises(ModelError, match="returned 10 and then 9 frames for clips of 1600 samples"):
        forward([-clip])
