"""Folds that keep groups whole and classes even: seeded, and the same for ever.

Written out rather than taken from scikit-learn, whose stratified group folds have changed between versions, while a
published score must keep its folds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def stratified(y_N: Rows, group_N: Rows, *, num_folds: int, seed: int) -> Rows:
    """The fold (N,) of every clip: no group in two folds, each class spread as evenly as groups allow.

    Groups are dealt out from the most to the least uneven (by the deviation of their class counts, as scikit-learn's
    `StratifiedGroupKFold` does), equal ones in a seeded random order, each to the fold that has the least of its classes
    so far (relative to the class), then to the smallest fold. No fold stays empty.

    Args:
        y_N: Class indices, 0 to K - 1.
        group_N: Group indices; numbers that only tell groups apart.
        num_folds: At most the number of groups.
        seed: The seed of the order of equal groups.
    """
    _, group_N = np.unique(group_N, return_inverse=True)
    num_groups, num_classes = int(group_N.max()) + 1, int(y_N.max()) + 1
    assert 1 <= num_folds <= num_groups, "there must be a group for every fold"
    if num_groups == len(y_N):
        return _deal(y_N, num_folds=num_folds, seed=seed)
    cell, count = np.unique(group_N * num_classes + y_N, return_counts=True)
    class_of, starts = cell % num_classes, np.searchsorted(cell, np.arange(num_groups + 1) * num_classes)
    share = count / np.bincount(y_N, minlength=num_classes)[class_of]
    size_G, square_G = (np.bincount(cell // num_classes, weights) for weights in (count, count**2))
    uneven_G = np.round(square_G / num_classes - (size_G / num_classes) ** 2, 9)
    shuffled = np.random.RandomState(seed).permutation(num_groups)
    share_FK, size_F, fold_G = np.zeros((num_folds, num_classes)), np.zeros(num_folds), np.zeros(num_groups, np.int64)
    for group in shuffled[np.argsort(-uneven_G[shuffled], kind="stable")]:
        here = slice(starts[group], starts[group + 1])
        cost_F = np.round(share_FK[:, class_of[here]] @ share[here], 12)
        fold = np.lexsort((size_F, cost_F))[0]
        share_FK[fold, class_of[here]] += share[here]
        size_F[fold] += size_G[group]
        fold_G[group] = fold
    return fold_G[group_N]


def _deal(y_N: Rows, *, num_folds: int, seed: int) -> Rows:
    """Single clips: each class shuffled and dealt out in turn, the next class going on where the last one stopped."""
    shuffled = np.random.RandomState(seed).permutation(len(y_N))
    by_class = shuffled[np.argsort(y_N[shuffled], kind="stable")]
    fold_N = np.empty(len(y_N), np.int64)
    fold_N[by_class] = np.arange(len(y_N)) % num_folds
    return fold_N
