"""How far a teacher's marks scatter around predicted points, as a distribution over the marks that there are.

A teacher sees the quality y = p + shift + σ·ε, with ε logistic and p the predicted points, and gives the mark nearest
to it; the lowest and the highest mark take all that lies beyond. So

    P(low ≤ mark ≤ high) = F((high + step/2 − p − shift) / σ) − F((low − step/2 − p − shift) / σ)

with F the logistic function, open at the ends of the scale. That is an ordered logit with known cut points
(Peter McCullagh, “Regression models for ordinal data”, Journal of the Royal Statistical Society B 42, 1980), and it
knows by itself that a prediction half-way between two marks is right less often than one on a mark, and that marks
scatter less at the ends of a scale. σ may differ from essay to essay, σ = exp(a + b·signals): the signals are what may
tell a doubtful essay, and b stays nought unless it foretells marks that the fit has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from grading.calibration.sample import Array, Scale

PENALTY = 4.0
"""On the square of each weight of a signal (in standard deviations): that of a normal prior of width 0.35."""
SHIFT_PENALTY = 10.0
"""On the square of shift / σ: cross-validated predictions are hardly off as a whole."""
FOLDS = 5
PAYS = 0.01
"""Gain in log-likelihood for each mark, on marks not seen, from which on the signals are used."""
STANDARD_DEVIATION = np.pi / np.sqrt(3)
"""Of the standard logistic distribution."""


@dataclass(frozen=True)
class Spread:
    """The distribution of marks around predictions, learned from predictions that had not seen the marks."""

    scale: Scale
    shift: float
    log_sigma: float
    weights: tuple[float, ...]
    """Of the standardised signals; empty where they do not pay."""
    centre: tuple[float, ...]
    width: tuple[float, ...]

    @classmethod
    def fit(cls, predictions: Array, marks: Array, scale: Scale, signals: Array | None = None) -> Spread:
        """By penalised maximum likelihood. `signals` has a row an essay; NaN is not known, and neutral.

        Raises ValueError where there are no marks.
        """
        predictions, marks = np.asarray(predictions, dtype=float), scale.round(np.asarray(marks, dtype=float))
        if not len(marks) or predictions.shape != marks.shape:
            raise ValueError(f"there are {predictions.size} predictions for {marks.size} marks")
        plain = cls._fit(predictions, marks, scale, np.empty((len(marks), 0)))
        if signals is None or not signals.shape[1] or len(marks) < 4 * FOLDS:
            return plain
        gain = 0.0
        for fold in range(FOLDS):
            test = np.arange(len(marks)) % FOLDS == fold
            for sign, used in ((1, signals), (-1, signals[:, :0])):
                found = cls._fit(predictions[~test], marks[~test], scale, used[~test])
                seen = found.probability(predictions[test], marks[test], marks[test], used[test])
                gain += sign * float(np.log(np.maximum(seen, 1e-12)).sum())
        return cls._fit(predictions, marks, scale, signals) if gain / len(marks) > PAYS else plain

    @classmethod
    def _fit(cls, predictions: Array, marks: Array, scale: Scale, signals: Array) -> Spread:
        known = np.where(np.isfinite(signals), signals, np.nan)
        empty = ~np.isfinite(known).any(axis=0)
        known[:, empty] = 0.0
        centre, width = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
        width = np.where(width < 1e-9, 1.0, width)
        residual = float(np.sqrt(np.mean((marks - predictions) ** 2)))
        start = np.log(max(residual, 0.1 * scale.step) / STANDARD_DEVIATION)

        def model(parameters: Array) -> Spread:
            shift, log_sigma, *weights = map(float, parameters)
            return cls(scale, shift, log_sigma, tuple(weights), tuple(centre), tuple(width))

        def loss(parameters: Array) -> float:
            one = model(parameters)
            seen = one.probability(predictions, marks, marks, signals)
            fit = -np.log(np.maximum(seen, 1e-12)).sum()
            shift = SHIFT_PENALTY * (one.shift / np.exp(one.log_sigma)) ** 2
            return float(fit + shift + PENALTY * np.square(one.weights).sum() + (one.log_sigma - start) ** 2)

        count = 2 + signals.shape[1]
        bounds = [(-scale.step, scale.step), (start - 2.5, start + 2.5), *[(-1.5, 1.5)] * (count - 2)]
        first = np.zeros(count)
        first[1] = start
        return model(minimize(loss, first, method="L-BFGS-B", bounds=bounds).x)

    @property
    def adaptive(self) -> bool:
        """Whether the signals pay, so that σ differs from essay to essay."""
        return bool(self.weights)

    def sigma(self, count: int, signals: Array | None = None) -> Array:
        """σ of each of `count` essays, in points."""
        if not self.weights or signals is None:
            return np.full(count, np.exp(self.log_sigma))
        standard = (signals - np.array(self.centre)) / np.array(self.width)
        standard = np.clip(np.nan_to_num(standard), -3, 3)
        return np.exp(self.log_sigma + standard @ np.array(self.weights))

    def probability(self, predictions: Array, low: Array, high: Array, signals: Array | None = None) -> Array:
        """That the teacher's mark is from `low` to `high`, both marks of the scale and themselves included."""
        half, sigma = self.scale.step / 2, self.sigma(len(predictions), signals)
        at = predictions + self.shift
        above = np.where(high >= self.scale.high - 1e-9, 1.0, expit((high + half - at) / sigma))
        below = np.where(low <= self.scale.low + 1e-9, 0.0, expit((low - half - at) / sigma))
        return above - below
