"""Transformers give what the library's own documented usage gives, and say what is wrong when they cannot."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as library

import tiny_models
from noss.errors import ModelError
from noss.models import transformers
from noss.pipeline._models import open_model

RATE = 16_000


def _speech(seconds: float = 1.0, *, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 15)) * (1 + np.sin(2 * np.pi * 3 * time))
    return np.asarray(0.05 * tone + 0.002 * generator.standard_normal(len(time)), dtype=np.float32)


def _embed(
    folder: Path, *clips: np.ndarray[Any, np.dtype[np.float32]], layer: str | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([len(clip) for clip in clips])
    waveform = torch.stack([torch.from_numpy(np.pad(clip, (0, int(lengths.max()) - len(clip)))) for clip in clips])
    frames, frame_lengths = transformers.build(str(folder), layer=layer)(waveform, lengths)
    return frames, frame_lengths


@pytest.mark.parametrize("family", ["wav2vec2_group", "wav2vec2_layer", "hubert_layer", "wavlm_layer", "data2vec"])
def test_waveform_models_equal_the_documented_usage(family: str, tmp_path: Path) -> None:
    folder = tiny_models.transformer(family, tmp_path)
    extractor = library.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False)
    net = library.AutoModel.from_pretrained(folder).eval()
    clip = _speech(1.3)
    with torch.no_grad():
        expected = net(**extractor(clip, sampling_rate=RATE, return_tensors="pt")).last_hidden_state
    frames, lengths = _embed(folder, clip)
    assert lengths.tolist() == [expected.shape[1]]
    torch.testing.assert_close(frames[:, 0], expected, rtol=0, atol=1e-5)


def test_normalisation_is_left_out_where_the_extractor_says_so(tmp_path: Path) -> None:
    folder = tiny_models.transformer("hubert_group", tmp_path)
    normalised, _ = _embed(folder, _speech())
    library.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    plain, _ = _embed(folder, _speech())
    with torch.no_grad():
        expected = library.AutoModel.from_pretrained(folder).eval()(torch.from_numpy(_speech())[None]).last_hidden_state
    torch.testing.assert_close(plain[:, 0], expected, rtol=0, atol=1e-5)
    assert (plain - normalised).abs().max() > 1e-3


def test_whisper_equals_the_documented_usage_on_the_frames_of_the_clip(tmp_path: Path) -> None:
    folder = tiny_models.transformer("whisper", tmp_path)
    clip = _speech(1.51)
    features = library.WhisperFeatureExtractor()(clip, sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        expected = (
            library.AutoModel.from_pretrained(folder).eval().get_encoder()(features.input_features).last_hidden_state
        )
    frames, lengths = _embed(folder, clip)
    assert lengths.tolist() == [76]  # 24,160 samples are 75.5 frames of 320
    torch.testing.assert_close(frames[:, 0], expected[:, :76], rtol=0, atol=2e-5)


@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_ast_equals_the_documented_usage(tmp_path: Path) -> None:
    folder = tiny_models.transformer("ast", tmp_path)
    clip = _speech(1.7)
    features = library.ASTFeatureExtractor(max_length=256)(clip, sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        expected = library.AutoModel.from_pretrained(folder).eval()(**features).pooler_output
    frames, lengths = _embed(folder, clip)
    assert lengths.tolist() == [1]
    torch.testing.assert_close(frames[:, 0, 0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("samples", [RATE, RATE + 160])
def test_w2v_bert_equals_the_documented_usage(samples: int, tmp_path: Path) -> None:
    folder = tiny_models.transformer("w2v_bert", tmp_path)
    clip = _speech(2.0)[:samples]
    features = library.SeamlessM4TFeatureExtractor()(clip, sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        expected = library.AutoModel.from_pretrained(folder).eval()(**features).last_hidden_state
    frames, lengths = _embed(folder, clip)
    assert lengths.tolist() == [int(features.attention_mask.sum())]
    torch.testing.assert_close(frames[0, 0], expected[0, : int(lengths[0])], rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", ["wav2vec2_group", "wavlm_layer", "whisper", "w2v_bert"])
def test_a_layer_is_the_hidden_state_of_that_number_though_higher_layers_are_not_built(
    family: str, tmp_path: Path
) -> None:
    folder = tiny_models.transformer(family, tmp_path)
    everything, _ = _embed(folder, _speech(), layer="all")
    one, _ = _embed(folder, _speech(), layer="1")
    built = transformers.build(str(folder), layer="0")
    assert transformers.card(str(folder), layer="all").layers == everything.shape[1] >= 3
    torch.testing.assert_close(one[:, 0], everything[:, 1], rtol=0, atol=1e-6)
    assert sum(p.numel() for p in built.parameters()) < sum(
        p.numel() for p in transformers.build(str(folder)).parameters()
    )  # type: ignore[attr-defined]


@pytest.mark.parametrize("family", ["wav2vec2_layer", "hubert_layer", "wavlm_layer", "w2v_bert", "whisper", "ast"])
def test_models_said_to_mask_padding_do(family: str, tmp_path: Path) -> None:
    folder = tiny_models.transformer(family, tmp_path)
    assert transformers.card(str(folder)).masks_padding
    long, short = _speech(1.9, seed=1), _speech(0.73, seed=2)
    alone, lengths = _embed(folder, short)
    together, both = _embed(folder, long, short)
    assert both[1] == lengths[0]
    torch.testing.assert_close(together[1, :, : int(both[1])], alone[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ["wav2vec2_group", "hubert_group", "wavlm_group", "data2vec", "conformer"])
def test_models_said_not_to_mask_padding_do_not(family: str, tmp_path: Path) -> None:
    folder = tiny_models.transformer(family, tmp_path)
    assert not transformers.card(str(folder)).masks_padding
    short = _speech(0.73, seed=2)
    alone, lengths = _embed(folder, short)
    together, _ = _embed(folder, _speech(1.9, seed=1), short)
    assert (together[1, :, : int(lengths[0])] - alone[0]).abs().max() > 1e-5


@pytest.mark.gpu
@pytest.mark.parametrize("family", ["wav2vec2_layer", "wavlm_layer", "whisper", "ast", "w2v_bert"])
def test_a_model_moved_to_a_gpu_gives_what_it_gave(family: str, tmp_path: Path) -> None:
    embed = transformers.build(str(tiny_models.transformer(family, tmp_path)))
    waveform = torch.from_numpy(np.stack([_speech(), np.pad(_speech(0.6), (0, 6400))]))
    lengths = torch.tensor([RATE, 9600])
    expected, counts = embed(waveform, lengths)
    assert isinstance(embed, torch.nn.Module)
    found, moved = embed.cuda()(waveform.cuda(), lengths.cuda())
    assert moved.tolist() == counts.tolist()
    for row, count in enumerate(counts.tolist()):
        torch.testing.assert_close(found[row, :, :count].cpu(), expected[row, :, :count], rtol=0, atol=1e-3)


def test_a_checkpoint_with_a_head_gives_what_its_encoder_gives(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = library.Wav2Vec2ForCTC(library.Wav2Vec2Config(**tiny_models.WAVEFORM, vocab_size=20)).eval()
    whole.save_pretrained(tmp_path / "ctc")
    whole.wav2vec2.save_pretrained(tmp_path / "bare")
    torch.testing.assert_close(_embed(tmp_path / "ctc", _speech())[0], _embed(tmp_path / "bare", _speech())[0])


def test_the_card_counts_what_is_in_the_file(tmp_path: Path) -> None:
    folder = tiny_models.transformer("wavlm_layer", tmp_path)
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# A model\n", encoding="utf-8")
    card = transformers.card(str(folder))
    net = library.AutoModel.from_pretrained(folder)
    assert (card.dim, card.frame_rate, card.layers, card.licence) == (32, 50.0, 1, "mit")
    assert card.num_parameters == sum(parameter.numel() for parameter in net.parameters())
    assert card.size_mb == pytest.approx((folder / "model.safetensors").stat().st_size / 1e6, abs=1e-3)
    assert card.min_s == 400 / RATE  # receptive field of the seven convolutions


def test_weights_and_settings_are_part_of_the_revision(tmp_path: Path) -> None:
    folder = tiny_models.transformer("hubert_group", tmp_path)
    revisions = {open_model(f"transformers/{folder}").revision, open_model(f"transformers/{folder}@1").revision}
    library.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    revisions.add(open_model(f"transformers/{folder}").revision)
    assert len(revisions) == 3


@pytest.mark.parametrize("layer", ["4", "-1", "last"])
def test_an_unknown_layer_is_refused(layer: str, tmp_path: Path) -> None:
    folder = tiny_models.transformer("hubert_group", tmp_path)
    with pytest.raises(ModelError, match=f"no layer '{layer}': write @0 to @3, @all"):
        transformers.card(str(folder), layer=layer)


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="is a bert model: known here are wav2vec2, hubert"):
        transformers.card(str(tmp_path))


def test_a_folder_without_weights_or_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        transformers.card(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "hubert"}', encoding="utf-8")
    with pytest.raises(ModelError, match="holds no weights"):
        transformers.card(str(tmp_path))
    with pytest.raises(ModelError, match=r"no folder \./nowhere"):
        transformers.card("./nowhere")
    with pytest.raises(ModelError, match="needs a model"):
        transformers.card("")


def test_missing_weights_are_never_drawn_at_random(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny_models.transformer("hubert_group", tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layers.1.final_layer_norm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 weights .* encoder\.layers\.1\.final_layer_norm\.weight"):
        transformers.build(str(folder))


@pytest.mark.parametrize("size", [0, 7, 5000])
def test_damaged_weights_are_an_error_of_one_line(size: int, tmp_path: Path) -> None:
    folder = tiny_models.transformer("hubert_group", tmp_path)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:size])
    with pytest.raises(ModelError, match="is not a safetensors file") as caught:
        transformers.card(str(folder))
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=r"weights of .* cannot be read") as caught:
        transformers.build(str(folder))
    assert "\n" not in str(caught.value)


def _kept(cache: Path, family: str) -> str:
    """A hub model as the hub's client keeps it: one commit, which `main` points at."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = cache / "models--someone--tiny"
    tiny_models.transformer(family, home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit, encoding="utf-8")
    return commit


