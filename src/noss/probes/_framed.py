"""What probes of frames share: a look at the frames, their scaling, and the training of a pooling with a linear head.

Pooling and head are trained together by Adam on the log loss, with `l2` times half of both, squared, added: the stronger it is,
the nearer the pooling stays to the plain mean, so that validation says how much more the clips can teach. Each clip counts
once, whatever its length. Frames behind a clip's end, which only fill a batch, have no weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ProbeError
from noss.probes import Frames
from noss.probes._linear import softmax
from noss.probes._scaling import Scaling

if TYPE_CHECKING:
    from torch import Generator, Tensor

MAX_FRAMES = 2000  # of a clip in one step of training; of a longer one as many are drawn, anew every time
BATCH_SIZE = 32
EPOCHS = (15, 60)
LEARNING_RATE = 0.03

Weights = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Pooling:
    """A pooling that can be trained.

    Attributes:
        start: Its parameters for a dimension, from a generator.
        weigh: The weight (B, S, 1) or (B, S, D) of each frame (B, S, D), given which are there (B, S).
        held: Those of its parameters that are held back by the penalty: where all are 0, it is the plain mean.
        pool: The vector (D,) of the frames (S, D) of a clip, given the trained parameters.
    """

    start: Callable[[int, Generator], dict[str, Tensor]]
    weigh: Callable[[Tensor, Tensor, dict[str, Tensor]], Tensor]
    held: tuple[str, ...]
    pool: Callable[[NDArray[np.float64], Weights], NDArray[np.float64]]


def train(
    frames_N: Frames, y_N: NDArray[np.int64], pooling: Pooling, *, l2: float, steps: int, seed: int
) -> tuple[Scaling, Weights]:
    """The scaling of frames and the trained parameters: those of the pooling, `weight` (K, D) and `bias` (K,).

    Args:
        frames_N: The frames (S, D) of each clip.
        y_N: Class indices (N,), every class present.
        pooling: What to train.
        l2: How much pooling and head are held back.
        steps: Batches to train on, rounded to epochs: 15 of them at least and 60 at most.
        seed: Of what is drawn.

    Raises:
        ProbeError: The frames or the labels are not what a probe can learn from.
    """
    import torch

    num_classes = check_frames(frames_N, y_N)
    scaling = _scaling(frames_N)
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    dim = frames_N[0].shape[1]
    parameters = pooling.start(dim, generator)
    parameters |= {"weight": torch.zeros(num_classes, dim), "bias": torch.zeros(num_classes)}
    with torch.enable_grad(), _one_thread():
        for tensor in parameters.values():
            tensor.requires_grad_()
        _descend(frames_N, y_N, scaling, pooling, parameters, l2=l2, steps=steps, rng=rng)
    return scaling, {name: tensor.detach().double().numpy() for name, tensor in parameters.items()}


def _descend(
    frames_N: Frames,
    y_N: NDArray[np.int64],
    scaling: Scaling,
    pooling: Pooling,
    parameters: dict[str, Tensor],
    *,
    l2: float,
    steps: int,
    rng: np.random.Generator,
) -> None:
    import torch

    held, batches = {"weight", *pooling.held}, -(-len(y_N) // BATCH_SIZE)
    epochs = int(np.clip(-(-steps // batches), *EPOCHS))
    optimizer = torch.optim.Adam(list(parameters.values()), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=epochs * batches)
    for _ in range(epochs):
        order_N = rng.permutation(len(y_N))
        for first in range(0, len(y_N), BATCH_SIZE):
            rows = order_N[first : first + BATCH_SIZE]
            frames_BSD, there_BS = _batch([frames_N[row] for row in rows], scaling, rng)
            pooled_BD = (frames_BSD * pooling.weigh(frames_BSD, there_BS, parameters)).sum(dim=1)
            logits_BK = pooled_BD @ parameters["weight"].T + parameters["bias"]
            loss = torch.nn.functional.cross_entropy(logits_BK, torch.from_numpy(y_N[rows]))
            loss = loss + 0.5 * l2 * sum(tensor.square().sum() for name, tensor in parameters.items() if name in held)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()


def _batch(clips: Frames, scaling: Scaling, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Frames (B, S, D), zero behind the end of each clip, and which are there (B, S)."""
    import torch

    kept = [_drawn(frames_SD, rng) for frames_SD in clips]
    lengths_B = np.array([len(frames_SD) for frames_SD in kept])
    frames_BSD = np.zeros((len(kept), int(lengths_B.max()), kept[0].shape[1]), dtype=np.float32)
    for row_SD, frames_SD in zip(frames_BSD, kept, strict=True):
        row_SD[: len(frames_SD)] = scaling.apply(frames_SD)
    there_BS = np.arange(frames_BSD.shape[1]) < lengths_B[:, None]
    return torch.from_numpy(frames_BSD), torch.from_numpy(there_BS)


