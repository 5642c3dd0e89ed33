"""A built model: waveforms in, one checked embedding a waveform out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.pipeline._models import Model

if TYPE_CHECKING:
    from torch import Tensor


class Forward:
    """A model that is built, and pools what it returns.

    Args:
        model: The model to build.
        device: Where it runs.
    """

    def __init__(self, model: Model, *, device: str = "cpu") -> None:
        import torch

        self._name = model.name
        self._card = model.frames_card
        self._pool = model.pooling.window
        self._device = device
        self._counts: dict[int, int] = {}
        self._embedder: Any = model.build()
        if device == "cuda":
            torch.backends.cudnn.allow_tf32 = False
        if isinstance(self._embedder, torch.nn.Module):
            self._embedder.eval().to(device)

    def __call__(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """What the model's pooling makes (B, L, E) of waveforms (T,) that it sees together."""
        import torch

        with torch.inference_mode():
            pooled: NDArray[np.float32] = self._pool(*self._frames(pieces)).float().cpu().numpy()
        return pooled

    def frames(self, pieces: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """The frames (S, L, D) of each of the waveforms (T,) that the model sees together."""
        import torch

        with torch.inference_mode():
            frames_BLSD, frame_lengths_B = self._frames(pieces)
            frames_BSLD = frames_BLSD.float().cpu().numpy().transpose(0, 2, 1, 3)
        return [frames_SLD[:length] for frames_SLD, length in zip(frames_BSLD, frame_lengths_B.tolist(), strict=True)]

    def _frames(self, pieces: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
        import torch

        lengths_B = np.array([len(piece) for piece in pieces])
        waveform_BT = np.zeros((len(pieces), int(lengths_B.max())), dtype=np.float32)
        for row_T, piece in zip(waveform_BT, pieces, strict=True):
            row_T[: len(piece)] = piece
        waves_BT, sizes_B = (torch.from_numpy(array).to(self._device) for array in (waveform_BT, lengths_B))
        frames_BLSD, frame_lengths_B = self._embedder(waves_BT, sizes_B)
        self._check(frames_BLSD, frame_lengths_B, len(pieces))
        self._check_counts(lengths_B.tolist(), frame_lengths_B.tolist())
        return frames_BLSD, frame_lengths_B

    def _check(self, frames_BLSD: Tensor, frame_lengths_B: Tensor, num: int) -> None:
        shape, expected = tuple(frames_BLSD.shape), (num, self._card.layers, "frames", self._card.dim)
        if len(shape) != 4 or shape[:2] != expected[:2] or shape[3] != expected[3]:
            raise ModelError(
                f"{self._name} returned frames {shape} and its card promises {expected}: correct one of them"
            )
        lengths = frame_lengths_B.tolist()
        if len(lengths) != num or min(lengths) < 1 or max(lengths) > shape[2]:
            raise ModelError(
                f"{self._name} returned frame lengths {lengths} for {num} clips of up to {shape[2]} frames: each must be in between"
            )

    def _check_counts(self, lengths: list[int], counts: list[int]) -> None:
        """Clips of one length have one number of frames, whatever is in them and whoever is beside them."""
        for length, count in zip(lengths, counts, strict=True):
            known = self._counts.setdefault(length, count)
            if known != count:
                raise ModelError(
                    f"{self._name} returned {known} and then {count} frames for clips of {length} samples: equal lengths must "
                    f"give equal numbers of frames; mend it"
                )