def _python(code: str, cache: Path) -> Any:
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "NOSS_CACHE": str(cache)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_kept_hub_model_is_read_offline_without_torch_at_its_commit(tmp_path: Path) -> None:
    commit = _kept(tmp_path, "hubert_group")
    code = "import sys, json; from noss.models import transformers as t; c = t.card('someone/tiny'); print(json.dumps([c.weights, c.dim, 'torch' in sys.modules]))"
    assert _python(code, tmp_path) == [f"https://huggingface.co/someone/tiny/tree/{commit}", 32, False]


@pytest.mark.slow
def test_a_kept_hub_model_embeds_as_the_same_model_in_a_folder(tmp_path: Path) -> None:
    commit = _kept(tmp_path, "hubert_group")
    code = (
        "import json, torch; from noss.models import transformers as t; x = torch.sin(torch.arange(16000.0))[None];"
        "n = torch.tensor([16000]); print(json.dumps([t.build(c)(x, n)[0].sum().item() for c in ('someone/tiny', 'someone/tiny:main', "
        f"{str(tmp_path / 'models--someone--tiny' / 'snapshots' / commit)!r})]))"
    )
    one, two, three = _python(code, tmp_path)
    assert one == two == pytest.approx(three, abs=1e-3)


def _as_a_blob(file: Path, home: Path) -> Path:
    """A file as the hub's client keeps it: named by its hash, with a link to it where the model lies."""
    blob = home / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
    blob.parent.mkdir(exist_ok=True)
    file.rename(blob)
    file.symlink_to(blob)
    return blob


