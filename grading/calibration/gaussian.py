"""Points as the sum of several views of an essay, each trusted as far as the teacher's marks bear it out.

A Gaussian process with one linear kernel for each view (what a prior says, what can be counted, what the essay is
about, what each model said), one for the level of all marks, and noise:

    K = v₀·1 + Σ vᵢ·XᵢXᵢᵀ/kᵢ + v_noise·I

for views of kᵢ standardised columns, so that a view's many columns weigh no more than another's one. The variances v
are those that make the marks most probable, drawn towards stated ones while marks are few (maximum a posteriori,
log-normal). Points of an essay whose mark was not seen come in closed form. Carl Rasmussen, Christopher Williams,
“Gaussian Processes for Machine Learning”, MIT Press 2006: chapter 5.4.1 (marginal likelihood and its gradient), 5.4.2
(leaving one out).

Regression makes points crowd around their mean, which costs agreement; so they are spread as far as the teacher's own
marks are, but at most `MOST_STRETCH` times as far as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import minimize

from grading.calibration.sample import Array

LEVEL, NOISE = "level", "noise"
EXPECTED = {LEVEL: 0.05, "prior": 0.5, NOISE: 0.4}
"""Variances before any mark is seen, of marks whose variance is one; of any other view `OTHER`."""
OTHER = 0.1
ALONE = 0.4
"""What the views share without a prior."""
GRADER = "grader "
"""What the names of graders' views begin with. All of them share one view's variance: eight models that know little
would else be expected to know more than the prior."""
MOST_STRETCH = 2.0


@dataclass
class Gaussian:
    """Fitted. `unseen` are the points of its own essays, each without its mark."""

    unseen: Array
    variances: Mapping[str, float]
    _weights: Mapping[str, Array]
    _level: float
    _mean: float
    _spread: float
    _stretch: float

    @classmethod
    def fit(cls, views: Mapping[str, Array], marks: Array) -> Gaussian:
        """Each view has a row of standardised columns for each of `marks`."""
        mean, spread = float(marks.mean()), float(marks.std()) or 1.0
        y = (marks - mean) / spread
        count = len(y)
        kernels = np.array(
            [np.ones((count, count)), *(x @ x.T / x.shape[1] for x in views.values()), np.eye(count)], dtype=float
        )
        variances = _most_probable(kernels, y, _expected(views))
        inverse = np.linalg.inv(np.tensordot(variances, kernels, axes=1))
        alpha = inverse @ y
        unseen = y - alpha / np.diag(inverse)
        stretch = float(np.clip(1 / max(unseen.std(), 1e-9), 1.0, MOST_STRETCH)) if marks.std() > 0 else 1.0
        weights = {
            name: v * (x.T @ alpha) / x.shape[1] for v, (name, x) in zip(variances[1:-1], views.items(), strict=True)
        }
        return cls(
            unseen=mean + spread * stretch * unseen,
            variances=dict(zip([LEVEL, *views, NOISE], map(float, variances), strict=True)),
            _weights=weights,
            _level=float(variances[0] * alpha.sum()),
            _mean=mean,
            _spread=spread,
            _stretch=stretch,
        )

    def predict(self, views: Mapping[str, Array]) -> Array:
        """Points, not clipped."""
        said = np.sum([views[name] @ weights for name, weights in self._weights.items()], axis=0)
        points: Array = self._mean + self._spread * self._stretch * (self._level + said)
        return points


def _expected(views: Mapping[str, Array]) -> Array:
    graders = sum(name.startswith(GRADER) for name in views)
    kinds = len(views) - graders + (graders > 0)
    other = OTHER if "prior" in views else ALONE / max(kinds, 1)
    shared = [other / graders if name.startswith(GRADER) else EXPECTED.get(name, other) for name in views]
    return np.array([EXPECTED[LEVEL], *shared, EXPECTED[NOISE]])


def _most_probable(kernels: Array, y: Array, expected: Array) -> Array:
    """Variances at the maximum of their posterior."""
    centre = np.log(expected)

    def loss(logs: Array) -> tuple[float, Array]:
        variances = np.exp(logs)
        factor = cholesky(np.tensordot(variances, kernels, axes=1), lower=True)
        alpha = cho_solve((factor, True), y)
        inverse = cho_solve((factor, True), np.eye(len(y)))
        improbable = y @ alpha / 2 + np.log(np.diag(factor)).sum() + np.square(logs - centre).sum() / 2
        slope = [
            v * (np.vdot(inverse, kernel) - alpha @ kernel @ alpha) / 2
            for v, kernel in zip(variances, kernels, strict=True)
        ]
        return float(improbable), np.array(slope) + logs - centre

    bounds = [(place - 6, place + 4) for place in centre]
    found: Array = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.exp(found)
