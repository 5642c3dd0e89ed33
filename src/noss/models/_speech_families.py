"""The families of audio encoders in transformers: what each is called there, and how its encoder is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Kind = Literal["waveform", "whisper", "ast", "bert", "codec", "extracted"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the models of one `model_type` are read.

    Attributes:
        kind: How they are fed.
        net: The class that holds the encoder, with all its weights.
        path: Where the encoder stands in it, as dotted names; a name with `()` is called.
        method: What is called in place of the encoder itself.
        weights: What the names of the encoder's weights hold.
        section: The part of config.json that describes the encoder.
        dim: The field of its size.
        size: The field of its number of layers; empty where no layer but the last is given.
        step: Samples from one frame to the next, where nothing in config.json says so; 0 for one vector a clip.
        leaks: Whether padding reaches real frames though a mask is given: convolutions over the whole width of a batch.
        kernels: Its convolutions over samples, (kernel, stride) each; None to read them from config.json.
        extractor: The library's own feature extractor, for kind `extracted`.
        options: Settings that make the rest of the model small.
        defaults: Settings of its feature extractor where the model brings none.
    """

    kind: Kind
    net: str = "AutoModel"
    path: str = ""
    method: str = ""
    weights: str = ""
    section: str = ""
    dim: str = "hidden_size"
    size: str = "num_hidden_layers"
    step: int = 320
    leaks: bool = False
    kernels: tuple[tuple[int, int], ...] | None = None
    extractor: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


_WAVEFORM = Family(kind="waveform")
_LEAKING = Family(kind="waveform", leaks=True)
_CODEC = Family(kind="codec", path="encoder", weights="encoder.", size="", leaks=True)
_SEAMLESS = Family(
    kind="bert",
    net="SeamlessM4TForSpeechToText",
    path="speech_encoder",
    weights="speech_encoder.",
    size="speech_encoder_layers",
    leaks=True,
)
_PARAKEET = Family(kind="extracted", step=1280, extractor="ParakeetFeatureExtractor", leaks=True)

FAMILIES: Mapping[str, Family] = {
    "wav2vec2": _WAVEFORM,
    "hubert": _WAVEFORM,
    "wavlm": _WAVEFORM,
    "data2vec-audio": _LEAKING,
    "unispeech": _WAVEFORM,
    "unispeech-sat": _WAVEFORM,
    "wav2vec2-conformer": _LEAKING,
    "sew": _LEAKING,
    "sew-d": _LEAKING,
    "speecht5": Family(
        kind="waveform",
        net="SpeechT5ForSpeechToText",
        path="speecht5.encoder",
        weights="speecht5.encoder.",
        size="encoder_layers",
        leaks=True,
        defaults={"do_normalize": False},
    ),
    "moonshine": Family(
        kind="waveform",
        path="get_encoder()",
        weights="encoder.",
        size="encoder_num_hidden_layers",
        leaks=True,
        kernels=((127, 64), (7, 3), (3, 2)),
        defaults={"do_normalize": False},
    ),
    "whisper": Family(
        kind="whisper",
        path="get_encoder()",
        weights="encoder.",
        dim="d_model",
        size="encoder_layers",
        options={"decoder_layers": 0},
    ),
    "audio-spectrogram-transformer": Family(kind="ast", step=0),
    "wav2vec2-bert": Family(kind="bert"),
    "seamless_m4t": _SEAMLESS,
    "seamless_m4t_v2": replace(_SEAMLESS, net="SeamlessM4Tv2ForSpeechToText"),
    "speech_to_text": Family(
        kind="extracted",
        path="get_encoder()",
        weights="encoder.",
        dim="d_model",
        size="encoder_layers",
        step=640,
        extractor="Speech2TextFeatureExtractor",
        leaks=True,
    ),
    "parakeet_encoder": _PARAKEET,
    "parakeet_ctc": replace(
        _PARAKEET, net="ParakeetForCTC", path="encoder", weights="encoder.", section="encoder_config"
    ),
    "clap": Family(
        kind="extracted",
        method="get_audio_features",
        weights="audio_",
        dim="projection_dim",
        size="",
        step=0,
        extractor="ClapFeatureExtractor",
        defaults={"sampling_rate": 48_000, "max_length_s": 10},
    ),
    "encodec": _CODEC,
    "dac": _CODEC,
    "mimi": _CODEC,
}