def _drawn(frames_SD: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    if len(frames_SD) <= MAX_FRAMES:
        return frames_SD
    return frames_SD[np.sort(rng.choice(len(frames_SD), MAX_FRAMES, replace=False))]


def scores(frames_N: Frames, scaling: Scaling, weights: Weights, pooling: Pooling) -> NDArray[np.float64]:
    """Probabilities (N, K) of clips by their frames (S, D), one after the other."""
    pooled_ND = np.stack([pooling.pool(_scaled(frames_SD, scaling), weights) for frames_SD in frames_N])
    return softmax(np.einsum("nd,kd->nk", pooled_ND, weights["weight"]) + weights["bias"])


def _scaled(frames_SD: NDArray[np.float32], scaling: Scaling) -> NDArray[np.float64]:
    return scaling.apply(frames_SD).astype(np.float64)


def check_frames(frames_N: Frames, y_N: NDArray[np.int64]) -> int:
    """The number of classes K, after refusing frames (S, D) and labels (N,) that no classifier can learn from.

    Raises:
        ProbeError: Frames of several dimensions, clips without any, NaN, or labels that are not 0..K-1 with two classes.
    """
    shapes = {frames_SD.shape[1:] for frames_SD in frames_N}
    if len(frames_N) != len(y_N) or len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ProbeError(f"there are frames of {len(frames_N)} clips for {len(y_N)} labels: give (S, D) frames a label")
    if not all(len(frames_SD) for frames_SD in frames_N):
        raise ProbeError("a clip has no frame and one is needed: leave it out")
    bad = sum(not np.isfinite(frames_SD).all() for frames_SD in frames_N)
    if bad:
        raise ProbeError(f"{bad} of {len(frames_N)} embeddings hold NaN or infinity: check the model that made them")
    classes = np.unique(y_N)
    if len(classes) < 2:
        raise ProbeError(f"all {len(y_N)} training clips carry one class: a classifier needs two, give more labels")
    if classes[0] != 0 or classes[-1] != len(classes) - 1:
        raise ProbeError(f"class indices are {classes.tolist()}, 0..K-1 without a gap are needed: renumber them")
    return len(classes)


def _scaling(frames_N: Frames) -> Scaling:
    """Mean and deviation (D,) over the frames of all clips, in two runs over them; each clip counts once."""
    num = sum(len(frames_SD) for frames_SD in frames_N)
    mean_D = np.mean([frames_SD.mean(axis=0, dtype=np.float64) for frames_SD in frames_N], axis=0)
    variance_D = np.mean([((frames_SD - mean_D) ** 2).mean(axis=0) for frames_SD in frames_N], axis=0)
    eps = np.finfo(np.float64).eps
    constant_D = variance_D <= num * eps * variance_D + (num * mean_D * eps) ** 2
    return Scaling(mean_D, np.where(constant_D, 1.0, np.sqrt(variance_D)))


@contextmanager
def _one_thread() -> Iterator[Any]:
    """Threads of linear algebra wait by spinning: steps as small as these lose more by them than they gain."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield None
    finally:
        torch.set_num_threads(before)
