"""Small models of every kind that is wrapped, written by the tests themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from noss.models import _savedmodel

WAVEFORM = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": (24,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
LAYER = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
WHISPER = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "vocab_size": 50,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
SEW = WAVEFORM | {
    "squeeze_factor": 2,
    "conv_dim": (16,) * 7,
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
}
DECODED = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "vocab_size": 50,
}
SPOKEN = DECODED | {"hidden_size": 32, "vocab_size": 81, "conv_dim": (24,) * 7}
SPOKEN |= {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
MOONSHINE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "encoder_num_hidden_layers": 2,
    "decoder_num_hidden_layers": 1,
    "encoder_num_attention_heads": 4,
    "decoder_num_attention_heads": 4,
    "vocab_size": 50,
}
SEAMLESS = {
    "hidden_size": 32,
    "speech_encoder_layers": 2,
    "speech_encoder_attention_heads": 4,
    "speech_encoder_intermediate_size": 64,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "vocab_size": 50,
}
CLAP = {
    "audio_config": {
        "hidden_size": 128,
        "patch_embeds_hidden_size": 16,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [2, 2, 2, 2],
        "projection_dim": 24,
    },
    "text_config": {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "vocab_size": 50,
        "projection_dim": 24,
    },
    "projection_dim": 24,
}
CODEC = {"codebook_size": 16, "codebook_dim": 16}
ENCODEC = CODEC | {"num_filters": 4, "hidden_size": 16, "num_lstm_layers": 1}
DAC = CODEC | {"encoder_hidden_size": 4, "decoder_hidden_size": 32, "n_codebooks": 2}
MIMI = CODEC | {
    "num_filters": 4,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 8,
    "intermediate_size": 64,
    "vector_quantization_hidden_dimension": 8,
    "num_quantizers": 4,
    "num_semantic_quantizers": 1,
    "upsample_groups": 32,
}
# family -> (class in the library, settings)
TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "wav2vec2_group": ("Wav2Vec2", WAVEFORM),
    "wav2vec2_layer": ("Wav2Vec2", WAVEFORM | LAYER),
    "hubert_group": ("Hubert", WAVEFORM),
    "hubert_layer": ("Hubert", WAVEFORM | LAYER),
    "wavlm_group": ("WavLM", WAVEFORM),
    "wavlm_layer": ("WavLM", WAVEFORM | LAYER),
    "data2vec": ("Data2VecAudio", WAVEFORM | {"num_conv_pos_embeddings": 3}),
    "unispeech": ("UniSpeech", WAVEFORM | LAYER),
    "unispeech_sat": ("UniSpeechSat", WAVEFORM | LAYER),
    "conformer": ("Wav2Vec2Conformer", WAVEFORM | {"feat_extract_norm": "layer"}),
    "whisper": ("Whisper", WHISPER),
    "ast": ("AST", SMALL | {"max_length": 256}),
    "w2v_bert": ("Wav2Vec2Bert", SMALL | {"output_hidden_size": 32}),
    "mms": ("Wav2Vec2", WAVEFORM | LAYER | {"adapter_attn_dim": 8}),
    "sew": ("SEW", SEW),
    "sew_d": ("SEWD", SEW),
    "speecht5": ("SpeechT5ForSpeechToText", SPOKEN),
    "moonshine": ("Moonshine", MOONSHINE),
    "speech_to_text": ("Speech2Text", DECODED | {"conv_channels": 32}),
    "seamless": ("SeamlessM4TForSpeechToText", SEAMLESS),
    "seamless_v2": ("SeamlessM4Tv2ForSpeechToText", SEAMLESS),
    "parakeet": ("ParakeetEncoder", SMALL | {"subsampling_conv_channels": 8}),
    "clap": ("Clap", CLAP),
    "encodec": ("Encodec", ENCODEC),
    "dac": ("Dac", DAC),
    "mimi": ("Mimi", MIMI),
}


def transformer(family: str, folder: Path) -> Path:
    """A randomly initialised transformer of a family, as save_pretrained writes it."""
    import torch
    import transformers

    name, settings = TRANSFORMERS[family]
    torch.manual_seed(0)
    kind = getattr(transformers, name if name.endswith(("SpeechToText", "Encoder")) else f"{name}Model")
    kind(kind.config_class(**settings)).save_pretrained(folder)
    return folder


def onnx_graph(path: Path, *, dim: int = 8, batch: str | int = "batch", nan: bool = False) -> Path:
    """A graph that maps waveforms (B, T) to frames (B, S, D) by one convolution of 400 samples every 160."""
    from onnx import TensorProto, helper, numpy_helper, save

    kernel = np.random.default_rng(0).normal(size=(dim, 1, 400)).astype(np.float32) / 20
    constants = [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.array([1]), "one")]
    nodes = [
        helper.make_node("Unsqueeze", ["waveform", "one"], ["channels"]),
        helper.make_node("Conv", ["channels", "kernel"], ["filtered"], strides=[160]),
        helper.make_node("Log" if nan else "Tanh", ["filtered"], ["bounded"]),
        helper.make_node("Transpose", ["bounded"], ["frames"], perm=[0, 2, 1]),
    ]
    source = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [batch, "time"])
    target = helper.make_tensor_value_info("frames", TensorProto.FLOAT, [batch, "steps", dim])
    graph = helper.make_graph(nodes, "tiny", [source], [target], constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def litert_graph(path: Path, *, window: int = 400, dim: int = 8) -> Path:
    """A graph that maps one window (1, 400) to `hidden` (1, D), a plain matrix product, and that to its tanh."""
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    matrix = np.random.default_rng(0).normal(size=(dim, window)).astype(np.float32) / 20
    buffers = [schema.BufferT(), schema.BufferT()]
    buffers[1].data = list(matrix.tobytes())
    shapes = {
        "waveform": ([1, window], 0),
        "matrix": ([dim, window], 1),
        "hidden": ([1, dim], 0),
        "bounded": ([1, dim], 0),
    }
    graph = schema.SubGraphT()
    graph.tensors = [_tensor(schema, name, shape, buffer) for name, (shape, buffer) in shapes.items()]
    graph.inputs, graph.outputs = [0], [3]
    graph.operators = [_operator(schema, 0, [0, 1, -1], [2]), _operator(schema, 1, [2], [3])]
    graph.operators[0].builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    graph.operators[0].builtinOptions = schema.FullyConnectedOptionsT()
    model = schema.ModelT()
    model.version, model.subgraphs, model.buffers = 3, [graph], buffers
    model.operatorCodes = [
        _code(schema, schema.BuiltinOperator.FULLY_CONNECTED),
        _code(schema, schema.BuiltinOperator.TANH),
    ]
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _tensor(schema: Any, name: str, shape: list[int], buffer: int) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), shape, schema.TensorType.FLOAT32, buffer
    return tensor


def _operator(schema: Any, code: int, inputs: list[int], outputs: list[int]) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, outputs
    return operator


def _code(schema: Any, operator: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = 1
    return code


def card_file(model: Path, **facts: Any) -> Path:
    """The card file beside a graph."""
    path = model.with_name(model.name + ".card.json")
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


HEAR = """
import torch


