"""Between which marks the teacher's lies, with a stated coverage, and how likely it is to lie near the mark given.

Split-conformal prediction (Vladimir Vovk and others, “Algorithmic Learning in a Random World”, 2005; Jing Lei and
others, “Distribution-Free Predictive Inference for Regression”, JASA 113, 2018): of n marks, each |mark − prediction|
/ σ with a prediction that had not seen it, the ⌈(n + 1) · coverage⌉-th smallest is the half-width in units of σ.
Whatever the distribution, the next essay's mark is inside at least as often as stated, if it comes from where the n
came from; with too few marks for the coverage the interval is the whole scale. σ is one for all essays, or as
`Spread` has it.

mapie fits the regression itself, fold by fold; ours is fitted already and its out-of-fold predictions are there, so
that one quantile is all that is left to do. A fold's model has seen fewer marks than the one in use, so that the
intervals are rather too wide than too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from grading.calibration.sample import Array, Scale
from grading.calibration.spread import Spread


@dataclass(frozen=True)
class Conformal:
    """Learned from marks and from predictions that had not seen them; both in points of the scale."""

    spread: Spread
    scores: tuple[float, ...]
    """|mark − prediction| / σ of each mark, in ascending order."""

    @classmethod
    def fit(cls, predictions: Array, marks: Array, scale: Scale, signals: Array | None = None) -> Conformal:
        """`signals` has a row an essay: what may tell a doubtful one. Raises ValueError without marks."""
        predictions, marks = np.asarray(predictions, dtype=float), np.asarray(marks, dtype=float)
        spread = Spread.fit(predictions, marks, scale, signals)
        scores = np.abs(marks - predictions) / spread.sigma(len(marks), signals)
        return cls(spread, tuple(np.sort(scores).tolist()))

    def interval(self, prediction: float, coverage: float) -> tuple[float, float]:
        """The lowest and the highest mark that the teacher's lies between, with that probability (0 to 1)."""
        low, high = self.intervals(np.array([prediction]), coverage)
        return float(low[0]), float(high[0])

    def within(self, prediction: float, tolerance: float) -> float:
        """The probability that the teacher's mark is at most `tolerance` points from the one given."""
        return float(self.all_within(np.array([prediction]), tolerance)[0])

    def intervals(self, predictions: Array, coverage: float, signals: Array | None = None) -> tuple[Array, Array]:
        """`interval` of many essays: their lowest and their highest marks. Never empty: the nearest mark is inside."""
        scale, mark = self.spread.scale, self.spread.scale.round(predictions)
        rank = math.ceil((len(self.scores) + 1) * coverage - 1e-9)
        if rank > len(self.scores):
            return np.full(len(mark), scale.low), np.full(len(mark), scale.high)
        half = self.scores[max(rank, 1) - 1] * self.spread.sigma(len(mark), signals)
        low = scale.low + scale.step * np.ceil((predictions - half - scale.low) / scale.step - 1e-9)
        high = scale.low + scale.step * np.floor((predictions + half - scale.low) / scale.step + 1e-9)
        return np.minimum(np.maximum(low, scale.low), mark), np.maximum(np.minimum(high, scale.high), mark)

    def all_within(self, predictions: Array, tolerance: float, signals: Array | None = None) -> Array:
        """`within` of many essays."""
        scale = self.spread.scale
        mark, reach = scale.round(predictions), scale.step * math.floor(tolerance / scale.step + 1e-9)
        return self.spread.probability(predictions, mark - reach, mark + reach, signals)
