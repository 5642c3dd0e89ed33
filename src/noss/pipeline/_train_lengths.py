"""Batches of whole recordings: those of a step are of about one length, so that little of a batch is padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.objectives import Needs
from noss.pipeline._train_corpus import Draws
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_recording import Recording

_POOL = 50  # steps whose recordings are sorted together: more leave less padding, and mix less
_KEPT = 4  # pools whose order is remembered


class ByLength:
    """Draws in another order, again a pure function of their number: the recordings of a step are alike in length.

    The draws of fifty steps are sorted by length and cut into steps, which come in an order of their own. Where a recording is
    drawn several times in them, its copies go to as many steps.

    Args:
        draws: Which recording comes when.
        step: Recordings in a step.
        most_s: Seconds beyond which recordings are cut and count as equally long.
        seed: The seed of the order of steps.
    """

    def __init__(self, draws: Draws, *, step: int, most_s: float, seed: int) -> None:
        self._draws, self._step, self._most_s, self._seed = draws, step, most_s, seed
        self._orders: dict[int, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self._draws)

    def __getitem__(self, number: int) -> Recording:
        pool, place = divmod(number, _POOL * self._step)
        return self._draws[pool * _POOL * self._step + int(self._order(pool)[place])]

    def _order(self, pool: int) -> NDArray[np.int64]:
        """The places (N,) of a pool's draws, in the order in which they come; those of the last few pools are remembered."""
        if pool not in self._orders:
            if len(self._orders) == _KEPT:
                del self._orders[next(iter(self._orders))]
            self._orders[pool] = self._sorted(pool)
        return self._orders[pool]

    def _sorted(self, pool: int) -> NDArray[np.int64]:
        first, size = pool * _POOL * self._step, _POOL * self._step
        drawn = [self._draws[first + place] for place in range(size)]
        lengths_N = np.array([min(one.duration_s, self._most_s) for one in drawn])
        _, first_N, whose_N = np.unique([one.number for one in drawn], return_index=True, return_inverse=True)
        places_N = np.lexsort((first_N[whose_N], lengths_N))  # copies of a recording stand side by side
        steps_SB = _dealt(places_N, whose_N[places_N], step=self._step)
        return np.random.default_rng((self._seed, 5, pool)).permutation(steps_SB).ravel()


def ordered(draws: Draws, recipe: Recipe) -> Draws | ByLength:
    """The draws to train on: as they are for crops, by length where recordings are taken whole."""
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


def _dealt(places_N: NDArray[np.int64], whose_N: NDArray[np.int64], *, step: int) -> NDArray[np.int64]:
    """Sorted places as steps (S, B): neighbours make a step, and copies of a recording, which are neighbours, make none.

    So many steps as a stretch has copies of one recording are dealt out together, like cards. Only a recording with more copies
    than there are steps comes twice in one.
    """
    starts, num_steps = [0], len(places_N) // step
    for end in range(1, num_steps):
        if _most_copies(whose_N[starts[-1] * step : end * step]) <= end - starts[-1]:
            starts.append(end)
    while len(starts) > 1 and _most_copies(whose_N[starts[-1] * step :]) > num_steps - starts[-1]:
        starts.pop()
    bounds = zip(starts, [*starts[1:], num_steps], strict=True)
    return np.concatenate([places_N[start * step : end * step].reshape(step, end - start).T for start, end in bounds])


def _most_copies(whose_N: NDArray[np.int64]) -> int:
    return int(np.unique(whose_N, return_counts=True)[1].max())
