"""Batches of whole recordings: those of a step are of about one length, so that little of a batch is padding."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.objectives import Needs
from noss.pipeline._train_corpus import Draws
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_recording import Recording

_POOL = 50  # steps whose recordings are sorted together: more leave less padding, and mix less


class ByLength:
    """Draws in another order, again a pure function of their number: the recordings of a step are alike in length.

    The draws of fifty steps are sorted by length and cut into steps, which come in an order of their own.

    Args:
        draws: Which recording comes when.
        step: Recordings in a step.
        most_s: Seconds beyond which recordings are cut and count as equally long.
        seed: The seed of the order of steps.
    """

    def __init__(self, draws: Draws, *, step: int, most_s: float, seed: int) -> None:
        self._draws, self._step, self._most_s, self._seed = draws, step, most_s, seed
        self._order = lru_cache(maxsize=4)(self._sorted)

    def __len__(self) -> int:
        return len(self._draws)

    def __getitem__(self, number: int) -> Recording:
        pool, place = divmod(number, _POOL * self._step)
        return self._draws[pool * _POOL * self._step + int(self._order(pool)[place])]

    def _sorted(self, pool: int) -> NDArray[np.int64]:
        """The places (N,) of a pool's draws, in the order in which they come."""
        first, size = pool * _POOL * self._step, _POOL * self._step
        lengths_N = [min(self._draws[first + place].duration_s, self._most_s) for place in range(size)]
        steps_SB = np.argsort(lengths_N, kind="stable").reshape(_POOL, self._step)
        return np.random.default_rng((self._seed, 5, pool)).permutation(steps_SB).ravel()


def ordered(draws: Draws, recipe: Recipe) -> Draws | ByLength:
    """The draws as they are for crops; by length where recordings are taken whole."""
    if recipe.crop_s is not None:
        return draws
    return ByLength(draws, step=recipe.batch_size, most_s=recipe.max_s, seed=recipe.seed)


def check_whole(recipe: Recipe, needs: Needs) -> None:
    """Make sure that an objective can learn from whole recordings, where they are asked for.

    Raises:
        DataError: It compares crops of one recording, which are no two if they are all of it.
    """
    if recipe.crop_s is None and needs.within_s is not None:
        raise DataError(
            f"{recipe.objective} compares crops of a recording and crop_s is None, which takes all of it: set crop_s to seconds"
        )
