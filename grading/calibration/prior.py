"""What a good essay looks like anywhere: learned on a school's other assignments, free of their scales.

Every assignment's figures and marks are standardised, so that a prior says how many standard deviations an essay is
above the mean of its own class, and nothing about points.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge

from grading.calibration.described import Described
from grading.calibration.sample import Array, Labelled
from grading.text import Language

FEWEST = 10
"""Marks of an assignment from which on something can be learned from it."""
PENALTY = 3000.0
"""On the squares of the figures' weights, in essays: what three classes have in common, a fourth need not have."""


class Prior:
    """Standardised marks from standardised figures."""

    def __init__(
        self,
        language: Language,
        model: Ridge,
        former: tuple[Array, Array],
        width: float,
        on_scale: tuple[float, float],
        version: str,
    ) -> None:
        self.language, self.version = language, version
        self.former = former
        """Mean and spread of the figures before they were standardised, over all that was learned from."""
        self.on_scale = on_scale
        """Mean and standard deviation of marks as shares of their scales."""
        self._model, self._width = model, width

    @classmethod
    def learn(cls, others: Sequence[Labelled]) -> Prior:
        """From assignments of one language; those with hardly a mark are passed over. ValueError with none left."""
        usable = [one for one in others if len(one.marks) >= FEWEST and np.std(one.marks) > 0]
        if not usable:
            raise ValueError("a prior needs another assignment with marks")
        if len({one.language for one in usable}) > 1:
            raise ValueError("a prior is learned from assignments of one language")
        xs, ys, weights, places, formers = [], [], [], [], []
        learned_from = hashlib.sha256()
        for one in usable:
            described = Described.learn([*one.samples, *one.unmarked], one.language, one.prompt)
            y = np.asarray(one.marks, dtype=float)
            xs.append(described.figures(one.samples))
            ys.append((y - y.mean()) / y.std())
            weights += [1 / len(y)] * len(y)
            share = (y - one.scale.low) / (one.scale.high - one.scale.low)
            places.append((share.mean(), share.std()))
            formers.append((described.centre, described.spread))
            learned_from.update(one.digest())
        x, sample_weight = np.vstack(xs), np.array(weights) / np.mean(weights)
        model = Ridge(alpha=PENALTY).fit(x, np.concatenate(ys), sample_weight=sample_weight)
        centres, spreads = map(np.array, zip(*formers, strict=True))
        former = centres.mean(axis=0), np.sqrt((spreads**2).mean(axis=0) + centres.var(axis=0))
        where = tuple(float(value) for value in np.mean(places, axis=0))
        width = float(model.predict(x).std()) or 1.0
        return cls(usable[0].language, model, former, width, (where[0], where[1]), learned_from.hexdigest())

    def score(self, figures: Array) -> Array:
        """How far each essay is above its class's mean, by `Described.figures`; over a class, one is the standard
        deviation."""
        prediction: Array = self._model.predict(figures) / self._width
        return prediction
