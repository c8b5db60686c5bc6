"""Two ways from an essay to points, averaged: what the prior says, and what is learned from this teacher's marks.

Few marks teach little of forty features, and the prior's one figure needs only to be moved to the teacher's scale; with
more marks the features have more to say. So each way is fitted by ridge regression, and they are weighed by how well
they foretell marks that they have not seen: non-negative weights of least squares on out-of-fold points (stacking, Leo
Breiman, “Stacked regressions”, Machine Learning 24, 1996), drawn towards equal ones while marks are few. Regression
makes points crowd around their mean, which costs agreement; so they are spread as far as the teacher's own marks are,
but at most twice as far as they came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from grading.calibration.sample import Array

FOLDS = 10
MOST_STRETCH = 2.0
EQUAL = 20.0
"""Marks that the wish for equal weights counts as much as."""


@dataclass
class Blend:
    """Fitted; `out_of_fold` are the points of its own essays by models that had not seen their marks."""

    out_of_fold: Array
    _models: list[Pipeline]
    _weights: Array
    _mean: float
    _stretch: float

    @classmethod
    def fit(cls, x: Array, prior: Array, y: Array, seed: int) -> Blend:
        """`x` has a row of features and levels for each essay, `prior` one column of the prior's scores, or none."""
        ways = _ways(x, prior)
        unseen = np.zeros((len(y), len(ways)))
        for train, test in KFold(FOLDS, shuffle=True, random_state=seed).split(x):
            for i, way in enumerate(ways):
                unseen[test, i] = _ridge().fit(way[train], y[train]).predict(way[test])
        weights = _weights(unseen - y.mean(), y - y.mean())
        mixed = unseen @ weights
        stretch = float(np.clip(y.std() / max(mixed.std(), 1e-9), 1.0, MOST_STRETCH))
        return cls(
            out_of_fold=y.mean() + stretch * (mixed - y.mean()),
            _models=[_ridge().fit(way, y) for way in ways],
            _weights=weights,
            _mean=float(y.mean()),
            _stretch=stretch,
        )

    def predict(self, x: Array, prior: Array) -> Array:
        """Points, not clipped."""
        said = np.column_stack([model.predict(way) for model, way in zip(self._models, _ways(x, prior), strict=True)])
        points: Array = self._mean + self._stretch * (said @ self._weights - self._mean)
        return points


def _ways(x: Array, prior: Array) -> list[Array]:
    return [np.hstack([x, prior]), prior] if prior.shape[1] else [x]


def _weights(unseen: Array, y: Array) -> Array:
    """They add up to one."""
    ways = unseen.shape[1]
    wish = np.sqrt(EQUAL) * y.std() * np.eye(ways)
    found, _ = nnls(np.vstack([unseen, wish]), np.concatenate([y, wish @ np.full(ways, 1 / ways)]))
    return found / found.sum() if found.sum() else np.full(ways, 1 / ways)


def _ridge() -> Pipeline:
    return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(0, 4, 9)))