def test_a_flipped_byte_in_a_kept_hub_model_is_found(tmp_path: Path) -> None:
    commit = _kept(tmp_path, "hubert_group")
    home = tmp_path / "models--someone--tiny"
    folder = home / "snapshots" / commit
    blob = _as_a_blob(folder / "model.safetensors", home)
    before = open_model(f"transformers/{folder}", cache=tmp_path).revision
    code = (
        "import json\nfrom pathlib import Path\nfrom noss.pipeline._models import open_model\nfrom noss.errors import ModelError\n"
        "try: print(json.dumps(open_model('transformers/someone/tiny', cache=None).card.dim))\n"
        "except ModelError as e: print(json.dumps(str(e)))"
    )
    assert _python(code, tmp_path) == 32
    content = bytearray(blob.read_bytes())
    content[-5] ^= 1
    blob.write_bytes(content)
    message = _python(code, tmp_path)
    assert f"model.safetensors is damaged: its SHA-256 is {hashlib.sha256(content).hexdigest()}" in message
    assert message.endswith(f"delete {blob}, and it is fetched again")
    with pytest.raises(ModelError, match="is damaged"):
        open_model(f"transformers/{folder}", cache=tmp_path)
    content[-5] ^= 1
    blob.write_bytes(content)
    assert open_model(f"transformers/{folder}", cache=tmp_path).revision == before


