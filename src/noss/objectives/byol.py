"""BYOL for audio: two views of one crop, one seen through the student, the other through its moving average.

With the student f, a projector g and a predictor h, and f', g' moving averages of f and g, the loss is (Grill et al. 2020,
arXiv 2006.07733, eq. 2; Niizumi et al. 2021, arXiv 2103.06695), for the views v and w and then the other way round,

    2 - 2 cos( h(g(f(v))), g'(f'(w)) )

Views are made as BYOL-A makes them, and BYOL-S after it (arXiv 2110.03414), on the log-mel: mixing in another crop of the batch
at a share drawn up to 0.4, log((1 - a) exp(x) + a exp(x_other)), and a random resized crop, 0.6 to 1.5 times as long and as
high, filled with the quietest value where it reaches beyond the edge. Whatever the recipe does to waveforms comes on top.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.errors import ModelError
from noss.objectives import Batch, Needs
from noss.objectives._masked import front_ends, hooked
from noss.objectives._pool import mean_over_time

NEEDS = Needs(views=2)


class Objective(nn.Module):
    """Makes a student predict what its own average says of another view.

    Args:
        student: What is trained; a log-mel front end inside.
        dim: Size of its embeddings.
        hidden: Width of projector and predictor.
        project_dim: What they give.
        decay: Of the moving average: a' = decay a' + (1 - decay) a after each step.
        mix: Largest share of another crop in a view; 0 for none.
        resize: Least and largest scale of the resized crop, for time and for bands.

    Raises:
        ModelError: The student has no log-mel front end.
    """

    def __init__(
        self,
        student: nn.Module,
        *,
        dim: int,
        hidden: int = 4096,
        project_dim: int = 256,
        decay: float = 0.99,
        mix: float = 0.4,
        resize: tuple[float, float] = (0.6, 1.5),
    ) -> None:
        super().__init__()
        self.student, self.decay, self.mix, self.resize = student, decay, mix, resize
        self.projector, self.predictor = _mlp(dim, hidden, project_dim), _mlp(project_dim, hidden, project_dim)
        self.target = copy.deepcopy(nn.ModuleList([student, self.projector])).requires_grad_(False)
        if len(front_ends(student)) != 1:
            raise ModelError("byol needs a student with a log-mel front end: choose a native one, such as audiontt/512")

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of crops (B, 2, T), both ways, and how much embeddings of one batch differ from each other."""
        seen = [(batch.waveform_BVT[:, view], batch.lengths_BV[:, view]) for view in (0, 1)]
        own = [self._vector(self.student, *one) for one in seen]
        said = [self.predictor(self.projector(vector_BD)) for vector_BD in own]
        with torch.no_grad():
            student, projector = self.target
            wanted = [projector(self._vector(student, *one)) for one in seen]
        both = [2 - 2 * functional.cosine_similarity(said[view], wanted[1 - view]).mean() for view in (0, 1)]
        spread = functional.normalize(own[0].detach(), dim=1).std(dim=0).mean() * own[0].shape[1] ** 0.5
        return {"loss": both[0] + both[1], "spread": spread}

    @torch.no_grad()
    def after_step(self, step: int, steps: int) -> None:
        """Move the average a little towards the student; buffers, such as those of norms, are taken over."""
        del step, steps
        now = nn.ModuleList([self.student, self.projector])
        for mean, weights in zip(self.target.parameters(), now.parameters(), strict=True):
            mean.lerp_(weights, 1 - self.decay)
        for kept, buffer in zip(self.target.buffers(), now.buffers(), strict=True):
            kept.copy_(buffer)

    def _vector(self, student: nn.Module, waveform_BT: Tensor, lengths_B: Tensor) -> Tensor:
        with hooked(front_ends(student)[0], self._view):
            frames_BLSD, frame_lengths_B = student(waveform_BT, lengths_B)
        return mean_over_time(frames_BLSD[:, -1], frame_lengths_B)

    def _view(self, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        logmel_BSM, num_frames_B = output
        if not self.training:
            return output
        return resized(mixed(logmel_BSM, most=self.mix), scales=self.resize), num_frames_B


def mixed(logmel_BSM: Tensor, *, most: float) -> Tensor:
    """Log-mel (B, S, M) with another crop of the batch mixed in at a share drawn from 0 to `most`."""
    share_B11 = most * torch.rand(len(logmel_BSM), 1, 1, device=logmel_BSM.device)
    other_BSM = logmel_BSM[torch.randperm(len(logmel_BSM), device=logmel_BSM.device)]
    own, others = torch.log1p(-share_B11), torch.log(share_B11.clamp(min=1e-12))
    return torch.logaddexp(logmel_BSM + own, other_BSM + others)


def resized(logmel_BSM: Tensor, *, scales: tuple[float, float]) -> Tensor:
    """Log-mel (B, S, M) seen through a window of another size at a random place, stretched to the size it had."""
    number, size, bands = logmel_BSM.shape
    low, high = scales
    grids = []
    for _ in range(2):
        scale_B = low + (high - low) * torch.rand(number, device=logmel_BSM.device)
        room_B = (scale_B - 1).abs()
        shift_B = room_B * (2 * torch.rand(number, device=logmel_BSM.device) - 1)
        grids.append((scale_B, shift_B))
    theta_B23 = logmel_BSM.new_zeros(number, 2, 3)
    for axis, (scale_B, shift_B) in enumerate(grids):
        theta_B23[:, axis, axis], theta_B23[:, axis, 2] = scale_B, shift_B
    grid = functional.affine_grid(theta_B23, [number, 1, size, bands], align_corners=False)
    floor_B11 = logmel_BSM.amin(dim=(1, 2), keepdim=True)
    seen = functional.grid_sample((logmel_BSM - floor_B11)[:, None], grid, mode="bicubic", align_corners=False)[:, 0]
    return seen + floor_B11


def _mlp(dim: int, hidden: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, out))
