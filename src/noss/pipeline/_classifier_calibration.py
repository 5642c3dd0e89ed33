"""Scores to probabilities that mean what they say: one temperature, fitted on clips the probe had not seen.

Source: Guo et al., "On calibration of modern neural networks", ICML 2017. Targets are smoothed as in Platt,
"Probabilistic outputs for support vector machines", 1999, so that a perfect validation does not promise certainty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FLOOR = 1e-6
_RANGE = (-6.0, 6.0)


def fit_temperature(scores_NK: NDArray[np.float64], true_N: NDArray[np.int64], *, probabilities: bool) -> float:
    """The temperature with the least log loss on held-out scores (N, K) and class indices (N,).

    Args:
        scores_NK: Scores of clips that the probe was not fitted on.
        true_N: Their classes.
        probabilities: Whether the scores are probabilities; else they are taken as logits.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits_NK = _logits(scores_NK, probabilities=probabilities)
    scale = float(logits_NK.std()) or 1.0
    target_NK = _smoothed(true_N, scores_NK.shape[1])

    def loss(log_temperature: float) -> float:
        log_p_NK = log_softmax(logits_NK / (scale * np.exp(log_temperature)), axis=1)
        return -float((target_NK * log_p_NK).sum() / len(log_p_NK))

    return scale * float(np.exp(minimize_scalar(loss, bounds=_RANGE, method="bounded").x))


def calibrate(scores_NK: NDArray[np.float64], *, temperature: float, probabilities: bool) -> NDArray[np.float64]:
    """Calibrated probabilities (N, K) of scores (N, K); the order of the classes stays."""
    from scipy.special import softmax

    logits_NK = _logits(scores_NK, probabilities=probabilities)
    return np.asarray(softmax(logits_NK / temperature, axis=1), dtype=np.float64)


def _logits(scores_NK: NDArray[np.float64], *, probabilities: bool) -> NDArray[np.float64]:
    return np.log(np.maximum(scores_NK, _FLOOR)) if probabilities else scores_NK


def _smoothed(true_N: NDArray[np.int64], num_classes: int) -> NDArray[np.float64]:
    """Each clip's class as (n_k + 1) / (n_k + K) sure, where n_k clips have that class; the rest shared equally."""
    counts_N = np.bincount(true_N, minlength=num_classes)[true_N]
    target_NK = np.repeat((1 / (counts_N + num_classes))[:, None], num_classes, axis=1)
    target_NK[np.arange(len(true_N)), true_N] = (counts_N + 1) / (counts_N + num_classes)
    return target_NK
