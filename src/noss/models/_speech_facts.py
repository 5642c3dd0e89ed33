"""What a transformer's `config.json` says about the embeddings it will give, read without loading anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from noss.errors import ModelError
from noss.models._speech_families import FAMILIES, Family, Kind
from noss.models._speech_source import Source

WIN_LENGTH, HOP_LENGTH = 400, 160


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A transformer's shape and what its front end does.

    `layer` is None for the output of the last layer, "all" for every hidden state, or the number of one of them: 0 is
    what enters the first layer, `num_layers` what leaves the last. `front_end` are the settings of its feature extractor.
    `step` are the samples from one frame to the next, 0 for one vector a clip; `squeeze` how many frames of its convolutions
    share a row of its layers.
    """

    family: Family
    sample_rate: int
    dim: int
    num_layers: int
    masks_padding: bool
    layer: int | Literal["all"] | None
    step: int
    squeeze: int = 1
    channels: int = 1
    kernels: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    front_end: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """How the model is fed."""
        return self.family.kind

    @property
    def layers(self) -> int:
        """Layers an embedding has, L."""
        return self.num_layers + 1 if self.layer == "all" else 1

    @property
    def frame_rate(self) -> float:
        """Frames a second; 0.0 for one vector a clip."""
        return self.sample_rate / self.step if self.step else 0.0

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
        return float(self.front_end.get("max_length_s", 30.0))

    def _needed(self) -> int:
        if self.kind in {"codec", "extracted"}:
            return max(2 * self.step, self.sample_rate // 10)
        if self.kind == "waveform":
            samples = self.squeeze
            for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
                samples = (samples - 1) * stride + kernel
            return samples
        return WIN_LENGTH + (HOP_LENGTH if self.kind == "bert" else 0)


def read(source: Source, *, layer: str | None) -> Facts:
    """The facts of a model that lies at a source.

    Raises:
        ModelError: It is of no family that is known here, or has no such layer.
    """
    whole = source.json("config.json") or {}
    name = str(whole.get("model_type"))
    if name not in FAMILIES:
        raise ModelError(
            f"{source.page} is a {name} model: known here are {', '.join(FAMILIES)}; wrap it in a file of your own"
        )
    family = FAMILIES[name]
    config = whole.get(family.section, {}) if family.section else whole
    num_layers = int(config.get(family.size, 12)) if family.size else 0
    front_end = _front_end(source, family, config)
    chosen = _layer(layer, num_layers if family.size else None, source)
    squeeze = int(config.get("squeeze_factor", 1)) if family.kind == "waveform" else 1
    kernels = family.kernels or tuple(zip(*_convolutions(config), strict=True))
    step = _step(family, config, kernels)
    return Facts(
        family=family,
        sample_rate=int(
            config.get("sampling_rate", 24_000) if family.kind == "codec" else front_end.get("sampling_rate", 16_000)
        ),
        dim=_dim(family, config),
        num_layers=num_layers,
        masks_padding=_masks_padding(family, config),
        layer=chosen,
        step=step if chosen is None else step * squeeze,
        squeeze=squeeze,
        channels=int(config.get("audio_channels", 1)),
        kernels=tuple(kernel for kernel, _ in kernels),
        strides=tuple(stride for _, stride in kernels),
        front_end=front_end,
    )


def _convolutions(config: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Kernels and strides over samples, as wav2vec 2.0 has them unless the model says otherwise."""
    kernels, strides = (
        config.get("conv_kernel", (10, 3, 3, 3, 3, 2, 2)),
        config.get("conv_stride", (5, 2, 2, 2, 2, 2, 2)),
    )
    return (tuple(kernels), tuple(strides)) if isinstance(kernels, list | tuple) else ((), ())


def _step(family: Family, config: Mapping[str, Any], kernels: tuple[tuple[int, int], ...]) -> int:
    if family.kind == "waveform":
        return prod(stride for _, stride in kernels)
    if family.kind == "codec":
        ratios = config.get("downsampling_ratios") or config.get("upsampling_ratios") or (8, 5, 4, 2)
        return prod(ratios) * (2 if config.get("model_type") == "mimi" else 1)
    return family.step


def _dim(family: Family, config: Mapping[str, Any]) -> int:
    if "downsampling_ratios" in config:  # a codec whose width doubles where its length shrinks
        return int(config["encoder_hidden_size"]) * int(2 ** len(config["downsampling_ratios"]))
    return int(config.get(family.dim, 512 if family.dim == "projection_dim" else 768))


def _masks_padding(family: Family, config: Mapping[str, Any]) -> bool:
    grouped = family.kind == "waveform" and config.get("feat_extract_norm", "group") != "layer"
    return not (family.leaks or grouped)


def _front_end(source: Source, family: Family, config: Mapping[str, Any]) -> dict[str, Any]:
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
        "codec": {},
        "extracted": _clap(config) if "audio_config" in config else {},
    }
    own = (
        source.json("preprocessor_config.json")
        or (source.json("processor_config.json") or {}).get("feature_extractor")
        or {}
    )
    return {**defaults[family.kind], **family.defaults, **own}


def _clap(config: Mapping[str, Any]) -> dict[str, Any]:
    """CLAP's features have four channels where it fuses views of a long clip; windows here are never longer than one."""
    return {"truncation": "fusion" if config["audio_config"].get("enable_fusion") else "rand_trunc"}


def _layer(text: str | None, num_layers: int | None, source: Source) -> int | Literal["all"] | None:
    if text is None:
        return None
    if num_layers is None:
        raise ModelError(f"{source.page} has one layer and {text!r} is asked for: leave @{text} out")
    if text == "all":
        return "all"
    if not text.isdecimal() or int(text) > num_layers:
        raise ModelError(
            f"{source.page} has no layer {text!r}: write @0 to @{num_layers}, @all, or nothing for the last one"
        )
    return int(text)