def test_a_hub_model_that_cannot_be_had_is_an_error_of_one_line(tmp_path: Path) -> None:
    code = (
        "import json\nfrom noss.models import transformers as t\nfrom noss.errors import ModelError\n"
        "try: t.card('someone/else')\nexcept ModelError as e: print(json.dumps(str(e)))"
    )
    message = _python(code, tmp_path)
    assert message.startswith("someone/else is neither a folder here nor to be had from the hub (")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("family", "kind", "part"),
    [("sew", "SEWModel", ""), ("sew_d", "SEWDModel", ""), ("moonshine", "MoonshineModel", "encoder")],
)
def test_more_waveform_models_equal_the_library(family: str, kind: str, part: str, tmp_path: Path) -> None:
    folder = tiny_models.transformer(family, tmp_path)
    if family != "moonshine":
        library.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    clip = torch.from_numpy(_speech(1.3))[None]
    net = getattr(library, kind).from_pretrained(folder).eval()
    with torch.no_grad():
        expected = (getattr(net, part) if part else net)(clip).last_hidden_state
    frames, lengths = _embed(folder, _speech(1.3))
    assert lengths.tolist() == [expected.shape[1]]
    torch.testing.assert_close(frames[:, 0], expected, rtol=0, atol=1e-5)


def test_layers_of_sew_run_at_the_squeezed_rate(tmp_path: Path) -> None:
    folder = tiny_models.transformer("sew", tmp_path)
    rates = [transformers.card(str(folder), layer=layer).frame_rate for layer in (None, "1", "all")]
    assert rates == [50.0, 25.0, 25.0]
    frames, lengths = _embed(folder, _speech(2.0), layer="all")
    assert (frames.shape[1], lengths.tolist()) == (4, [49])


def test_clap_equals_the_documented_usage(tmp_path: Path) -> None:
    folder = tiny_models.transformer("clap", tmp_path)
    card = transformers.card(str(folder))
    assert (card.sample_rate, card.dim, card.frame_rate, card.window_s) == (48_000, 24, 0.0, 10.0)
    clip = _speech(3.0)  # taken as 1 s at 48 kHz
    features = library.ClapFeatureExtractor(truncation="rand_trunc")(clip, sampling_rate=48_000, return_tensors="pt")
    with torch.no_grad():
        expected = library.ClapModel.from_pretrained(folder).eval().get_audio_features(**features).pooler_output
    frames, lengths = _embed(folder, clip)
    assert lengths.tolist() == [1]
    torch.testing.assert_close(frames[:, 0, 0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "dim", "rate", "hertz"),
    [("encodec", 16, 75.0, 24_000), ("dac", 64, 31.25, 16_000), ("mimi", 32, 12.5, 24_000)],
)
def test_a_codec_gives_what_it_would_quantise(family: str, dim: int, rate: float, hertz: int, tmp_path: Path) -> None:
    folder = tiny_models.transformer(family, tmp_path)
    card = transformers.card(str(folder))
    assert (card.dim, card.frame_rate, card.sample_rate, card.masks_padding) == (dim, rate, hertz, False)
    clip = torch.from_numpy(_speech(1.5))[None]
    with torch.no_grad():
        encoded = library.AutoModel.from_pretrained(folder).eval().encoder(clip[:, None])
    expected = (encoded if isinstance(encoded, torch.Tensor) else encoded.latents).transpose(1, 2)
    frames, lengths = _embed(folder, _speech(1.5))
    torch.testing.assert_close(frames[:, 0], expected[:, : int(lengths[0])], rtol=0, atol=1e-5)


