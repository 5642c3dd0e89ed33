"""Distillation: the student's embedding of a crop is to be the teacher's.

With s the student's vector, or a linear map of it, and t the teacher's (arXiv 2011.04609, section 3; arXiv 2203.00236,
section 3.1), the loss is one of

    mse     mean over dimensions of (s - t)^2, as published
    l1      mean over dimensions of |s - t|
    cosine  1 - cos(s, t)

`t` is the teacher's embedding of the crop itself (a local target) or of the whole recording that the crop was cut from (a
global target): the recipe says which, and with both, one is drawn for each crop.
`output` says how vectors of different size meet: `project` puts a linear layer, which is thrown away, on the student; `truncate`
compares the first dimensions of both, as the original does for targets larger than the student.

With `standardise`, each number of t is first brought to zero mean and unit deviation over the batches. As published, it is not:
then numbers of a large mean or spread are most of the loss, and a short run learns little but the mean vector.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from noss.errors import ModelError
from noss.objectives import Batch, Needs
from noss.objectives._pool import embed

NEEDS = Needs(teacher=True)


class Objective(nn.Module):
    """Makes a student's vectors those of its teacher.

    Args:
        student: What is trained.
        dim: Size of its embeddings.
        teacher_dim: Size of the teacher's.
        distance: How far two vectors are: `mse`, `l1` or `cosine`.
        output: Where the sizes differ: `project` the student's, or `truncate` the larger.
        standardise: Make every number of the targets count alike, and their means nothing.

    Raises:
        ModelError: Truncation is asked for and the student is larger than the teacher.
    """

    def __init__(
        self,
        student: nn.Module,
        *,
        dim: int,
        teacher_dim: int,
        distance: Literal["mse", "l1", "cosine"] = "mse",
        output: Literal["project", "truncate"] = "project",
        standardise: bool = False,
    ) -> None:
        super().__init__()
        if output == "truncate" and dim > teacher_dim:
            raise ModelError(
                f"the student has {dim} dimensions and its teacher {teacher_dim}: only a teacher's can be truncated; set output=project"
            )
        self.student, self.distance = student, distance
        same = output == "truncate" or dim == teacher_dim
        self.scale: nn.Module = nn.BatchNorm1d(teacher_dim, affine=False) if standardise else nn.Identity()
        self.project: nn.Module = nn.Identity() if same else nn.Linear(dim, teacher_dim)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The distance of crops' embeddings from their targets (B, V, D), and all three distances for the curves."""
        assert batch.target_BVD is not None, "NEEDS asks for a teacher"
        made_BVD = self.project(embed(self.student, batch))
        target_BVD = self.scale(batch.target_BVD.flatten(0, 1)).reshape(batch.target_BVD.shape)[
            ..., : made_BVD.shape[-1]
        ]
        found = {
            "mse": functional.mse_loss(made_BVD, target_BVD),
            "l1": functional.l1_loss(made_BVD, target_BVD),
            "cosine": 1.0 - functional.cosine_similarity(made_BVD, target_BVD, dim=-1).mean(),
        }
        return {"loss": found[self.distance], **{name: value.detach() for name, value in found.items()}}
