"""Fine-tuning: classes from frames, with the whole student, a part of it, or small additions training along.

The loss is the cross-entropy of a linear layer on pooled frames. The original's poolings are there (mean, AutoPool, NetVLAD), all
of them masked here, and attention and statistics beside them.

- `freeze` names parts of the student that stay as they are (`student` for all of it, which makes a probe of this);
- `lr_decay` lets earlier layers learn more slowly: the n-th layer from the end gets lr_decay ** n of the learning rate (Clark
  et al. 2020, ELECTRA; Howard and Ruder 2018, arXiv 1801.06146);
- `lora` freezes every linear layer W of the student and adds B A of that rank, W + alpha / rank B A (Hu et al. 2021, arXiv
  2106.09685, eq. 3); the model that is kept has the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from noss.errors import ModelError
from noss.objectives import Batch, Needs
from noss.objectives._pooling import Pooling, make_pooling

NEEDS = Needs(labels=True)


class Objective(nn.Module):
    """A linear classifier on a student that learns along.

    Args:
        student: What is trained.
        dim: Size of its frames.
        num_classes: Classes.
        pooling: How frames become a vector: `mean`, `statistics`, `attentive`, `autopool` or `netvlad`.
        clusters: Centres of `netvlad`.
        dropout: Before the linear layer.
        smoothing: Of the labels.
        freeze: Parts of the student that do not train, by the beginning of their names; `student` for all.
        lr_decay: From one layer to the one before it; 1 for none.
        lora: Rank of the additions to linear layers; None for none.
        lora_alpha: Their scale, over the rank.

    Raises:
        ModelError: A part to freeze is not there, or there is no linear layer for `lora`.
    """

    def __init__(
        self,
        student: nn.Module,
        *,
        dim: int,
        num_classes: int,
        pooling: Pooling = "mean",
        clusters: int = 8,
        dropout: float = 0.0,
        smoothing: float = 0.0,
        freeze: Sequence[str] = (),
        lr_decay: float = 1.0,
        lora: int | None = None,
        lora_alpha: float = 16.0,
    ) -> None:
        super().__init__()
        self.student, self.smoothing, self._lr_decay = student, smoothing, lr_decay
        self.pool = make_pooling(pooling, dim=dim, clusters=clusters)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.pool.dim, num_classes))
        if lora is not None:
            _add_low_rank(student, rank=lora, alpha=lora_alpha)
        self._frozen = [part for name in freeze for part in _freeze(student, name)]

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of crops (B, V, T) with labels, and how often the right class comes first."""
        assert batch.label_B is not None, "NEEDS asks for labels"
        logits_BK = self.scores(*batch.flat)
        label_B = batch.label_B.repeat_interleave(batch.lengths_BV.shape[1])
        loss = functional.cross_entropy(logits_BK, label_B, label_smoothing=self.smoothing)
        return {"loss": loss, "accuracy": (logits_BK.detach().argmax(dim=1) == label_B).float().mean()}

    def scores(self, waveform_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """A logit a class (B, K) of waveforms (B, T)."""
        frames_BLSD, num_frames_B = self.student(waveform_BT, lengths_B)
        logits_BK: Tensor = self.classify(self.pool(frames_BLSD[:, -1], num_frames_B))
        return logits_BK

    def train(self, mode: bool = True) -> Self:
        """Frozen parts stay in evaluation mode: their norms keep the statistics that they have."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def parameter_groups(self) -> list[dict[str, Any]]:
        """A group a layer, with its share of the learning rate."""
        if self._lr_decay == 1.0:
            return [{"params": list(self.parameters())}]
        layers = [list(part.parameters(recurse=False)) for part in self.student.modules()]
        layers = [weights for weights in layers if any(one.requires_grad for one in weights)]
        own = [one for name, one in self.named_parameters() if not name.startswith("student.")]
        scaled = zip(reversed(layers), range(1, len(layers) + 1), strict=True)
        return [{"params": own}] + [{"params": weights, "lr_scale": self._lr_decay**depth} for weights, depth in scaled]


class LowRank(nn.Module):
    """A weight plus a product of two thin matrices, which is zero at first."""

    def __init__(self, weight: Tensor, *, rank: int, alpha: float) -> None:
        super().__init__()
        out, inside = weight.shape
        self.down = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(rank, inside), a=5**0.5))
        self.up = nn.Parameter(torch.zeros(out, rank))
        self.scale = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        """The sum, of the weight's shape (D, D)."""
        return weight + self.scale * self.up @ self.down


def _add_low_rank(student: nn.Module, *, rank: int, alpha: float) -> None:
    linear = [part for part in student.modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise ModelError("lora adds to linear layers and the student has none: leave lora out")
    student.requires_grad_(False)
    for part in linear:
        parametrize.register_parametrization(part, "weight", LowRank(part.weight, rank=rank, alpha=alpha))


def _freeze(student: nn.Module, name: str) -> list[nn.Module]:
    parts = [part for path, part in student.named_modules() if name == "student" or f"{path}.".startswith(f"{name}.")]
    if not parts:
        top = ", ".join(path for path, _ in student.named_children())
        raise ModelError(f"the student has no part {name!r} to freeze: there are {top}, or student for all of it")
    for part in parts:
        part.requires_grad_(False)
    return parts