def _adapter(folder: Path, language: str, *, level: float) -> None:
    """An adapter as MMS keeps them: one file a language, with a head that is not needed here."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    own = {
        f"wav2vec2.{name}": torch.full_like(value, level) for name, value in weights.items() if "adapter_layer" in name
    }
    save_file({**own, "lm_head.weight": torch.zeros(3, 3)}, folder / f"adapter.{language}.safetensors")


def test_an_adapter_of_a_language_is_put_in_and_is_part_of_the_revision(tmp_path: Path) -> None:
    folder = tiny_models.transformer("mms", tmp_path)
    _adapter(folder, "fra", level=0.02)
    _adapter(folder, "swh", level=0.03)
    net = library.AutoModel.from_pretrained(folder).eval()
    own = {name: torch.full_like(value, 0.02) for name, value in net.state_dict().items() if "adapter_layer" in name}
    net.load_state_dict(own, strict=False)
    clip = library.Wav2Vec2FeatureExtractor(do_normalize=True)(_speech(), sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        expected = net(clip.input_values, attention_mask=torch.ones(1, RATE).long()).last_hidden_state
    frames = transformers.build(f"{folder}#fra")(torch.from_numpy(_speech())[None], torch.tensor([RATE]))[0]
    torch.testing.assert_close(frames[:, 0], expected, rtol=0, atol=1e-5)
    assert len({open_model(f"transformers/{folder}{name}").revision for name in ("", "#fra", "#swh")}) == 3
    with pytest.raises(ModelError, match=r"has no adapter\.deu\.safetensors: it has adapters for fra, swh"):
        transformers.card(f"{folder}#deu")


def test_a_model_that_keeps_its_adapters_apart_asks_for_one(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny_models.transformer("mms", tmp_path)
    _adapter(folder, "fra", level=0.02)
    weights = {k: v for k, v in load_file(folder / "model.safetensors").items() if "adapter_layer" not in k}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="keeps its adapters in files of their own: name one"):
        transformers.build(str(folder))
    transformers.build(f"{folder}#fra")


REMOTE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel


class TinyConfig(PretrainedConfig):
    model_type = "tiny_remote"


class TinyModel(PreTrainedModel):
    config_class = TinyConfig

    def __init__(self, config):
        super().__init__(config)
        self.kernel = torch.nn.Parameter(torch.ones(4, 1, 400))
        self.post_init()

    def forward(self, input_values, output_hidden_states=False):
        frames = torch.nn.functional.conv1d(input_values[:, None], self.kernel, stride=160).transpose(1, 2)
        return {"last_hidden_state": frames, "hidden_states": (frames, frames + 1)}
"""


def test_code_of_a_repository_is_run_only_where_it_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = tmp_path / "tiny"
    sprung = tmp_path / "sprung"
    tiny_models.source(folder / "modeling_tiny.py", f"open({str(sprung)!r}, 'w').close()\n{REMOTE}")
    own = {"AutoConfig": "modeling_tiny.TinyConfig", "AutoModel": "modeling_tiny.TinyModel"}
    (folder / "config.json").write_text(json.dumps({"model_type": "tiny_remote", "auto_map": own}), encoding="utf-8")
    kernel = torch.randn(4, 1, 400, generator=torch.Generator().manual_seed(0))
    save_file({"kernel": kernel}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=r"run code of its own, modeling_tiny\.TinyModel: .*--trust-remote-code transformers/"
    ):
        open_model(f"transformers/{folder}")
    assert not sprung.exists()
    card = open_model(f"transformers/{folder}", trust_remote_code=True).card
    assert (card.dim, card.frame_rate, card.sample_rate) == (4, 100.0, RATE)
    clip = torch.from_numpy(_speech())[None]
    frames = transformers.build(str(folder), trust_remote_code=True)(clip, torch.tensor([RATE]))[0]
    expected = torch.nn.functional.conv1d(clip[:, None], kernel, stride=160).transpose(1, 2)
    torch.testing.assert_close(frames[:, 0], expected, rtol=0, atol=1e-5)


def test_a_half_downloaded_snapshot_is_one_line(tmp_path: Path) -> None:
    folder = tiny_models.transformer("hubert_group", tmp_path)
    (folder / "model.safetensors").unlink()
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}), encoding="utf-8")
    (folder / shards["a"]).write_bytes(b"")
    with pytest.raises(
        ModelError, match=r"is half downloaded: model-00002-of-00002\.safetensors .*fetch it again"
    ) as caught:
        transformers.card(str(folder))
    assert "\n" not in str(caught.value)


def test_a_pointer_of_git_lfs_is_not_taken_for_weights(tmp_path: Path) -> None:
    folder = tiny_models.transformer("hubert_group", tmp_path)
    (folder / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", encoding="utf-8"
    )
    with pytest.raises(ModelError, match="is a pointer of Git LFS and not the weights: run git lfs pull"):
        transformers.card(str(folder))