class Model(torch.nn.Module):
    sample_rate, scene_embedding_size, timestamp_embedding_size = 16_000, 12, 6

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.kernel = torch.nn.Parameter(torch.randn(6, 1, 800, generator=generator) / 30)

    def steps(self, audio):
        return torch.nn.functional.conv1d(audio[:, None], self.kernel, stride=800).tanh().transpose(1, 2)


def load_model(model_file_path=""):
    model = Model()
    if model_file_path:
        model.load_state_dict(torch.load(model_file_path, weights_only=True))
    return model


def get_timestamp_embeddings(audio, model):
    steps = model.steps(audio)
    return steps, (torch.arange(steps.shape[1]) * 50.0).expand(len(audio), -1)


def get_scene_embeddings(audio, model):
    steps = model.steps(audio)
    return torch.cat([steps.mean(1), steps.amax(1)], dim=1)
"""


def hear_module(path: Path) -> Path:
    """A module with the HEAR 2021 API: 12-d scenes, 6-d time steps every 50 ms."""
    path.write_text(HEAR, encoding="utf-8")
    return path


XARES = """
import torch


class TinyEncoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.sampling_rate, self.output_dim, self.hop_size_in_ms = 16_000, 6, 50
        generator = torch.Generator().manual_seed(0)
        self.kernel = torch.nn.Parameter(torch.randn(6, 1, 800, generator=generator) / 30)

    def forward(self, audio):
        return torch.nn.functional.conv1d(audio[:, None], self.kernel, stride=800).tanh().transpose(1, 2)
