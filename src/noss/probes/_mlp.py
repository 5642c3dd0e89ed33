"""Training a small network round by round, watched from outside: HEAR's recipe for its probe.

Source: Turian et al., HEAR: Holistic Evaluation of Audio Representations (2022), and its kit heareval 2021.1.3: linear
layers with batch normalisation, dropout and ReLU, Xavier weights, Adam, batches of 1024, a look at the metric every third
epoch, the best moment kept, the end after twenty looks without a better one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

Initialization = Literal["xavier_uniform", "xavier_normal"]
Layers = list[tuple[NDArray[np.floating], NDArray[np.floating]]]

BATCH_SIZE, DROPOUT, LOOK_EVERY, PATIENCE = 1024, 0.1, 3, 20
_SEED = 42  # the kit's; seed 0 of ours is its run


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A point of the grid, and where random numbers start."""

    hidden_layers: int
    hidden_dim: int
    initialization: Initialization
    lr: float
    max_epochs: int
    seed: int


def train(
    x_ND: NDArray[np.float32], y_N: NDArray[np.int64], recipe: Recipe, *, value: Callable[[Layers], float]
) -> Layers:
    """The layers, a weight (H, D) and a bias (H,) each, at the moment at which they were worth most.

    The normalisation is folded into them. Rows are shuffled once, as the kit does, and not again every epoch.

    Args:
        x_ND: Embeddings (N, D).
        y_N: Class indices (N,), every class present.
        recipe: How to train.
        value: How good the layers are now; higher is better.
    """
    import torch

    order = list(range(len(y_N)))
    random.Random(recipe.seed).shuffle(order)
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), _one_thread():
        torch.manual_seed(_SEED + recipe.seed)
        network = _network(x_ND.shape[1], int(y_N.max()) + 1, recipe)
        looks = _looks(network, x_ND[order], np.asarray(y_N, dtype=np.int64)[order], recipe)
        return _best(looks, value)


def _looks(
    network: nn.Sequential, x_ND: NDArray[np.float32], y_N: NDArray[np.int64], recipe: Recipe
) -> Iterator[Layers]:
    """The layers after every third epoch; after the last one, where there are fewer."""
    import torch

    x, y = torch.from_numpy(x_ND), torch.from_numpy(y_N)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.lr)
    for epoch in range(1, recipe.max_epochs + 1):
        for rows in _batches(len(y_N)):
            optimizer.zero_grad()
            torch.autograd.backward(torch.nn.functional.cross_entropy(network(x[rows]), y[rows]))
            optimizer.step()
        if epoch % LOOK_EVERY == 0:
            yield _folded(network)
    if recipe.max_epochs < LOOK_EVERY:
        yield _folded(network)


def _best(looks: Iterator[Layers], value: Callable[[Layers], float]) -> Layers:
    """The first of those that are worth most, until twenty in a row are worth no more."""
    best, num_worse = next(looks), 0
    best_value = value(best)
    for layers in looks:
        now = value(layers)
        if now > best_value:
            best, best_value, num_worse = layers, now, 0
            continue
        num_worse += 1
        if num_worse == PATIENCE:
            break
    return best


def forward(x_ND: NDArray[np.float32], layers: Layers) -> NDArray[np.float64]:
    """Logits (N, K) of embeddings (N, D)."""
    *hidden, (weight_KH, bias_K) = layers
    for weight_HD, bias_H in hidden:
        x_ND = np.maximum(x_ND @ weight_HD.T + bias_H, 0.0)
    return (x_ND @ weight_KH.T + bias_K).astype(np.float64)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Threads of linear algebra wait by spinning: a network this small loses more by them than it gains."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def _batches(num: int) -> Iterator[slice]:
    """Consecutive batches; one row left over joins the last batch, as a batch of one has no variance."""
    for start in range(0, num, BATCH_SIZE):
        if num - start == 1 and start:
            return
        yield slice(start, num if num - start == BATCH_SIZE + 1 else start + BATCH_SIZE)


def _network(dim: int, num_classes: int, recipe: Recipe) -> nn.Sequential:
    """Hidden layers and a projection, made in the kit's order, so that equal seeds give equal weights."""
    from torch import nn

    modules: list[nn.Module] = []
    for _ in range(recipe.hidden_layers):
        modules.append(_linear(dim, recipe.hidden_dim, recipe, is_first=not modules))
        modules += [nn.BatchNorm1d(recipe.hidden_dim), nn.Dropout(DROPOUT), nn.ReLU()]
        dim = recipe.hidden_dim
    return nn.Sequential(*modules, _linear(dim, num_classes, recipe, is_first=not modules))


def _linear(dim: int, size: int, recipe: Recipe, *, is_first: bool) -> nn.Linear:
    from torch import nn

    linear = nn.Linear(dim, size)
    initialize: Any = {"xavier_uniform": nn.init.xavier_uniform_, "xavier_normal": nn.init.xavier_normal_}
    initialize[recipe.initialization](linear.weight, gain=nn.init.calculate_gain("linear" if is_first else "relu"))
    return linear


def _folded(network: nn.Sequential) -> Layers:
    """Its linear layers as arrays, with the running statistics of the normalisation behind each worked in."""
    from torch import nn

    layers: Layers = []
    for module in network:
        if isinstance(module, nn.Linear):
            layers.append((_array(module.weight), _array(module.bias)))
        elif isinstance(module, nn.BatchNorm1d):
            weight_HD, bias_H = layers.pop()
            gain_H = _array(module.weight) / np.sqrt(_array(module.running_var) + module.eps)
            shift_H = (bias_H - _array(module.running_mean)) * gain_H + _array(module.bias)
            layers.append((weight_HD * gain_H[:, None], shift_H))
    return [(weight.astype(np.float32), bias.astype(np.float32)) for weight, bias in layers]


def _array(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64)
