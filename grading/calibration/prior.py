"""What a good essay looks like anywhere: learned on a school's other assignments, free of their scales.

Every assignment's features and marks are standardised, so that a prior says how many standard deviations an essay is
above the mean of its own class, and nothing about points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge

from grading.calibration import described
from grading.calibration.sample import Array, Labelled, Sample
from grading.text import Language

FEWEST = 10
"""Marks of an assignment from which on something can be learned from it."""


class Prior:
    """Standardised marks from standardised features. `position` and `spread` say where marks lie on their scales."""

    def __init__(self, language: Language, model: Ridge, centre: Array, spread: Array, on_scale: tuple[float, float]):
        self.language = language
        self.centre, self.spread = centre, spread
        self.on_scale = on_scale
        """Mean and standard deviation of marks as shares of their scales."""
        self._model = model

    @classmethod
    def learn(cls, others: Sequence[Labelled], *, seed: int = 0) -> Prior:
        """From assignments of one language; those with hardly a mark are passed over. ValueError with none left."""
        usable = [one for one in others if len(one.marks) >= FEWEST and np.std(one.marks) > 0]
        if not usable:
            raise ValueError("a prior needs another assignment with marks")
        if len({one.language for one in usable}) > 1:
            raise ValueError("a prior is learned from assignments of one language")
        language = usable[0].language
        raw, xs, ys, weights, places = [], [], [], [], []
        for one in usable:
            x, y = described.rows(one.samples, one.language, one.prompt), np.asarray(one.marks, dtype=float)
            raw.append(x)
            xs.append((x - x.mean(axis=0)) / _positive(x.std(axis=0)))
            ys.append((y - y.mean()) / y.std())
            weights += [1 / len(y)] * len(y)
            share = (y - one.scale.low) / (one.scale.high - one.scale.low)
            places.append((share.mean(), share.std()))
        stacked = np.vstack(raw)
        sample_weight = np.array(weights) / np.mean(weights)
        model = Ridge(alpha=100.0).fit(np.vstack(xs), np.concatenate(ys), sample_weight=sample_weight)
        where = tuple(float(value) for value in np.mean(places, axis=0))
        return cls(language, model, stacked.mean(axis=0), _positive(stacked.std(axis=0)), (where[0], where[1]))

    def score(self, samples: Sequence[Sample], prompt: str, centre: Array, spread: Array) -> Array:
        """Standard deviations above the class's mean, given that of its features."""
        x = described.rows(samples, self.language, prompt)
        prediction: Array = self._model.predict((x - centre) / spread)
        return prediction


def _positive(spread: Array) -> Array:
    return np.where(spread > 0, spread, 1.0)
