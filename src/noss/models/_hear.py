"""The HEAR 2021 API as an embedder."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from noss.errors import ModelError


class HearEmbedder(nn.Module):
    """Calls a HEAR module on clips of one length; a PyTorch model inside it moves with this module."""

    def __init__(self, module: ModuleType, *, model: Any, timestamps: bool) -> None:
        super().__init__()
        self.api, self.model, self.timestamps = module, model, timestamps

    @torch.no_grad()
    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) of one length to frames (B, 1, S, D) and their number (B,)."""
        audio = _native(waveform_BT, self.model)
        if self.timestamps:
            frames_BSD = _tensor(self.api.get_timestamp_embeddings(audio, self.model)[0], waveform_BT)
        else:
            frames_BSD = _tensor(self.api.get_scene_embeddings(audio, self.model), waveform_BT)[:, None]
        if frames_BSD.ndim != 3 or len(frames_BSD) != len(waveform_BT):
            raise ModelError(
                f"{self.api.__name__} gives embeddings of shape {tuple(frames_BSD.shape)} for {len(waveform_BT)} clips: "
                f"the HEAR API wants one a clip (and a step)"
            )
        return frames_BSD[:, None], torch.full_like(lengths_B, frames_BSD.shape[1])


def step_ms(module: ModuleType, *, model: Any) -> float:
    """Milliseconds between the time steps of a HEAR module, measured on two seconds of silence."""
    with torch.no_grad():
        audio = _native(torch.zeros(1, 2 * model.sample_rate), model)
        times = _tensor(module.get_timestamp_embeddings(audio, model)[1], torch.zeros(0))[0]
    if len(times) < 2:
        raise ModelError(
            f"{module.__name__} gives {len(times)} time steps for 2 s of audio: the HEAR API wants evenly spaced ones"
        )
    return float((times[-1] - times[0]) / (len(times) - 1))


def _native(waveform_BT: Tensor, model: Any) -> Any:
    """The waveform (B, T) as the model's own library has it: TensorFlow models take TensorFlow tensors."""
    if isinstance(model, nn.Module):
        return waveform_BT
    return importlib.import_module("tensorflow").convert_to_tensor(waveform_BT.cpu().numpy())


def _tensor(values: Any, like: Tensor) -> Tensor:
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(values.numpy())
    return tensor.to(device=like.device, dtype=torch.float32)
