"""The Conformer: the block of the library `transformers`, padding that never leaks, layers, sizes, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from noss.errors import ModelError
from noss.models import conformer
from noss.models._conformer import Block, Conformer, ConformerFrames, Size, sinusoids
from noss.pipeline._models import open_model

SIZES = {
    "relative": Size(dim=32, depth=3, num_heads=4, kernel=7, relative=True),
    "plain": Size(dim=32, depth=3, num_heads=4, kernel=5, relative=False),
}
NAMES = {
    "ffn1_layer_norm": "before.0",
    "ffn1.intermediate_dense": "before.1",
    "ffn1.output_dense": "before.4",
    "ffn2_layer_norm": "behind.0",
    "ffn2.intermediate_dense": "behind.1",
    "ffn2.output_dense": "behind.4",
    "self_attn_layer_norm": "attention.norm",
    "self_attn.linear_q": "attention.query",
    "self_attn.linear_k": "attention.key",
    "self_attn.linear_v": "attention.value",
    "self_attn.linear_out": "attention.out",
    "self_attn.linear_pos": "attention.position",
    "self_attn.pos_bias_u": "attention.content_bias",
    "self_attn.pos_bias_v": "attention.position_bias",
    "conv_module.layer_norm": "convolution.norm",
    "conv_module.pointwise_conv1": "convolution.gate",
    "conv_module.depthwise_conv": "convolution.depthwise",
    "conv_module.batch_norm": "convolution.batch_norm",
    "conv_module.pointwise_conv2": "convolution.out",
    "final_layer_norm": "norm",
}


def _ours(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The library's weights under our names and in our shapes."""
    renamed = {}
    for name, value in weights.items():
        for theirs, own in NAMES.items():
            if name.startswith(theirs):
                name = name.replace(theirs, own, 1)
                break
        if "pointwise" not in name and name.endswith(("content_bias", "position_bias")):
            value = value[:, None]
        renamed[name] = value[..., 0] if name in {"convolution.gate.weight", "convolution.out.weight"} else value
    return renamed


def _library(size: Size) -> Any:
    pytest.importorskip("transformers")
    from transformers import Wav2Vec2ConformerConfig
    from transformers.models.wav2vec2_conformer import modeling_wav2vec2_conformer as library

    config = Wav2Vec2ConformerConfig(
        hidden_size=size.dim,
        num_attention_heads=size.num_heads,
        intermediate_size=4 * size.dim,
        conv_depthwise_kernel_size=size.kernel,
        position_embeddings_type="relative" if size.relative else None,
        hidden_act="swish",
    )
    config._attn_implementation = "eager"
    return library.Wav2Vec2ConformerEncoderLayer(config).eval(), library.Wav2Vec2ConformerRelPositionalEmbedding(config)


@pytest.mark.parametrize("kind", SIZES)
def test_a_block_with_the_librarys_weights_gives_the_librarys_output(kind: str) -> None:
    torch.manual_seed(0)
    size = SIZES[kind]
    (library, embedding), own = _library(size), Block(size, dropout=0.1).eval()
    with torch.no_grad():
        for weights in library.parameters():
            weights.add_(0.2 * torch.randn_like(weights))
        library.conv_module.batch_norm.running_mean.normal_()
        library.conv_module.batch_norm.running_var.uniform_(0.5, 2.0)
        own.load_state_dict(_ours(library.state_dict()))
        frames = torch.randn(3, 41, size.dim)
        expected = library(frames, relative_position_embeddings=embedding(frames) if size.relative else None)
        positions = sinusoids(frames) if size.relative else None
        found = own(frames, torch.ones(3, 41, dtype=torch.bool), positions)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", SIZES)
