"""What a transformer's `config.json` says about the embeddings it will give, read without loading anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from noss.errors import ModelError
from noss.models._speech_source import Source

Kind = Literal["waveform", "whisper", "ast", "bert"]
KINDS: Mapping[str, Kind] = {
    "wav2vec2": "waveform",
    "hubert": "waveform",
    "wavlm": "waveform",
    "data2vec-audio": "waveform",
    "unispeech": "waveform",
    "unispeech-sat": "waveform",
    "wav2vec2-conformer": "waveform",
    "whisper": "whisper",
    "audio-spectrogram-transformer": "ast",
    "wav2vec2-bert": "bert",
}
# Convolutions over the whole width of a batch: padding reaches real frames through them.
LEAKING = frozenset({"data2vec-audio", "wav2vec2-conformer"})
WIN_LENGTH, HOP_LENGTH = 400, 160


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A transformer's shape and what its front end does.

    `layer` is None for the output of the last layer, "all" for every hidden state, or the number of one of them: 0 is
    what enters the first layer, `num_layers` what leaves the last. `front_end` are the settings of its feature extractor.
    """

    kind: Kind
    sample_rate: int
    dim: int
    num_layers: int
    masks_padding: bool
    layer: int | Literal["all"] | None
    kernels: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    front_end: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layers(self) -> int:
        """Layers an embedding has, L."""
        return self.num_layers + 1 if self.layer == "all" else 1

    @property
    def frame_rate(self) -> float:
        """Frames a second; 0.0 for one vector a clip."""
        if self.kind == "waveform":
            return self.sample_rate / prod(self.strides)
        return 0.0 if self.kind == "ast" else self.sample_rate / (2 * HOP_LENGTH)

    @property
    def min_s(self) -> float:
        """The shortest clip that gives a frame, in seconds."""
        if self.kind == "whisper":
            return 0.0
        return self._needed() / self.sample_rate

    @property
    def window_s(self) -> float:
        """The longest piece fed at once, in seconds."""
        if self.kind == "ast":
            return float(self.front_end["max_length"]) * HOP_LENGTH / self.sample_rate
        return 30.0

    def _needed(self) -> int:
        if self.kind == "waveform":
            samples = 1
            for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
                samples = (samples - 1) * stride + kernel
            return samples
        return WIN_LENGTH + (HOP_LENGTH if self.kind == "bert" else 0)


def read(source: Source, *, layer: str | None) -> Facts:
    """The facts of a model that lies at a source.

    Raises:
        ModelError: It is of no family that is known here, or has no such layer.
    """
    config = source.json("config.json") or {}
    family = str(config.get("model_type"))
    if family not in KINDS:
        raise ModelError(
            f"{source.page} is a {family} model: known here are {', '.join(KINDS)}; wrap it in a file of your own"
        )
    kind = KINDS[family]
    whisper = kind == "whisper"
    num_layers = int(config.get("encoder_layers" if whisper else "num_hidden_layers", 12))
    front_end = _front_end(source, kind, config)
    return Facts(
        kind=kind,
        sample_rate=int(front_end.get("sampling_rate", 16_000)),
        dim=int(config.get("d_model", 0) if whisper else config.get("hidden_size", 768)),
        num_layers=num_layers,
        masks_padding=kind != "waveform"
        or (family not in LEAKING and config.get("feat_extract_norm", "group") == "layer"),
        layer=_layer(layer, num_layers, source),
        kernels=tuple(config.get("conv_kernel", (10, 3, 3, 3, 3, 2, 2))),
        strides=tuple(config.get("conv_stride", (5, 2, 2, 2, 2, 2, 2))),
        front_end=front_end,
    )


def _front_end(source: Source, kind: Kind, config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the feature extractor: the library's defaults, then what the model's own file says."""
    defaults: dict[Kind, dict[str, Any]] = {
        "waveform": {"do_normalize": True},
        "whisper": {
            "feature_size": int(config.get("num_mel_bins", 80)),
            "n_fft": 400,
            "hop_length": HOP_LENGTH,
            "chunk_length": 30,
        },
        "ast": {
            "num_mel_bins": int(config.get("num_mel_bins", 128)),
            "max_length": int(config.get("max_length", 1024)),
            "do_normalize": True,
            "mean": -4.2677393,
            "std": 4.5689974,
        },
        "bert": {"num_mel_bins": 80, "stride": 2},
    }
    own = (
        source.json("preprocessor_config.json")
        or (source.json("processor_config.json") or {}).get("feature_extractor")
        or {}
    )
    return {**defaults[kind], **own}


def _layer(text: str | None, num_layers: int, source: Source) -> int | Literal["all"] | None:
    if text is None:
        return None
    if text == "all":
        return "all"
    if not text.isdecimal() or int(text) > num_layers:
        raise ModelError(
            f"{source.page} has no layer {text!r}: write @0 to @{num_layers}, @all, or nothing for the last one"
        )
    return int(text)
