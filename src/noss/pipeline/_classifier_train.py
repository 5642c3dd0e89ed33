"""Fit a classifier on all clips of a task: choose by its folds, calibrate on clips left out, refit on everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._classifier_calibration import calibrate, fit_temperature
from noss.pipeline._predictions_fit import Choice, Fitted, Learner, Pairs, choose, fit_rows


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted probe, how it was chosen, and its temperature (None for numbers)."""

    fitted: Fitted
    choice: Choice
    temperature: float | None

    def outputs(self, x_NLD: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities (N, K) of embeddings (N, L, D); numbers (N, 1) where the target is a number."""
        scores_NK = self.fitted.scores(x_NLD)
        if self.temperature is None:
            return scores_NK
        return calibrate(scores_NK, temperature=self.temperature, probabilities=self.fitted.probe.PROBABILITIES)


def train(learner: Learner, x_NLD: NDArray[np.float32], y_N: NDArray[Any], pairs: Pairs) -> Trained:
    """A probe fitted on all rows.

    Args:
        learner: What to fit.
        x_NLD: Embeddings (N, L, D).
        y_N: Class indices or numbers (N,).
        pairs: Folds of all rows, as (fit, left out): they choose the setting and calibrate.

    Raises:
        ProbeError: The labels hold one class only.
    """
    choice = choose(learner, x_NLD, y_N, pairs)
    temperature = None if learner.num_classes is None else _temperature(learner, x_NLD, y_N, pairs, choice)
    everything = np.arange(len(y_N), dtype=np.int64)
    return Trained(
        fitted=fit_rows(learner, x_NLD, y_N, everything, choice=choice), choice=choice, temperature=temperature
    )


def _temperature(
    learner: Learner, x_NLD: NDArray[np.float32], y_N: NDArray[Any], pairs: Pairs, choice: Choice
) -> float:
    usable = [(fit_N, out_N) for fit_N, out_N in pairs if len(out_N) and len(np.unique(y_N[fit_N])) > 1]
    if not usable:
        return 1.0
    scores = [fit_rows(learner, x_NLD, y_N, fit_N, choice=choice).scores(x_NLD[out_N]) for fit_N, out_N in usable]
    true_N = np.concatenate([y_N[out_N] for _, out_N in usable])
    return fit_temperature(np.concatenate(scores), true_N, probabilities=learner.probe.PROBABILITIES)