"""
UPSTREAM = (
    XARES
    + """

class UpstreamExpert(TinyEncoder):
    def get_downsample_rates(self, key):
        return 800

    def forward(self, wavs):
        first = super().forward(torch.stack(wavs))
        return {"hidden_states": [first, first.square()]}
"""
)
HUBCONF = (
    XARES
    + """
dependencies = ["torch"]


def tiny():
    return TinyEncoder()
"""
)
SKLEARN = """
import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def _levels(rows):
    return np.stack([rows.mean(1), rows.std(1), np.abs(rows).max(1)], axis=1)


def make(size, dim=6):
    return make_pipeline(StandardScaler(), PCA(dim, random_state=0)).fit(np.random.default_rng(0).normal(size=(99, size)))


samples, bands, whole = make(400), make(128), FunctionTransformer(_levels)


def made():
    return make(800)
"""


def source(path: Path, text: str) -> Path:
    """A Python file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def exported(path: Path, *, dim: int = 8) -> Path:
    """A program of torch.export that maps waveforms (B, T) to frames (B, S, D), as `onnx_graph` does."""
    import torch

    generator = torch.Generator().manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = torch.nn.Parameter(torch.randn(dim, 1, 400, generator=generator) / 20)

        def forward(self, waveform_BT: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.conv1d(waveform_BT[:, None], self.kernel, stride=160).tanh().transpose(1, 2)

    sizes = {"waveform_BT": {0: torch.export.Dim("clips", min=1, max=4096), 1: torch.export.Dim("time", min=800)}}
    torch.export.save(torch.export.export(Net(), (torch.zeros(2, 16_000),), dynamic_shapes=sizes), path)
    return path


def openvino_graph(path: Path) -> Path:
    """The tiny ONNX graph as OpenVINO keeps it: an XML file, and its weights beside it."""
    import openvino

    graph = openvino.convert_model(str(onnx_graph(path.with_suffix(".onnx"))))
    openvino.save_model(graph, str(path), compress_to_fp16=False)
    return path


def vectors(path: Path, *, dim: int = 5) -> Path:
    """A table of vectors: two whole files and a segment of the first."""
    values = np.random.default_rng(0).normal(size=(3, dim)).astype(np.float32)
    columns = {
        "file": ["a.wav", "sub/b.wav", "a.wav"],
        "start": [0.0, 0.0, 0.5],
        "end": pa.array([None, None, 1.25], pa.float64()),
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), dim),
    }
    pq.write_table(pa.table(columns), path)
    return path


