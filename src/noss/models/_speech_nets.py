"""Speech transformers as embedders: one front end a kind, one forward for all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from noss.errors import ModelError
from noss.models import _adapters, _fbank
from noss.models._speech_facts import Facts
from noss.models._speech_families import Kind
from noss.models._speech_more import Codec, Extracted, Fed
from noss.models._speech_source import Source
from noss.shelf import require


class SpeechTransformer(nn.Module):
    """A transformer with its own front end before it and the wanted hidden states behind it."""

    def __init__(self, source: Source, facts: Facts) -> None:
        super().__init__()
        self.facts = facts
        self.front_end = FRONT_ENDS[facts.kind](facts)
        self.net = _load(source, facts)

    @torch.no_grad()
    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to frames (B, L, S, D) and their number (B,)."""
        fed, frame_lengths_B = self.front_end(waveform_BT, lengths_B)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask", category=UserWarning)
            out = self._outputs(fed)
        frames_BLSD = torch.stack(_picked(out, self.facts), dim=1)
        if self.facts.kind == "ast":
            frames_BLSD = frames_BLSD[:, :, :2].mean(dim=2, keepdim=True)
        frame_lengths_B = frame_lengths_B.clamp(max=frames_BLSD.shape[2])
        return frames_BLSD[:, :, : int(frame_lengths_B.max())], frame_lengths_B

    def _outputs(self, fed: dict[str, Tensor]) -> Any:
        family = self.facts.family
        if family.method:
            return getattr(self.net, family.method)(**fed)
        if family.kind == "codec":
            return self.net(fed["input_values"])
        return self.net(**fed, output_hidden_states=self.facts.layer is not None)


class _Waveform(nn.Module):
    """Samples, standardised a clip where the model was trained so, with a mask where it was trained with one."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.facts = facts

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> Fed:
        if self.facts.front_end["do_normalize"]:
            waveform_BT = _fbank.standardised(waveform_BT[..., None], lengths_B, unbiased=False)[..., 0]
        frame_lengths_B = lengths_B
        for kernel, stride in zip(self.facts.kernels, self.facts.strides, strict=True):
            frame_lengths_B = (frame_lengths_B - kernel).div(stride, rounding_mode="floor") + 1
        if self.facts.layer is not None:
            frame_lengths_B = frame_lengths_B.div(self.facts.squeeze, rounding_mode="floor")
        fed = {"input_values": waveform_BT}
        if self.facts.masks_padding:
            fed["attention_mask"] = _mask(lengths_B, waveform_BT.shape[1])
        return fed, frame_lengths_B


class _Whisper(nn.Module):
    """Whisper's log-mel of 30 s; the encoder's frames that the clip reaches count."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        settings = facts.front_end
        self.stride = 2 * settings["hop_length"]
        self.logmel = _fbank.WhisperLogMel(
            n_mels=settings["feature_size"],
            sample_rate=facts.sample_rate,
            n_fft=settings["n_fft"],
            hop_length=settings["hop_length"],
            chunk_s=settings["chunk_length"],
        )

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> Fed:
        return {"input_features": self.logmel(waveform_BT)}, (lengths_B + self.stride - 1).div(
            self.stride, rounding_mode="floor"
        )


class _Ast(nn.Module):
    """AST's filter bank, zeros behind the clip up to the model's fixed length, then its fixed standardisation."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.settings = facts.front_end
        self.fbank = _fbank.KaldiFbank(
            n_mels=self.settings["num_mel_bins"], sample_rate=facts.sample_rate, window="hann", scale=1.0
        )

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> Fed:
        size = self.settings["max_length"]
        fbank_BSM = self.fbank(waveform_BT)[:, :size]
        fbank_BSM = fbank_BSM * _mask(_fbank.num_frames(lengths_B), fbank_BSM.shape[1])[..., None]
        fbank_BSM = nn.functional.pad(fbank_BSM, (0, 0, 0, size - fbank_BSM.shape[1]))
        if self.settings["do_normalize"]:
            fbank_BSM = (fbank_BSM - self.settings["mean"]) / (2 * self.settings["std"])
        return {"input_values": fbank_BSM}, torch.ones_like(lengths_B)


class _Bert(nn.Module):
    """W2V-BERT's filter bank, standardised a band over the clip, two frames to a row."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.stride = int(facts.front_end["stride"])
        bands = facts.front_end["num_mel_bins"]
        self.fbank = _fbank.KaldiFbank(n_mels=bands, sample_rate=facts.sample_rate, window="povey", scale=2.0**15)

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> Fed:
        num_frames_B = _fbank.num_frames(lengths_B)
        fbank_BSM = _fbank.standardised(self.fbank(waveform_BT), num_frames_B, unbiased=True)
        size = fbank_BSM.shape[1] // self.stride
        rows_BSD = fbank_BSM[:, : size * self.stride].reshape(len(fbank_BSM), size, -1)
        row_lengths_B = num_frames_B.div(self.stride, rounding_mode="floor")
        return {"input_features": rows_BSD, "attention_mask": _mask(row_lengths_B, rows_BSD.shape[1])}, row_lengths_B


