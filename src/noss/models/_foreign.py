"""Foreign models in Python as embedders: facts they do not state are measured, and every answer is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from noss.errors import ModelError
from noss.models import Card
from noss.models._files import megabytes

TRIAL_S = (1.0, 3.0)  # seconds of noise from which the frame rate is measured
BREAKS = (
    RuntimeError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    AssertionError,
    NotImplementedError,
)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A foreign model that is loaded.

    Attributes:
        name: What messages call it.
        call: Maps waveforms (B, T) of one length to whatever the model gives.
        sample_rate: Hz it expects.
        net: The module inside it, which is moved to a device and counted; None for one that holds none.
        files: Code and weights on this machine by whose bytes it is known.
        address: Where it came from, if that is elsewhere.
        layer: Which part of its answer counts: a name or a number, "all" for every layer; None for the model's own choice.
        frame_rate: Frames a second as the model states them; None to measure.
    """

    name: str
    call: Callable[[Tensor], Any]
    sample_rate: int
    net: Any = None
    files: tuple[Path, ...] = ()
    address: str | None = None
    layer: str | None = None
    frame_rate: float | None = None


class Foreign(nn.Module):
    """A foreign model that takes clips of one length and answers with vectors, frames or layers of frames."""

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self.opened = opened
        if isinstance(opened.net, nn.Module):
            self.net = opened.net.eval()

    @torch.no_grad()
    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) of one length to frames (B, L, S, D) and their number (B,)."""
        frames_BLSD = to_frames(self.opened.call(waveform_BT), self.opened, num=len(waveform_BT)).to(waveform_BT.device)
        return frames_BLSD, torch.full_like(lengths_B, frames_BLSD.shape[2])


def card(opened: Opened, **facts: Any) -> Card:
    """The card of a loaded model: what it states, what was measured, and further facts.

    Raises:
        ModelError: It cannot be fed, or answers with something else than vectors or frames.
    """
    embed = Foreign(opened)
    shapes = [_trial(embed, seconds) for seconds in TRIAL_S]
    (layers, few, dim), (_, many, _) = shapes
    measured = 0.0 if few == many == 1 else (many - few) / (TRIAL_S[1] - TRIAL_S[0])
    weights = [path for path in opened.files if path.suffix != ".py"]
    found: dict[str, Any] = {
        "sample_rate": opened.sample_rate,
        "frame_rate": measured if opened.frame_rate is None or measured == 0.0 else opened.frame_rate,
        "dim": dim,
        "layers": layers,
        "source": opened.address or opened.name,
        "licence": "unknown",
        "weights": opened.address or ";".join(str(path) for path in opened.files) or None,
        "masks_padding": False,
        "min_s": 0.5,
        "num_parameters": _num_parameters(opened.net),
        "size_mb": megabytes(*weights) if weights else None,
        "devices": ("cpu", "cuda") if isinstance(opened.net, nn.Module) else ("cpu",),
    }
    return Card(**{**found, **facts})


def to_frames(answer: Any, opened: Opened, *, num: int) -> Tensor:
    """What a model gave for `num` clips, as frames (B, L, S, D) float32.

    Raises:
        ModelError: It is no tensor, or not one row a clip.
    """
    picked = _picked(answer, opened)
    layers = picked if isinstance(picked, list) else [picked]
    tensors = [_tensor(layer, opened) for layer in layers]
    for tensor in tensors:
        if tensor.ndim not in (2, 3) or len(tensor) != num or not tensor.numel():
            raise ModelError(
                f"{opened.name} gives {tuple(tensor.shape)} for {num} clips: vectors (clips, dim) or frames "
                f"(clips, frames, dim) are needed; wrap it in a file of your own"
            )
    frames = [tensor if tensor.ndim == 3 else tensor[:, None] for tensor in tensors]
    if len({tuple(layer.shape) for layer in frames}) > 1:
        shapes = ", ".join(str(tuple(layer.shape)) for layer in frames)
        raise ModelError(
            f"{opened.name} gives layers of several shapes, {shapes}: name one of them, @0 to @{len(frames) - 1}"
        )
    return torch.stack(frames, dim=1).to(torch.float32)


def _picked(answer: Any, opened: Opened) -> Any:
    """The part of an answer that the layer names; a list where all layers are wanted."""
    named = _named(answer)
    if isinstance(answer, list | tuple) or opened.layer == "all" or (opened.layer or "").isdecimal():
        rows = list(answer) if isinstance(answer, list | tuple) else list(named.get("hidden_states") or ())
        return _row(rows, opened)
    if not named:
        if opened.layer is not None:
            raise ModelError(f"{opened.name} gives one tensor and has no layer {opened.layer!r}: leave it out")
        return answer
    wanted = opened.layer or next((key for key in ("last_hidden_state", "embeddings", "embedding") if key in named), "")
    if named.get(wanted) is None:
        raise ModelError(
            f"{opened.name} gives {', '.join(named)} and not {wanted or 'one tensor'!r}: name one of them as @NAME"
        )
    return named[wanted]


def _row(rows: Sequence[Any], opened: Opened) -> Any:
    if not rows:
        raise ModelError(f"{opened.name} gives no hidden_states and has no layer {opened.layer!r}: leave it out")
    if opened.layer == "all":
        return list(rows)
    if opened.layer is None:
        return rows[0]
    if not opened.layer.isdecimal() or int(opened.layer) >= len(rows):
        raise ModelError(f"{opened.name} has no layer {opened.layer!r}: write @0 to @{len(rows) - 1}, or @all")
    return rows[int(opened.layer)]


def _named(answer: Any) -> Mapping[str, Any]:
    """The fields of an answer that has names: a dictionary, or an output object of transformers."""
    return answer if isinstance(answer, Mapping) else {}


def _tensor(values: Any, opened: Opened) -> Tensor:
    if isinstance(values, Tensor):
        return values
    if isinstance(values, np.ndarray) and np.issubdtype(values.dtype, np.number):
        return torch.from_numpy(values)
    raise ModelError(
        f"{opened.name} gives a {type(values).__name__}: a tensor or an array is needed; wrap it in a file of your own"
    )


def _trial(embed: Foreign, seconds: float) -> tuple[int, int, int]:
    """Layers, frames and dim for so many seconds of faint noise; the global generator is left alone."""
    opened = embed.opened
    size = round(seconds * opened.sample_rate)
    waveform_BT = 0.01 * torch.randn(1, size, generator=torch.Generator().manual_seed(0))
    try:
        frames_BLSD, _ = embed(waveform_BT, torch.tensor([size]))
    except BREAKS as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{opened.name} fails on {seconds:g} s of noise at {opened.sample_rate} Hz ({text}): mend it"
        ) from error
    return frames_BLSD.shape[1], frames_BLSD.shape[2], frames_BLSD.shape[3]


def _num_parameters(net: Any) -> int | None:
    return sum(weights.numel() for weights in net.parameters()) if isinstance(net, nn.Module) else None
