"""Log-mel frames of a student hidden from it: what objectives of masked speech share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.audio.logmel import LogMel
from noss.errors import ModelError
from noss.objectives import Batch


@dataclass(frozen=True)
class Hidden:
    """What a student gave for masked speech, and what was hidden.

    Attributes:
        frames_BSD: The student's frames (B, S, D).
        features_BSF: Log-mel (B, S, F) of the same pieces before masking, `stride` frames side by side, standardised by clip.
        masked_BS: Where a student's frame lies in a hidden span of its clip (B, S).
    """

    frames_BSD: Tensor
    features_BSF: Tensor
    masked_BS: Tensor


class Masked(nn.Module):
    """Runs a student on log-mel of which spans are replaced by noise.

    Args:
        student: A model with one `LogMel` front end that gives a frame for every `stride` frames of it.
        stride: Frames of log-mel to a frame of the student's: 4 for the Conformer.
        share: Chance of a frame to begin a hidden span.
        span: Frames of the student's in a span.
        noise: Standard deviation of the noise in its place, in standard deviations of the clip's log-mel.

    Raises:
        ModelError: The student has no such front end.
    """

    def __init__(self, student: nn.Module, *, stride: int, share: float, span: int, noise: float) -> None:
        super().__init__()
        self.stride, self.share, self.span, self.noise = stride, share, span, noise
        if len(front_ends(student)) != 1:
            raise ModelError(
                "masked speech needs a student with a log-mel front end of noss.audio.logmel: choose a native one, such as conformer/5m"
            )

    def forward(self, student: nn.Module, batch: Batch) -> Hidden:
        """The student's frames of crops (B, V, T) with spans hidden."""
        seen: dict[str, Tensor] = {}
        with hooked(front_ends(student)[0], lambda output: self._hide(output, seen)):
            frames_BLSD, lengths_B = student(*batch.flat)
        frames_BSD = frames_BLSD[:, -1]
        size = min(frames_BSD.shape[1], seen["features"].shape[1])
        own_BS = torch.arange(size, device=lengths_B.device) < lengths_B[:, None]
        return Hidden(frames_BSD[:, :size], seen["features"][:, :size], seen["masked"][:, :size] & own_BS)

    def _hide(self, output: tuple[Tensor, Tensor], seen: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        logmel_BSM, num_frames_B = output
        mean_B11, deviation_B11 = _moments(logmel_BSM, num_frames_B)
        even_BSM = functional.pad(logmel_BSM, (0, 0, 0, -logmel_BSM.shape[1] % self.stride))
        standard_BSM = (even_BSM - mean_B11) / deviation_B11
        seen["features"] = standard_BSM.reshape(len(even_BSM), -1, self.stride * even_BSM.shape[2])
        lengths_B, size = (num_frames_B + self.stride - 1) // self.stride, seen["features"].shape[1]
        seen["masked"] = spans(lengths_B, size=size, share=self.share, span=self.span)
        hidden_BS1 = seen["masked"].repeat_interleave(self.stride, dim=1)[:, : logmel_BSM.shape[1], None]
        noise_BSM = mean_B11 + deviation_B11 * self.noise * _normal(logmel_BSM)
        return torch.where(hidden_BS1, noise_BSM, logmel_BSM), num_frames_B


def front_ends(student: nn.Module) -> list[LogMel]:
    """The log-mel front ends of a student."""
    return [part for part in student.modules() if isinstance(part, LogMel)]


def spans(lengths_B: Tensor, *, size: int, share: float, span: int) -> Tensor:
    """Spans (B, S) that begin at each of a clip's own frames with a chance of `share`, and may overlap; one a clip at least.

    What is drawn for a clip's frames does not hang on how many are behind them.
    """
    first_B = (torch.rand(len(lengths_B), device=lengths_B.device) * (lengths_B - span + 1).clamp(min=1)).long()
    begins_BS = share > _uniform(size, len(lengths_B), device=lengths_B.device).T
    place_S = torch.arange(size, device=lengths_B.device)
    begins_BS = begins_BS & (place_S < lengths_B[:, None])
    begins_BS = begins_BS | (~begins_BS.any(dim=1, keepdim=True) & (place_S == first_B[:, None]))
    padded = functional.pad(begins_BS.float()[:, None], (span - 1, 0))
    spans_BS: Tensor = functional.max_pool1d(padded, span, stride=1)[:, 0] > 0
    return spans_BS


def _normal(like_BSM: Tensor) -> Tensor:
    """Normal numbers (B, S, M), of which those of a clip's frames do not hang on how many are behind them."""
    number, size, bands = like_BSM.shape
    uniform_BSM = _uniform(size, number, bands, device=like_BSM.device).transpose(0, 1)
    normal_BSM: Tensor = torch.special.ndtri(uniform_BSM.clamp(1e-6, 1 - 1e-6)).to(like_BSM.dtype)
    return normal_BSM


def _uniform(*shape: int, device: torch.device) -> Tensor:
    """Numbers from 0 to 1, of which the first rows do not hang on how many there are, nor does what is drawn next."""
    seed = int(torch.randint(2**31, ()))
    return torch.rand(*shape, device=device, generator=torch.Generator(device).manual_seed(seed))


def _moments(logmel_BSM: Tensor, num_frames_B: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (B, 1, 1) of each clip's own log-mel."""
    own_BS1 = (torch.arange(logmel_BSM.shape[1], device=logmel_BSM.device) < num_frames_B[:, None])[..., None]
    count_B11 = (num_frames_B * logmel_BSM.shape[2])[:, None, None]
    mean_B11 = logmel_BSM.masked_fill(~own_BS1, 0.0).sum(dim=(1, 2), keepdim=True) / count_B11
    squares = (logmel_BSM - mean_B11).square().masked_fill(~own_BS1, 0.0)
    return mean_B11, (squares.sum(dim=(1, 2), keepdim=True) / count_B11).sqrt().clamp(min=1e-3)


@contextmanager
def hooked(part: nn.Module, change: Any) -> Iterator[None]:
    """Inside, what a module gives passes through `change`."""
    handle = part.register_forward_hook(lambda module, inputs, output: change(output))
    try:
        yield
    finally:
        handle.remove()
