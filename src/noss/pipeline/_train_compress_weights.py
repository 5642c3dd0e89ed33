"""Weights that are compressed while they train: what takes a weight's place, and what is kept of it.

In training mode a layer has the weight of the schedule; in evaluation mode that of the end, which is what is kept. So held-out
speech is always heard by the compressed model, and the best checkpoint is the best compressed one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class Blend(nn.Module):
    """A weight A that is blended into a product of thin matrices: alpha A + (1 - alpha) B C.

    B and C are those of a singular value decomposition, U sqrt(S) and sqrt(S) V, for as long as alpha is 1; from then on they are
    trained, and never written over (Peplinski et al. 2020, arXiv 2011.04609, section 3.3, blends so).

    Args:
        weight: A, (D, D) or with sides of 1 behind.
        rank: Columns of B.
    """

    alpha: Tensor

    def __init__(self, weight: Tensor, *, rank: int) -> None:
        super().__init__()
        out, inside = weight.flatten(1).shape
        self.up = nn.Parameter(torch.empty(out, rank))
        self.down = nn.Parameter(torch.empty(rank, inside))
        self.register_buffer("alpha", torch.ones(()))
        self.change(weight, 0.0)

    def forward(self, weight: Tensor) -> Tensor:
        """The blend, of A's shape (D, D, ...); in evaluation mode the product alone."""
        product = (self.up @ self.down).view(weight.shape)
        return self.alpha * weight + (1.0 - self.alpha) * product if self.training else product

    @torch.no_grad()
    def change(self, weight: Tensor, done: float, *, leader: Blend | None = None) -> None:
        """Go to a part of the way: 1 - alpha; the first step of it takes B and C from A (D, D, ...).

        A moving average takes those of its leader: its own could have other signs in another order, and means of such would be
        no product.
        """
        if float(self.alpha) == 1.0 and done > 0.0 and leader is not None:
            self.up.copy_(leader.up)
            self.down.copy_(leader.down)
        elif float(self.alpha) == 1.0:
            up, scale, down = torch.linalg.svd(weight.detach().flatten(1).float(), full_matrices=False)
            rank, root = self.up.shape[1], scale.sqrt()
            self.up.copy_(up[:, :rank] * root[:rank])
            self.down.copy_(root[:rank, None] * down[:rank])
        self.alpha.fill_(1.0 - done)


class Mask(nn.Module):
    """A weight of which whole outputs are zero, those of the smallest norm; an output that went does not come back.

    Args:
        weight: The weight (D, ...).
        share: The share of its outputs that goes in the end; one output is left at least.
    """

    now: Tensor
    end: Tensor

    def __init__(self, weight: Tensor, *, share: float) -> None:
        super().__init__()
        self.num_gone = min(len(weight) - 1, round(share * len(weight)))
        self.register_buffer("now", torch.ones(len(weight)))
        self.register_buffer("end", torch.ones(len(weight)))
        self.change(weight, 0.0)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight (D, ...) without the outputs that are gone; in evaluation mode without all that will be."""
        mask = self.now if self.training else self.end
        return weight * mask.view(-1, *([1] * (weight.ndim - 1)))

    @torch.no_grad()
    def change(self, weight: Tensor, done: float, *, leader: Mask | None = None) -> None:
        """Take outputs of a weight (D, ...) out, up to a part of all that go; a moving average goes by its own weights."""
        del leader
        norm = weight.detach().flatten(1).norm(dim=1)
        order = torch.where(self.now > 0, norm, -1.0).argsort(stable=True)
        self.now[order[: round(done * self.num_gone)]] = 0.0
        self.end.fill_(1.0)
        self.end[order[: self.num_gone]] = 0.0


class Together(nn.Module):
    """A bias that loses the outputs which its weight loses."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = [mask]  # in a list: it is the weight's, and saved with that

    def forward(self, bias: Tensor) -> Tensor:
        """The bias (D,) without the outputs that are gone."""
        return bias * (self._mask[0].now if self.training else self._mask[0].end)


def blend(part: Any, *, rank: int) -> None:
    """Put the blend in the place of a layer's weight."""
    parametrize.register_parametrization(part, "weight", Blend(part.weight, rank=rank))


def mask(part: Any, *, share: float) -> None:
    """Put the mask on a layer's weight, and on its bias."""
    made = Mask(part.weight, share=share)
    parametrize.register_parametrization(part, "weight", made)
    if part.bias is not None:
        parametrize.register_parametrization(part, "bias", Together(made))


def is_compressed(part: nn.Module) -> bool:
    """Whether a layer has a blend or a mask."""
    changes: Any = getattr(part, "parametrizations", {})
    return "weight" in changes and isinstance(changes["weight"][0], Blend | Mask)


def inside(part: Any) -> Any:
    """The blend or the mask of a layer that has one."""
    return part.parametrizations.weight[0]


def original(part: Any) -> Tensor:
    """The weight (D, ...) under a blend or a mask."""
    found: Tensor = part.parametrizations.weight.original
    return found
