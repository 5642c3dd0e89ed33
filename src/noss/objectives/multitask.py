"""Several aims at once: the vectors of teachers, and classes of several columns where a clip has them.

With t the teachers' vectors, each number brought to zero mean and unit deviation over the batches, and s a linear map of the
student's vector z, and with a linear layer on z for every column c, the loss is

    mean over numbers of (s - t)^2  +  sum over columns of w_c * cross-entropy_c

where a column's cross-entropy is the mean over the clips for which it says something, divided by the logarithm of its classes,
so that a guess costs 1 whatever their number. Weighted sums of losses: Caruana 1997; several teachers, one behind the other:
arXiv 2203.00236 for one of them.

Columns that hang on the voice and columns that hang on the words may stand side by side: the recipe names them in `target`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.errors import ModelError
from noss.objectives import Batch, Needs
from noss.objectives._pool import embed

NEEDS = Needs(teacher=True, labels=True)


class Objective(nn.Module):
    """Makes a student's vectors tell what its teachers' tell, and several kinds of classes.

    Args:
        student: What is trained.
        dim: Size of its embeddings.
        teacher_dim: Size of the teachers' together.
        columns: For each column by name, the number in it of each class of the batches (K,), -1 where it has none.
        weights: What each column counts, in their order; all 1 by default.
        teacher: What the teachers count.
        dropout: Before the layers that tell classes.
        smoothing: Of the labels.

    Raises:
        ModelError: There are not as many weights as columns.
    """

    def __init__(
        self,
        student: nn.Module,
        *,
        dim: int,
        teacher_dim: int,
        columns: Mapping[str, Sequence[int]],
        weights: Sequence[float] | None = None,
        teacher: float = 1.0,
        dropout: float = 0.0,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.codes_KC: Tensor
        self.register_buffer("codes_KC", torch.tensor(list(columns.values())).T, persistent=False)
        self._names = list(columns)
        sizes = [int(size) + 1 for size in self.codes_KC.amax(dim=0)]
        self._weights = [1.0] * len(sizes) if weights is None else list(weights)
        if len(self._weights) != len(sizes):
            raise ModelError(
                f"there are {len(self._weights)} weights and {len(sizes)} columns in target: give each column one"
            )
        self.student, self._teacher, self._smoothing = student, teacher, smoothing
        self.scale = nn.BatchNorm1d(teacher_dim, affine=False)
        self.project = nn.Linear(dim, teacher_dim)
        self.norm = nn.BatchNorm1d(dim, affine=False)
        self.classify = nn.ModuleList(nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, size)) for size in sizes)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of crops (B, V, T), its parts, and how often each column's right class comes first."""
        assert batch.target_BVD is not None and batch.label_B is not None, "NEEDS asks for both"
        made_ND = self.norm(embed(self.student, batch).flatten(0, 1))
        target_ND = self.scale(batch.target_BVD.flatten(0, 1))
        distance = functional.mse_loss(self.project(made_ND), target_ND)
        found = {"loss": self._teacher * distance, "mse": distance.detach()}
        code_NC = self.codes_KC[batch.label_B].repeat_interleave(batch.lengths_BV.shape[1], dim=0)
        for column, (name, layer, weight) in enumerate(zip(self._names, self.classify, self._weights, strict=True)):
            logits_NK, code_N = layer(made_ND), code_NC[:, column]
            known_N = code_N >= 0
            sums = functional.cross_entropy(
                logits_NK, code_N, ignore_index=-1, reduction="sum", label_smoothing=self._smoothing
            )
            guess = math.log(max(2, logits_NK.shape[1]))
            found["loss"] = found["loss"] + weight * sums / known_N.sum().clamp(min=1) / guess
            right_N = (logits_NK.detach().argmax(dim=1) == code_N)[known_N]
            found[f"accuracy {name}"] = right_N.float().mean() if len(right_N) else distance.new_zeros(())
        return found
