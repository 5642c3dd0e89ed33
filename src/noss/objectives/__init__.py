"""SHELF: what training pulls towards. One file an objective; this page is the contract.

An objective file defines::

    NEEDS = Needs(views=2, within_s=10.0)

    class Objective(nn.Module):
        def __init__(self, student: nn.Module, *, dim: int, <options>) -> None: ...
        def forward(self, batch: Batch) -> dict[str, Tensor]: ...

`student` is what `build` of a model file returns: it maps (waveform_BT, lengths_B) to (frames_BLSD, frame_lengths_B), with
`dim` dimensions. `forward` gives a scalar `"loss"`, and beside it whatever is worth a curve. Every trainable parameter
must have a share in the loss. The loop does the rest: data, augmentation, teachers, devices, steps, checkpoints.

Where `NEEDS` says so, the constructor also gets `teacher_dim` (the size of the teachers' embeddings together) and `num_classes`.
Where the recipe names several columns, a class is what all of them say of a clip, and a constructor with a parameter `columns` gets, for
each column by name, the number that each class has in it (K,), -1 where the column says nothing.

An objective may also define

- `after_step(step: int, steps: int) -> None`, called when a step of the optimiser is done (a moving average, a schedule);
- `scores(waveform_BT: Tensor, lengths_B: Tensor) -> Tensor`, a logit a class (B, K), which `noss finetune` scores on test
  clips;
- `parameter_groups() -> list[dict]`, groups of parameters with an `lr_scale` each; by default one group of all that train.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an objective wants in a batch.

    Attributes:
        views: Crops of each recording, V.
        within_s: The crops of a recording start at most so many seconds apart; None: they are one crop, augmented apart.
        teacher: Whether it wants the embeddings of a teacher.
        labels: Whether it wants classes.
    """

    views: int = 1
    within_s: float | None = None
    teacher: bool = False
    labels: bool = False


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step sees: V crops of each of B recordings.

    Attributes:
        waveform_BVT: Crops (B, V, T), full scale 1, zeros behind short ones.
        lengths_BV: Their samples (B, V).
        source_B: The recording (B,) behind each row, as a number: equal numbers are pieces of one recording.
        target_BVD: The teacher's embedding (B, V, D) of each crop, or of the whole recording; None without a teacher.
        label_B: Classes (B,) as numbers; None without labels.
    """

    waveform_BVT: Tensor
    lengths_BV: Tensor
    source_B: Tensor
    target_BVD: Tensor | None = None
    label_B: Tensor | None = None

    def to(self, device: Any) -> Batch:
        """The batch on a device."""
        moved = {name: value.to(device, non_blocking=True) for name, value in vars(self).items() if value is not None}
        return replace(self, **moved)

    @property
    def flat(self) -> tuple[Tensor, Tensor]:
        """All crops as one batch for the student: waveforms (B V, T) and lengths (B V,)."""
        return self.waveform_BVT.flatten(0, 1), self.lengths_BV.flatten()