def test_what_stands_behind_a_clip_changes_nothing(kind: str, training: bool) -> None:
    """Not in training either, where batch norm counts frames: dropout is off, all else is as in training."""
    torch.manual_seed(0)
    net = Conformer(SIZES[kind], dropout=0.0).train(training)
    logmel, lengths = torch.randn(2, 97, 80), torch.tensor([97, 58])
    other = torch.where(torch.arange(97)[None, :, None] < lengths[:, None, None], logmel, 50.0)
    with torch.no_grad():
        states, num_frames = net(logmel, lengths)
        others, _ = net(torch.nn.functional.pad(other, (0, 0, 0, 40), value=-9.0), lengths)
    assert num_frames.tolist() == [25, 15]
    for one, two in zip(states, others, strict=True):
        for row, size in enumerate(num_frames.tolist()):
            torch.testing.assert_close(one[row, :size], two[row, :size], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", SIZES)
def test_every_weight_learns_and_only_from_a_clips_own_frames(kind: str) -> None:
    torch.manual_seed(0)
    net = Conformer(SIZES[kind]).train()
    logmel = torch.randn(2, 40, 80, requires_grad=True)
    states, num_frames = net(logmel, torch.tensor([40, 24]))
    (states[-1][1, : int(num_frames[1])].square().mean() + states[-1][0].pow(3).mean()).backward()
    assert [name for name, weights in net.named_parameters() if weights.grad is None or not weights.grad.any()] == []
    assert logmel.grad is not None
    assert not logmel.grad[1, 24:].any()
    assert logmel.grad[1, :24].any()


def test_a_layer_is_the_same_alone_and_among_all() -> None:
    torch.manual_seed(0)
    models = {layer: ConformerFrames(SIZES["relative"], layer=layer).eval() for layer in (None, 0, 2, 3, "all")}
    waveform, lengths = torch.randn(2, 9000), torch.tensor([9000, 4000])
    with torch.inference_mode():
        for model in models.values():
            model.load_state_dict(models["all"].state_dict())
        every, num_frames = models["all"](waveform, lengths)
        alone = {layer: model(waveform, lengths)[0] for layer, model in models.items()}
    assert every.shape == (2, 4, 14, 32)
    assert num_frames.tolist() == [14, 6]
    for layer in (0, 2, 3):
        torch.testing.assert_close(alone[layer], every[:, layer : layer + 1])
    torch.testing.assert_close(alone[None], alone[3])


def test_layers_go_by_name() -> None:
    assert open_model("conformer/5m@all").card.layers == 10
    assert open_model("conformer/5m@6").card.layers == 1
    with pytest.raises(ModelError, match=r"conformer/5m has no layer '10': write @0 to @9"):
        open_model("conformer/5m@10")
    with pytest.raises(ModelError, match=r"no model 'conformer/60m'"):
        open_model("conformer/60m")


@pytest.mark.parametrize("choice", conformer.CARDS)
def test_the_parameters_are_those_of_the_card(choice: str) -> None:
    with torch.device("meta"):
        net = conformer.build(choice).net
    assert sum(weights.numel() for weights in net.parameters()) == conformer.CARDS[choice].num_parameters


@pytest.mark.long
@pytest.mark.parametrize("kind", SIZES)
def test_the_exported_file_gives_the_same_for_any_length_and_batch(kind: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model, path = ConformerFrames(SIZES[kind], layer="all").eval(), tmp_path / "net.onnx"
    example = (torch.randn(2, 8000), torch.tensor([8000, 7000]))
    batch, time = torch.export.Dim("batch"), torch.export.Dim("time", min=1200)
    shapes = {"waveform_BT": {0: batch, 1: time}, "lengths_B": {0: batch}}
    torch.onnx.export(model, example, str(path), dynamic_shapes=shapes, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(str(path))
    for size, lengths in ((5000, [5000]), (20_000, [20_000, 1_500, 9_999])):
        waveform = torch.randn(len(lengths), size) * (torch.arange(size) < torch.tensor(lengths)[:, None])
        fed = zip([entry.name for entry in session.get_inputs()], (waveform.numpy(), np.array(lengths)), strict=True)
        found, found_lengths = session.run(None, dict(fed))
        with torch.inference_mode():
            expected, num_frames = model(waveform, torch.tensor(lengths))
        assert found_lengths.tolist() == num_frames.tolist()
        for row, frames in enumerate(num_frames.tolist()):
            np.testing.assert_allclose(found[row, :, :frames], expected[row, :, :frames].numpy(), atol=1e-4)
