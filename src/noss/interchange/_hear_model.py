"""A model of the shelf as HEAR's module: sounds of one length in, a vector a sound or a vector a step out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from noss.audio import chunk
from noss.errors import AudioError, ModelError
from noss.pipeline._embed_pooling import mean as pool
from noss.pipeline._models import Model

SAMPLE_RATES = (16_000, 22_050, 44_100, 48_000)  # those that the API allows
_STEP_S = 0.05  # the widest spacing that the API advises
_WINDOW_S = 1.0
_BLOCK_S = 60.0  # of audio that a model sees at once, where windows overlap


class HearModel(nn.Module):
    """A model for HEAR; made by `noss.interchange.hear.load_model`.

    Args:
        model: The model, not yet built.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        card = model.card
        if card.layers > 1:
            raise ModelError(
                f"{model.name} gives {card.layers} layers and HEAR takes one vector a clip: name a layer, as NAME@6"
            )
        if model.pooling.name != "mean":
            raise ModelError(
                f"{model.name} names a pooling and HEAR's vectors are means: leave +{model.pooling.name} out"
            )
        if card.sample_rate not in SAMPLE_RATES:
            allowed = ", ".join(map(str, SAMPLE_RATES))
            raise ModelError(f"{model.name} takes {card.sample_rate} Hz and HEAR has {allowed}: choose another model")
        self.card = card
        self.sample_rate = card.sample_rate
        self.scene_embedding_size = self.timestamp_embedding_size = card.dim
        self.policy = chunk.Policy(window_s=card.window_s, min_s=card.min_s, padding=card.padding)
        built: Any = model.build()
        # What runs on a processor only is hidden, so that `.to("cuda")` leaves it where it can run.
        self.embedder: Any = built if isinstance(built, nn.Module) and "cuda" in card.devices else built.__call__
        self.eval()

    @torch.no_grad()
    def scenes(self, audio_BT: Tensor) -> Tensor:
        """A vector a sound (B, D), of sounds (B, T): windows weighted by length, as `noss embed` does.

        Raises:
            AudioError: The sounds are of another shape, or empty.
        """
        pieces, weights_P = self._cut(audio_BT)
        vectors_PBD = [pool(*self._frames(piece_BT))[:, 0].double() for piece_BT in pieces]
        total_BD = sum(vectors_BD * weight for vectors_BD, weight in zip(vectors_PBD, weights_P, strict=True))
        return torch.as_tensor(total_BD).float().to(audio_BT.device)

    @torch.no_grad()
    def moments(self, audio_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, S, D) in even steps, of sounds (B, T), and the middle of each step in milliseconds (B, S).

        Raises:
            AudioError: The sounds are of another shape, or empty.
        """
        _check(audio_BT)
        is_fine = self.card.frame_rate * _STEP_S >= 1.0
        step_s = 1.0 / self.card.frame_rate if is_fine else _STEP_S
        num_steps = max(1, int(audio_BT.shape[1] / self.sample_rate / step_s + 1e-6))
        times_S = (np.arange(num_steps, dtype=np.float64) + 0.5) * step_s
        frames_BSD = self._own_frames(audio_BT, times_S) if is_fine else self._windows(audio_BT, times_S)
        times_BS = torch.from_numpy(1000.0 * times_S).float().expand(len(audio_BT), -1)
        return frames_BSD.float().to(audio_BT.device), times_BS.to(audio_BT.device)

    def _own_frames(self, audio_BT: Tensor, times_S: NDArray[np.floating]) -> Tensor:
        """The model's frame (B, S, D) that each time falls into; the last one, where a window ends a little early."""
        pieces, _ = self._cut(audio_BT)
        frames = [self._frames(piece_BT) for piece_BT in pieces]
        window_s = self.policy.window_s or np.inf
        place_S = np.minimum(times_S // window_s, len(pieces) - 1).astype(np.int64)
        found = []
        for place, (frames_BLSD, lengths_B) in enumerate(frames):
            since_S = times_S[place_S == place] - (place * window_s if place else 0.0)
            row_S = np.minimum((since_S * self.card.frame_rate).astype(np.int64), int(lengths_B.min()) - 1)
            found.append(frames_BLSD[:, 0, torch.from_numpy(row_S).to(frames_BLSD.device)])
        return torch.cat(found, dim=1)

    def _windows(self, audio_BT: Tensor, times_S: NDArray[np.floating]) -> Tensor:
        """The vector (B, S, D) of a window around each time."""
        size_s = min(max(self.card.min_s, _WINDOW_S), self.card.window_s or np.inf)
        size = chunk.num_samples(size_s, self.sample_rate)
        padded_BT = nn.functional.pad(audio_BT, (size // 2, size))
        starts_S = np.round(times_S * self.sample_rate).astype(np.int64)
        windows_NT = padded_BT.unfold(1, size, 1)[:, torch.from_numpy(starts_S).to(audio_BT.device)].flatten(0, 1)
        step = max(1, int(_BLOCK_S / size_s))
        blocks = (windows_NT[first : first + step] for first in range(0, len(windows_NT), step))
        vectors_ND = torch.cat([pool(*self._frames(block_BT))[:, 0] for block_BT in blocks])
        return vectors_ND.reshape(len(audio_BT), len(times_S), -1)

    def _cut(self, audio_BT: Tensor) -> tuple[list[Tensor], NDArray[np.float64]]:
        """The pieces (B, T) that the model sees, and their weights, by the policy of its card."""
        _check(audio_BT)
        rows = [row_T.astype(np.float32) for row_T in audio_BT.detach().cpu().numpy()]
        cut = [chunk.cut(row_T, sample_rate=self.sample_rate, policy=self.policy) for row_T in rows]
        pieces = zip(*(of_row for of_row, _ in cut), strict=True)
        return [torch.from_numpy(np.stack(piece)).to(audio_BT.device) for piece in pieces], cut[0][1]

    def _frames(self, waveform_BT: Tensor) -> tuple[Tensor, Tensor]:
        moves = isinstance(self.embedder, nn.Module)
        waveform_BT = waveform_BT.float() if moves else waveform_BT.float().cpu()
        lengths_B = torch.full((len(waveform_BT),), waveform_BT.shape[1], device=waveform_BT.device)
        frames_BLSD, frame_lengths_B = self.embedder(waveform_BT.contiguous(), lengths_B)
        return frames_BLSD, frame_lengths_B


def _check(audio_BT: Tensor) -> None:
    if audio_BT.ndim != 2 or not audio_BT.numel():
        raise AudioError(
            f"audio has shape {tuple(audio_BT.shape)} and sounds (B, T) of one length are needed: stack them"
        )