def savedmodel(folder: Path, *, dim: int = 8) -> Path:
    """A folder named as a SavedModel is, and in the cache what its conversion would have left: 400 samples every 160."""
    (folder / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
        (folder / name).write_bytes(name.encode())
    converted_before(folder, dim=dim)
    return folder


def converted_before(folder: Path, *, key: str = "", dim: int = 8, **facts: Any) -> Path:
    """The folder of the cache with the ONNX graph of a SavedModel's output, and the proof beside it."""
    home = _savedmodel.conversion(folder, key=key)
    home.mkdir(parents=True)
    _framer(home / "model.onnx", dim=dim)
    proof = [{"seconds": 1.0, "silence": False, "frames": 98, "difference": 2e-6, "largest": 1.0}]
    known = {
        "dim": dim,
        "frame_rate": 100.0,
        "min_s": 0.025,
        "window": None,
        "form": "(float samples)",
        "refused": None,
    }
    known |= {"proof": proof, "sha256": hashlib.sha256((home / "model.onnx").read_bytes()).hexdigest()}
    (home / "facts.json").write_text(json.dumps(known | facts), encoding="utf-8")
    return home


def _framer(path: Path, *, dim: int) -> None:
    """A graph that maps one clip (T,) to frames (S, D), as conversions do."""
    from onnx import TensorProto, helper, numpy_helper, save

    kernel = np.random.default_rng(0).normal(size=(dim, 1, 400)).astype(np.float32) / 20
    constants = [numpy_helper.from_array(kernel, "kernel")]
    constants += [numpy_helper.from_array(np.array(axes), name) for name, axes in (("front", [0, 1]), ("zero", [0]))]
    nodes = [
        helper.make_node("Unsqueeze", ["waveform", "front"], ["channels"]),
        helper.make_node("Conv", ["channels", "kernel"], ["filtered"], strides=[160]),
        helper.make_node("Tanh", ["filtered"], ["bounded"]),
        helper.make_node("Squeeze", ["bounded", "zero"], ["alone"]),
        helper.make_node("Transpose", ["alone"], ["frames"], perm=[1, 0]),
    ]
    source = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["time"])
    target = helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["steps", dim])
    graph = helper.make_graph(nodes, "framer", [source], [target], constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


def trained(folder: Path) -> Path:
    """What `noss train` leaves of a run, with the weights that the student began with."""
    import dataclasses

    from safetensors.torch import save_file

    from noss.models import audiontt

    step = folder / "checkpoints" / "step-0000001"
    step.mkdir(parents=True)
    weights = audiontt.build("512", seed=3).state_dict()
    save_file({name: weight.contiguous() for name, weight in weights.items()}, step / "student.safetensors")
    (folder / "checkpoints" / "best.json").write_text(json.dumps({"checkpoint": step.name}), encoding="utf-8")
    card = dataclasses.asdict(audiontt.CARDS["512"])
    facts = {"student": "audiontt/512", "options": {"seed": 0}, "objective": "triplet", "teacher": None}
    (folder / "model.json").write_text(json.dumps({**facts, "card": card, "trained_on": ["own"]}), encoding="utf-8")
    return folder


Maker = Callable[[Path], str]


def examples() -> dict[str, Maker]:
    """A name on the shelf for every kind of wrapped model, made in an empty folder."""
    makers: dict[str, Maker] = {
        "onnx": lambda folder: f"onnx/{onnx_graph(folder / 'tiny.onnx')}",
        "litert": lambda folder: f"litert/{litert_graph(folder / 'tiny.tflite')}",
        "hear": lambda folder: f"hear/{hear_module(folder / 'tiny.py').with_suffix('')}",
        "hear@timestamps": lambda folder: f"hear/{hear_module(folder / 'tiny.py').with_suffix('')}@timestamps",
        "savedmodel": lambda folder: f"savedmodel/{savedmodel(folder / 'tiny')}",
        "xares": lambda folder: f"xares/{source(folder / 'tiny.py', XARES)}",
        "s3prl": lambda folder: f"s3prl/{source(folder / 'tiny.py', UPSTREAM)}",
        "s3prl @all": lambda folder: f"s3prl/{source(folder / 'tiny.py', UPSTREAM)}@all",
        "torchhub": lambda folder: f"torchhub/{source(folder / 'hubconf.py', HUBCONF).parent}:tiny",
        "sklearn samples": lambda folder: f"sklearn/{source(folder / 'own.py', SKLEARN)}:samples",
        "sklearn bands@logmel": lambda folder: f"sklearn/{source(folder / 'own.py', SKLEARN)}:bands@logmel",
        "sklearn whole": lambda folder: f"sklearn/{source(folder / 'own.py', SKLEARN)}:whole",
        "torchexport": lambda folder: f"torchexport/{exported(folder / 'tiny.pt2')}",
        "openvino": lambda folder: f"openvino/{openvino_graph(folder / 'tiny.xml')}",
        "trained": lambda folder: f"trained/{trained(folder / 'run')}",
        "vectors": lambda folder: f"vectors/{vectors(folder / 'tiny.parquet')}",
    }
    for family in TRANSFORMERS:
        makers[f"transformers {family}"] = lambda folder, family=family: f"transformers/{transformer(family, folder)}"  # type: ignore[misc]
    makers["transformers @1"] = lambda folder: f"transformers/{transformer('wavlm_layer', folder)}@1"
    makers["transformers @all"] = lambda folder: f"transformers/{transformer('hubert_group', folder)}@all"
    return makers
