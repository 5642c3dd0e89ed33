"""One layer of a model whose own file returns them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from noss.models import Embedder


def one_layer(embedder: Embedder, layer: int) -> Embedder:
    """The same model, with one of its layers alone; a module where it is one."""
    if isinstance(embedder, nn.Module):
        return _OneLayer(embedder, layer)

    def kept(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        frames_BLSD, frame_lengths_B = embedder(waveform_BT, lengths_B)
        return frames_BLSD[:, layer : layer + 1], frame_lengths_B

    return kept


class _OneLayer(nn.Module):
    def __init__(self, embedder: nn.Module, layer: int) -> None:
        super().__init__()
        self.embedder = embedder
        self.layer = layer

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Any, Any]:
        frames_BLSD, frame_lengths_B = self.embedder(waveform_BT, lengths_B)
        return frames_BLSD[:, self.layer : self.layer + 1], frame_lengths_B
