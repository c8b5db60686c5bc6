"""grading/calibration/tolerance.py: how many essays a teacher must see."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grading.calibration.interval import Conformal
from grading.calibration.sample import Scale
from grading.calibration.tolerance import by_probability, outside

SCALE = Scale(0, 12)


def test_the_most_doubtful_go_until_the_rest_is_near_enough() -> None:
    found = by_probability(np.array([0.95, 0.6, 0.99, 0.8]), 0.9)
    assert found.which.tolist() == [False, True, False, False]
    assert found.expected == pytest.approx((0.95 + 0.99 + 0.8) / 3)
    assert (found.count, found.share, found.threshold) == (1, 0.25, 0.8)


def test_nobody_goes_where_all_are_near_enough_and_all_where_none_is() -> None:
    assert by_probability(np.array([0.9, 0.9]), 0.9).count == 0
    none = by_probability(np.array([0.5, 0.6]), 0.9)
    assert none.which.all()
    assert (none.threshold, none.expected) == (math.inf, None)
    assert by_probability(np.array([]), 0.9).share == 0


def test_essays_that_are_as_doubtful_go_together() -> None:
    found = by_probability(np.array([0.95, 0.88, 0.88, 0.88]), 0.9)
    assert found.which.tolist() == [False, True, True, True]


def test_what_stands_is_as_near_as_was_asked() -> None:
    random = np.random.default_rng(0)

    def essays(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        quality, doubt = random.uniform(0, 12, count), random.uniform(0, 1, count)
        return quality, SCALE.round(quality + (0.4 + 2 * doubt) * random.normal(size=count)), doubt[:, None]

    predictions, marks, doubts = essays(300)
    conformal = Conformal.fit(predictions, marks, SCALE, doubts)
    predictions, marks, doubts = essays(2000)
    found = outside(predictions, conformal, 1.0, 0.9, doubts)
    assert 0.2 < found.share < 0.8
    near = np.abs(SCALE.round(predictions) - marks)[~found.which] <= 1
    assert near.mean() == pytest.approx(0.9, abs=0.04)
    assert outside(predictions, conformal, 2.0, 0.9, doubts).count < found.count
