"""LiteRT graphs that take 16-bit samples or a sample rate, outputs by number or name, and operators nobody has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
from noss.errors import ModelError
from noss.models import _windows, litert, onnx, yamnet
from noss.pipeline._check_model import check_model

RATE = 16_000
FLOAT32, INT32, INT16 = 0, 2, 7  # of LiteRT's schema


def _noise(samples: int) -> torch.Tensor:
    return torch.from_numpy(0.1 * np.random.default_rng(0).standard_normal(samples).astype(np.float32))[None]


def _graph(path: Path, *, kind: int, rate: bool) -> Path:
    """A graph of one window (1, 400): its samples as floats (output 0) and, with a rate, these times the rate (output 1)."""
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    graph = schema.SubGraphT()
    names = [("samples", kind, [1, 400]), ("sample_rate", INT32, [1])]
    names += [("floats", FLOAT32, [1, 400]), ("rate", FLOAT32, [1]), ("product", FLOAT32, [1, 400])]
    graph.tensors = [_tensor(schema, name, dtype, shape) for name, dtype, shape in names]
    graph.inputs, graph.outputs = ([0, 1], [2, 4]) if rate else ([0], [2])
    graph.operators = [tiny_models._operator(schema, 0, [0], [2])]
    if rate:
        graph.operators += [tiny_models._operator(schema, 0, [1], [3]), tiny_models._operator(schema, 1, [2, 3], [4])]
        graph.operators[2].builtinOptionsType = schema.BuiltinOptions.MulOptions
        graph.operators[2].builtinOptions = schema.MulOptionsT()
    for operator in graph.operators[:2]:
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.CastOptions, schema.CastOptionsT()
        operator.builtinOptions.inDataType = kind if operator.inputs == [0] else INT32
        operator.builtinOptions.outDataType = FLOAT32
    model = schema.ModelT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    codes = [schema.BuiltinOperator.CAST, schema.BuiltinOperator.MUL]
    model.operatorCodes = [tiny_models._code(schema, code) for code in codes[: 2 if rate else 1]]
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _tensor(schema: Any, name: str, dtype: int, shape: list[int]) -> Any:
    tensor = tiny_models._tensor(schema, name, shape, 0)
    tensor.type = dtype
    return tensor


def test_16_bit_inputs_are_fed_the_samples_of_a_16_bit_file(tmp_path: Path) -> None:
    path = _graph(tmp_path / "int16.tflite", kind=INT16, rate=False)
    waveform = torch.tensor([[0.0, 1.0, -1.0, 0.5, 2.0, 1e-5] + [0.25] * 394])
    frames, _ = litert.build(str(path))(waveform, torch.tensor([400]))
    assert frames[0, 0, 0, :6].tolist() == [0, 32767, -32767, 16384, 32767, 0]


@pytest.mark.parametrize("output", ["1", "product"])
def test_a_second_input_is_fed_the_sample_rate_and_an_output_is_taken_by_number_or_name(
    output: str, tmp_path: Path
) -> None:
    path = _graph(tmp_path / "rate.tflite", kind=FLOAT32, rate=True)
    waveform = _noise(400)
    for name, factor in ((str(path), 1), (f"{path}:0", 1), (f"{path}:{output}", RATE)):
        assert litert.card(name).dim == 400
        frames, _ = litert.build(name)(waveform, torch.tensor([400]))
        torch.testing.assert_close(frames[0, 0, 0], factor * waveform[0])


def test_the_sample_rate_is_that_of_the_card_file(tmp_path: Path) -> None:
    path = _graph(tmp_path / "rate.tflite", kind=FLOAT32, rate=True)
    tiny_models.card_file(path, sample_rate=8000, dim=400, window=400, output="product")
    waveform = _noise(400)
    frames, _ = litert.build(str(path))(waveform, torch.tensor([400]))
    torch.testing.assert_close(frames[0, 0, 0], 8000 * waveform[0])


def test_an_output_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = _graph(tmp_path / "rate.tflite", kind=FLOAT32, rate=True)
    with pytest.raises(ModelError, match="has no tensor 'produce': did you mean product"):
        litert.build(f"{path}:produce")


def test_a_second_input_of_many_numbers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _graph(tmp_path / "rate.tflite", kind=FLOAT32, rate=True)
    card_path = tiny_models.card_file(path, sample_rate=RATE, dim=400, window=1, input="sample_rate")
    with pytest.raises(ModelError, match="takes samples, sample_rate: noss feeds a waveform, and a sample rate where"):
        litert.build(str(card_path))


def _custom(path: Path, *, domain: str, imported: bool) -> Path:
    from onnx import TensorProto, helper, save

    source = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["batch", "time"])
    target = helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["batch", 8])
    graph = helper.make_graph(
        [helper.make_node("MagicMel", ["waveform"], ["frames"], domain=domain)], "g", [source], [target]
    )
    known = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if imported and domain else [])
    save(helper.make_model(graph, opset_imports=known, ir_version=9), str(path))
    return path


@pytest.mark.parametrize(("domain", "imported"), [("mine.ops", True), ("mine.ops", False), ("", True)])
def test_a_custom_operator_gets_one_clear_line(domain: str, imported: bool, tmp_path: Path) -> None:
    path = _custom(tmp_path / "custom.onnx", domain=domain, imported=imported)
    with pytest.raises(
        ModelError, match=r"uses the custom operator (mine.ops:)?MagicMel, which onnxruntime does not"
    ) as caught:
        onnx.card(str(path))
    assert "\n" not in str(caught.value)


def test_an_output_of_an_onnx_graph_may_be_named_behind_its_path(tmp_path: Path) -> None:
    path = tiny_models.onnx_graph(tmp_path / "tiny.onnx")
    waveform, lengths = _noise(RATE), torch.tensor([RATE])
    torch.testing.assert_close(
        onnx.build(f"{path}:frames")(waveform, lengths)[0], onnx.build(str(path))(waveform, lengths)[0]
    )
    with pytest.raises(ModelError, match="has no tensor 'other'"):
        onnx.card(f"{path}:other")


def test_layer_10_of_yamnet_is_below_its_embedding(noss_data: Path) -> None:
    path = noss_data / "weights" / "yamnet" / "yamnet.tflite"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    card = yamnet.card("layer10")
    assert (card.dim, card.frame_rate) == (12_288, RATE / 7680)
    waveform, lengths = _noise(2 * RATE), torch.tensor([2 * RATE])
    frames, counts = yamnet.build("layer10")(waveform, lengths)
    assert frames.shape == (1, 1, int(counts[0]), 12_288)
    assert float(frames.min()) == 0.0  # behind its activation
    torch.testing.assert_close(yamnet.build(f"{path}:layer10")(waveform, lengths)[0], frames)
    assert counts.tolist() == yamnet.build("")(waveform, lengths)[1].tolist()


@pytest.mark.slow
def test_graphs_of_the_published_signatures_keep_the_contract(tmp_path: Path) -> None:
    """Written by TensorFlow's own converter: samples of any length, as float or int16, and a sample rate."""
    tf = pytest.importorskip("tensorflow")
    kernel = tf.constant(np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32) / 20)
    waveform = _noise(RATE)
    expected = _windows.cut(waveform[0].numpy(), window=400, hop=160)[:98] @ kernel.numpy()
    for kind in (tf.float32, tf.int16):

        @tf.function(input_signature=[tf.TensorSpec([None], kind), tf.TensorSpec([], tf.int32)])
        def embed(samples: Any, sample_rate: Any, kind: Any = kind) -> Any:
            floats = tf.cast(samples, tf.float32) / (1.0 if kind == tf.float32 else 32_767.0)
            rate = tf.cast(sample_rate, tf.float32) / 16_000.0
            maps = tf.nn.conv2d(floats[None, :, None, None], kernel[:, None, None, :], [1, 160, 1, 1], "VALID")
            return tf.reshape(maps, [-1, 6]) * rate

        path = tmp_path / f"{kind.name}.tflite"
        converter = tf.lite.TFLiteConverter.from_concrete_functions([embed.get_concrete_function()], embed)
        path.write_bytes(converter.convert())
        assert [str(verdict) for verdict in check_model(f"litert/{path}:0") if verdict.ok is False] == []
        frames, lengths = litert.build(str(path))(waveform, torch.tensor([RATE]))
        assert lengths.tolist() == [98]
        np.testing.assert_allclose(frames[0, 0].numpy(), expected, rtol=0, atol=1e-3 if kind == tf.int16 else 1e-5)
