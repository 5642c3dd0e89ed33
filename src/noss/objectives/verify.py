"""Additive angular margin softmax, for speakers: classes with a margin on the circle.

With unit vectors z (embedding) and w_k (class), cos(t_k) = z w_k, the true class y, the margin m and the scale s, the loss is
(Deng et al. 2019, arXiv 1801.07698, eq. 3)

    -log exp(s cos(t_y + m)) / ( exp(s cos(t_y + m)) + sum over k != y of exp(s cos(t_k)) )

The margin is 0.2 and the scale 30 in most work on speakers (Desplanques et al. 2020, arXiv 2005.07143). Where t_y + m would pass
180 degrees, the cosine falls on in a straight line, so that it never rises again.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.objectives import Batch, Needs
from noss.objectives._pool import embed

NEEDS = Needs(labels=True)


class Objective(nn.Module):
    """Tells speakers apart with a margin.

    Args:
        student: What is trained.
        dim: Size of its embeddings.
        num_classes: Speakers.
        margin: In radians.
        scale: Of the cosines.
    """

    def __init__(
        self, student: nn.Module, *, dim: int, num_classes: int, margin: float = 0.2, scale: float = 30.0
    ) -> None:
        super().__init__()
        self.student, self.margin, self.scale = student, margin, scale
        self.classes_KD = nn.Parameter(nn.init.xavier_normal_(torch.empty(num_classes, dim)))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of crops (B, V, T) with labels, and how often the right class comes first, without the margin."""
        assert batch.label_B is not None, "NEEDS asks for labels"
        embedding_BD = embed(self.student, batch).mean(dim=1)
        cosine_BK = functional.normalize(embedding_BD, dim=1) @ functional.normalize(self.classes_KD, dim=1).T
        right_BK = functional.one_hot(batch.label_B, cosine_BK.shape[1]).bool()
        logits_BK = self.scale * torch.where(right_BK, self._with_margin(cosine_BK), cosine_BK)
        accuracy = (cosine_BK.detach().argmax(dim=1) == batch.label_B).float().mean()
        return {"loss": functional.cross_entropy(logits_BK, batch.label_B), "accuracy": accuracy}

    def _with_margin(self, cosine_BK: Tensor) -> Tensor:
        sine_BK = (1.0 - cosine_BK.square()).clamp(min=1e-9).sqrt()
        turned_BK = cosine_BK * math.cos(self.margin) - sine_BK * math.sin(self.margin)
        straight_BK = cosine_BK - self.margin * math.sin(self.margin)
        return torch.where(cosine_BK > math.cos(math.pi - self.margin), turned_BK, straight_BK)