FRONT_ENDS: Mapping[Kind, Callable[[Facts], nn.Module]] = {
    "waveform": _Waveform,
    "whisper": _Whisper,
    "ast": _Ast,
    "bert": _Bert,
    "codec": Codec,
    "extracted": Extracted,
}


def _mask(lengths_B: Tensor, size: int) -> Tensor:
    """1 where a clip has samples or rows, 0 behind its end: (B, T) int64."""
    return (torch.arange(size, device=lengths_B.device) < lengths_B[:, None]).to(torch.int64)


def _picked(out: Any, facts: Facts) -> list[Tensor]:
    """The wanted layers, (B, S, D) each."""
    if facts.kind == "codec":
        latents_BDS = out if isinstance(out, Tensor) else out.latents
        return [latents_BDS.transpose(1, 2)]
    if facts.family.method:
        return [out.pooler_output[:, None]]
    if facts.layer is None:
        return [out.last_hidden_state]
    return list(out.hidden_states) if facts.layer == "all" else [out.hidden_states[facts.layer]]


def _load(source: Source, facts: Facts) -> Any:
    """The bare encoder, with every weight it computes with taken from the source."""
    transformers = require("transformers", extra="transformers", needed_by=f"transformers/{source.page}")
    where = (
        (source.repo, {"revision": source.commit}) if source.repo else (str(source.folder), {"local_files_only": True})
    )
    unreadable = require("safetensors", extra="transformers", needed_by="transformers/...").SafetensorError
    try:
        with _quiet(transformers):
            kind = getattr(transformers, facts.family.net)
            net, info = kind.from_pretrained(where[0], **where[1], **_options(source, facts))
    except (OSError, ValueError, RuntimeError, unreadable) as error:
        text = str(error).strip().splitlines()[0]
        raise ModelError(
            f"the weights of {source.page} cannot be read ({text}): fetch or save the model anew"
        ) from error
    adapted = _adapters.load(net, source) if source.adapter else set()
    _complete(set(info["missing_keys"]) - adapted, source, part=facts.family.weights)
    for name in [name for name in facts.family.path.split(".") if name]:
        net = getattr(net, name.removesuffix("()"))() if name.endswith("()") else getattr(net, name)
    return net


def _options(source: Source, facts: Facts) -> dict[str, Any]:
    """What the library is told: layers above the wanted one are not built, as hidden state k is what enters layer k."""
    family, config = facts.family, source.json("config.json") or {}
    options: dict[str, Any] = {"dtype": torch.float32, "trust_remote_code": False, "output_loading_info": True}
    if family.size and not family.section:
        every = facts.layer in {None, "all"}
        options[family.size] = facts.num_layers if every else min(facts.num_layers, int(facts.layer or 0) + 1)
    if "add_adapter" in config:
        options["add_adapter"] = False
    return {**options, **family.options}


def _complete(missing: set[str], source: Source, *, part: str) -> None:
    """A weight that is not in the file would be drawn at random; only the mask of training may be missing."""
    needed = sorted(name for name in missing if part in name and not name.endswith("masked_spec_embed"))
    if needed and all("adapter_layer" in name for name in needed):
        raise ModelError(f"{source.page} keeps its adapters in files of their own: name one, as transformers/MODEL#eng")
    if needed:
        raise ModelError(
            f"{source.page} lacks {len(needed)} weights of its own architecture, such as {needed[0]}: fetch or save it anew"
        )


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No progress bar and no list of unused weights on the terminal while a model loads."""
    logging = transformers.utils.logging
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    try:
        logging.set_verbosity(logging.CRITICAL)
        logging.disable_progress_bar()
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
