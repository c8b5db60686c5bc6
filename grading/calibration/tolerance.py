"""How many essays a teacher must see so that the others' marks are as near as was asked.

“Within t points in 90 %” is said of the marks that go out. So the most doubtful essays go to the teacher, and no more
of them than it takes until nine tenths of the rest are expected to be within t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.calibration.interval import Conformal
from grading.calibration.sample import Array


@dataclass(frozen=True)
class Outside:
    """What a tolerance would mean for these essays."""

    which: NDArray[np.bool_]
    """For each essay, whether it would go to a teacher."""
    threshold: float
    """The probability of being within the tolerance from which on an essay stands; infinite where none does."""
    expected: float | None
    """The share of the others that is expected to be within the tolerance; None where there are none."""

    @property
    def count(self) -> int:
        return int(self.which.sum())

    @property
    def share(self) -> float:
        return float(self.which.mean()) if len(self.which) else 0.0


def outside(
    predictions: Array, conformal: Conformal, tolerance: float, coverage: float, signals: Array | None = None
) -> Outside:
    """Which essays would go to a teacher if `coverage` (0 to 1) of the others are to be within `tolerance` points.

    `predictions` are points of essays that no teacher has marked; `signals` as `conformal` was fitted with.
    """
    return by_probability(conformal.all_within(np.asarray(predictions, dtype=float), tolerance, signals), coverage)


def by_probability(within: Array, coverage: float) -> Outside:
    """The same, from each essay's probability of being within the tolerance."""
    values, counts = np.unique(-within, return_counts=True)  # the surest first; a threshold cannot part equals
    standing = np.cumsum(counts)
    means = np.cumsum(-values * counts) / standing
    enough = np.flatnonzero(means >= coverage - 1e-12)
    if not len(enough):
        return Outside(np.ones(len(within), dtype=bool), math.inf, None)
    threshold = -float(values[enough[-1]])
    return Outside(within < threshold, threshold, float(means[enough[-1]]))
