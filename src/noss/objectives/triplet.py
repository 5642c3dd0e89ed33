"""TRILL's triplet loss: pieces of one recording close by, pieces of others far away.

Anchor and positive are crops of one recording that start at most tau seconds apart, here 10 s as published; negatives are
crops of other recordings in the batch. With z on the unit sphere and d(i, j) = |z_i - z_j|^2 the loss is (arXiv
2002.12764, eq. 1)

    mean over triplets of max(0, d(a, p) - d(a, n) + margin)

over the triplets that `mining` picks: `semi_hard`, for each pair the nearest negative that is farther than the positive,
or, where there is none, the farthest of all (Schroff et al. 2015, arXiv 1503.03832, section 3.2); `all`, every
triplet whose loss is above zero (Hermans et al. 2017, arXiv 1703.07737, "batch all"). `info_nce` is the softmax over the
batch in its place: -log of exp(z_a z_p / t) over the sum of it and all exp(z_a z_n / t) (van den Oord et al. 2018,
arXiv 1807.03748, eq. 4).

TRILL's paper gives no margin; 0.1 is Jansen et al.'s (arXiv 1711.02209), whose loss it takes.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.objectives import Batch, Needs
from noss.objectives._pool import embed

NEEDS = Needs(views=2, within_s=10.0)


class Objective(nn.Module):
    """Pulls crops of one recording together and pushes those of others apart.

    Args:
        student: What is trained.
        dim: Size of its embeddings.
        margin: How much farther than a positive a negative should be, in squared distance on the unit sphere (0 to 4).
        mining: Which triplets count: `semi_hard`, `all`, or the softmax `info_nce`.
        temperature: Of `info_nce`.
    """

    def __init__(
        self,
        student: nn.Module,
        *,
        dim: int,
        margin: float = 0.1,
        mining: Literal["semi_hard", "all", "info_nce"] = "semi_hard",
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        self.student, self.margin, self.mining, self.temperature = student, margin, mining, temperature

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch of crops (B, 2, T), the share of triplets that are in order, and both mean distances."""
        unit_BVD = functional.normalize(embed(self.student, batch), dim=-1)
        anchor_BD, positive_BD = (
            torch.cat([unit_BVD[:, 0], unit_BVD[:, 1]]),
            torch.cat([unit_BVD[:, 1], unit_BVD[:, 0]]),
        )
        near_B = (anchor_BD - positive_BD).square().sum(dim=1)
        far_BB = 2.0 - 2.0 * anchor_BD @ anchor_BD.T
        source_B = batch.source_B.repeat(2)
        other_BB = source_B[:, None] != source_B
        logged = self._measured(near_B.detach(), far_BB.detach(), other_BB)
        if not other_BB.any():
            return {"loss": near_B.sum() * 0.0, **logged}
        losses = {"semi_hard": self._semi_hard, "all": self._all, "info_nce": self._info_nce}
        return {"loss": losses[self.mining](near_B, far_BB, other_BB), **logged}

    def _semi_hard(self, near_B: Tensor, far_BB: Tensor, other_BB: Tensor) -> Tensor:
        beyond_BB = other_BB & (far_BB.detach() > near_B.detach()[:, None])
        nearest_B = far_BB.masked_fill(~beyond_BB, torch.inf).amin(dim=1)
        farthest_B = far_BB.masked_fill(~other_BB, -torch.inf).amax(dim=1)
        chosen_B = torch.where(beyond_BB.any(dim=1), nearest_B, farthest_B)
        counted_B = other_BB.any(dim=1)
        return functional.relu(near_B - chosen_B + self.margin)[counted_B].mean()

    def _all(self, near_B: Tensor, far_BB: Tensor, other_BB: Tensor) -> Tensor:
        loss_BB = functional.relu(near_B[:, None] - far_BB + self.margin) * other_BB
        return loss_BB.sum() / (loss_BB > 0).sum().clamp(min=1)

    def _info_nce(self, near_B: Tensor, far_BB: Tensor, other_BB: Tensor) -> Tensor:
        cosine_BB, positive_B = 1.0 - far_BB / 2.0, 1.0 - near_B / 2.0
        negatives_BB = (cosine_BB / self.temperature).masked_fill(~other_BB, -torch.inf)
        logits = torch.cat([positive_B[:, None] / self.temperature, negatives_BB], dim=1)
        return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))

    def _measured(self, near_B: Tensor, far_BB: Tensor, other_BB: Tensor) -> dict[str, Tensor]:
        in_order = (near_B[:, None] < far_BB) & other_BB
        pairs = other_BB.sum().clamp(min=1)
        return {
            "in_order": in_order.sum() / pairs,
            "positive_distance": near_B.mean(),
            "negative_distance": (far_BB * other_BB).sum() / pairs,
        }
