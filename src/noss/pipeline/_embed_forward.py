"""A built model: waveforms in, one checked embedding a waveform out."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from noss.audio.chunk import num_samples
from noss.errors import ModelError
from noss.pipeline._embed_caught import one_line
from noss.pipeline._embed_torch import DoesNotFit, measured_room, precision, tuned
from noss.pipeline._models import Model

if TYPE_CHECKING:
    from torch import Tensor


_PROBE_S = 10.0
Found = TypeVar("Found")


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
        self._model = model
        self._most: float = math.inf
        embedder: Any = model.build()
        if device == "cuda":
            torch.backends.cudnn.allow_tf32 = False
        if isinstance(embedder, torch.nn.Module):
            embedder.eval().to(device)
        self._embedder = tuned(embedder, model, device=device)

    def __call__(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """What the model's pooling makes (B, L, E) of waveforms (T,) that it sees together, as far as memory allows."""
        return np.concatenate(self._in_room(pieces, self._pooled))

    def frames(self, pieces: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """The frames (S, L, D) of each of the waveforms (T,) that the model sees together, as far as memory allows."""
        return list(itertools.chain.from_iterable(self._in_room(pieces, self._unpooled)))

    def room(self) -> int:
        """Samples in a batch that the GPU has memory for, by what a small batch takes."""
        rate = self._card.sample_rate
        size = num_samples(max(self._card.min_s, min(_PROBE_S, self._card.window_s or _PROBE_S)), rate)
        return measured_room(lambda many: self._pooled([np.zeros(size, np.float32)] * many), samples=size)

    def _in_room(self, pieces: Sequence[NDArray[np.float32]], work: Callable[[Any], Found]) -> list[Found]:
        """What `work` makes of waveforms: of all together, or of halves as long as they do not fit into memory."""
        import torch

        size = len(pieces) * max(len(piece) for piece in pieces)
        if size <= self._most or len(pieces) == 1:
            try:
                return [work(pieces)]
            except torch.OutOfMemoryError as error:
                told = one_line(error)
            self._shrink(size, alone=len(pieces) == 1, told=told)
        half = (len(pieces) + 1) // 2
        return [*self._in_room(pieces[:half], work), *self._in_room(pieces[half:], work)]

    def _shrink(self, size: int, *, alone: bool, told: str) -> None:
        """Make batches smaller from now on, and say so once."""
        import torch

        if self._device == "cuda":
            torch.cuda.empty_cache()
        seconds = size / self._card.sample_rate
        if alone:
            found = f"{seconds:g} s of it do not fit into the memory of {self._device} by themselves"
            raise DoesNotFit(f"{found}: use --device cpu, or a smaller model ({told})")
        if self._most == math.inf:
            found = f"{seconds:.0f} s at once do not fit into the memory of {self._device}"
            sys.stderr.write(f"noss: {self._name}: {found}; going on with smaller batches\n")
        self._most = size // 2

    def _pooled(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), precision(self._model, device=self._device):
            frames_BLSD, frame_lengths_B = self._frames(pieces)
            pooled: NDArray[np.float32] = self._pool(frames_BLSD.float(), frame_lengths_B).cpu().numpy()
        return pooled

    def _unpooled(self, pieces: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        import torch

        with torch.inference_mode(), precision(self._model, device=self._device):
            frames_BLSD, frame_lengths_B = self._frames(pieces)
            frames_BSLD = frames_BLSD.float().cpu().numpy().transpose(0, 2, 1, 3)
        return [frames_SLD[:length] for frames_SLD, length in zip(frames_BSLD, frame_lengths_B.tolist(), strict=True)]

    def _frames(self, pieces: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
        import torch

        lengths_B = np.array([len(piece) for piece in pieces])
        waveform_BT = np.zeros((len(pieces), int(lengths_B.max())), dtype=np.float32)
        for row_T, piece in zip(waveform_BT, pieces, strict=True):
            row_T[: len(piece)] = piece
        waves_BT, sizes_B = (self._moved(torch.from_numpy(array)) for array in (waveform_BT, lengths_B))
        frames_BLSD, frame_lengths_B = self._embedder(waves_BT, sizes_B)
        self._check(frames_BLSD, frame_lengths_B, len(pieces))
        self._check_counts(lengths_B.tolist(), frame_lengths_B.tolist())
        return frames_BLSD, frame_lengths_B

    def _moved(self, array: Tensor) -> Tensor:
        """A tensor on the device; pinned on its way to a GPU, which then copies it while the processor goes on."""
        if self._device != "cuda":
            return array.to(self._device)
        return array.pin_memory().to(self._device, non_blocking=True)

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
