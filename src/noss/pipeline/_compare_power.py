"""How many speakers it would take to tell two models apart.

If the true difference is the one seen, and further speakers differ from each other as these do and bring as many clips
each, a two-sided test at 5 % finds it in 80 % of studies with

    n = s^2 (t_(n-1; 0.975) + t_(n-1; 0.80))^2 / d^2

speakers, where d is the difference and s^2 = J SE^2 comes from the standard error SE of the difference, clustered by the
J speakers at hand. Source: the size of a paired t-test, as in Chow, Shao and Wang, Sample Size Calculations in Clinical
Research (2nd ed., 2008), section 3.1; that benchmarks need it: Card et al., "With little power comes great
responsibility", EMNLP 2020.
"""

from __future__ import annotations

from math import ceil, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

LEVEL, POWER = 0.05, 0.8
_MOST = 10_000_000


def standard_error(left_out_U: NDArray[np.float64], *, stratum_U: NDArray[np.int64]) -> float:
    """The jackknife's standard error of a number, clustered by unit; 0 where a lone unit says nothing.

    Args:
        left_out_U: The number with each of U units left out (U,).
        stratum_U: The corpus of each unit (U,); corpora are independent.
    """
    return sqrt(sum(variance for variance, _ in _variances(left_out_U, stratum_U)))


def degrees(left_out_U: NDArray[np.float64], *, stratum_U: NDArray[np.int64]) -> float:
    """The degrees of freedom behind that error, at least 1: units less one for one corpus, Welch and Satterthwaite's for several.

    Args:
        left_out_U: The number with each of U units left out (U,).
        stratum_U: The corpus of each unit (U,).
    """
    terms = [(variance, freedom) for variance, freedom in _variances(left_out_U, stratum_U) if freedom > 0]
    below = sum(variance**2 / freedom for variance, freedom in terms)
    if below <= 0:
        return float(max(len(left_out_U) - 1, 0))
    return max(sum(variance for variance, _ in terms) ** 2 / below, 1.0)


def _variances(left_out_U: NDArray[np.float64], stratum_U: NDArray[np.int64]) -> list[tuple[float, int]]:
    """The jackknife's variance of each corpus, and its degrees of freedom."""
    kept_U = np.isfinite(left_out_U)
    corpora = [left_out_U[kept_U & (stratum_U == one)] for one in np.unique(stratum_U)]
    return [((len(own_V) - 1) * float(own_V.var()), len(own_V) - 1) for own_V in corpora if len(own_V)]


def speakers_needed(difference: float, *, error: float, num_speakers: int) -> int | None:
    """Speakers that it takes to tell a difference from none; None where no number would do, or no error is known.

    Args:
        difference: The difference.
        error: Its standard error, clustered by speaker.
        num_speakers: The speakers behind that error.
    """
    if not isfinite(difference) or abs(difference) * sqrt(_MOST) <= error or num_speakers < 2 or error <= 0:
        return None
    ratio = num_speakers * (error / difference) ** 2
    low, high = 2, _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _size(middle, ratio) <= middle else (middle + 1, high)
    return low if low < _MOST else None


def _size(num: int, ratio: float) -> int:
    from scipy.special import stdtrit

    quantiles = stdtrit(num - 1, 1 - LEVEL / 2) + stdtrit(num - 1, POWER)
    return ceil(ratio * float(quantiles) ** 2)
