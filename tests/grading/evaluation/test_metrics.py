"""grading/evaluation: figures whose value is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from grading.calibration.sample import Scale
from grading.evaluation.escalation import escalation
from grading.evaluation.fairness import by_group
from grading.evaluation.metrics import auroc, by_band, by_length, measured, reliability

SCALE = Scale(0, 10)


def test_a_confidence_that_comes_true_has_no_calibration_error() -> None:
    random = np.random.default_rng(0)
    said = random.uniform(0, 1, 20_000)
    right = reliability(said, random.uniform(size=20_000) > said)
    boastful = reliability(np.sqrt(said), random.uniform(size=20_000) > said)
    assert right.ece is not None
    assert boastful.ece is not None
    assert right.ece < 0.02
    assert boastful.ece > 0.1


def test_essays_of_one_value_are_never_in_two_bins_where_few_values_are_said() -> None:
    found = reliability(np.repeat([1.0, 0.8], [30, 10]), np.repeat([True, False], [15, 25]))
    assert [(each.said, each.true, each.essays) for each in found.bins] == [(0.8, 1.0, 10), (1.0, 0.5, 30)]
    assert found.ece == pytest.approx(0.25 * 0.2 + 0.75 * 0.5)


def test_auroc_of_a_signal_that_knows_one_that_does_not_and_of_nothing_to_tell() -> None:
    off = np.array([True, True, False, False])
    assert auroc(np.array([4.0, 3, 2, 1]), off) == 1.0
    assert auroc(np.ones(4), off) == 0.5
    assert auroc(np.ones(4), np.zeros(4, dtype=bool)) is None


def test_marks_are_compared_as_marks_and_errors_in_points() -> None:
    found = measured(Scale(1, 5, 0.5), np.array([1.0, 2.5]), np.array([1.2, 2.4]))
    assert (found.qwk, found.exact) == (1, 1)
    assert found.mean_error == pytest.approx(0.15)


def test_bias_shows_where_it_is() -> None:
    truth = np.repeat([1.0, 9.0], 50)
    bands = by_band(SCALE, truth, np.full(100, 5.0))
    assert [band.agreement.bias for band in bands if band.agreement] == [4, -4]
    assert [part.essays for part in by_length(SCALE, truth, truth, list(range(100)))] == [25, 25, 25, 25]


def test_a_group_that_is_marked_lower_stands_out_and_a_small_one_has_no_figures() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(2, 9, 205).astype(float)
    groups = ["a"] * 100 + ["b"] * 100 + ["c"] * 5
    points = truth + random.normal(0, 0.5, 205) - np.repeat([0, 1, 0], [100, 100, 5])
    found = {group.name: group for group in by_group(groups, SCALE, truth, points)}
    assert found["b"].stands_out
    assert found["b"].apart == pytest.approx(-1, abs=0.2)
    assert (found["c"].essays, found["c"].agreement, found["c"].apart) == (5, None, None)


def test_the_same_essays_in_several_draws_are_not_more_essays() -> None:
    truth = np.tile(np.arange(10.0), 8)
    (group,) = by_group(["a"] * 80, SCALE, truth, truth, weights=np.full(80, 1 / 8))
    assert (group.essays, group.agreement) == (10, None)


def test_a_rule_that_knows_the_errors_gains_all_there_is_and_one_that_knows_nothing_none() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 11, 300).astype(float)
    points = np.clip(truth + random.normal(0, 2, 300), 0, 10)
    away = np.abs(np.floor(points + 0.5) - truth)
    found = escalation(SCALE, truth, points, {"knows": away, "guesses": random.normal(size=300)})
    knows, guesses = found.curves["knows"], found.curves["guesses"]
    assert knows.of_best == pytest.approx(1, abs=0.02)
    assert knows.beaten == 1
    assert abs(guesses.gain) < 0.25 * knows.gain
    assert (knows.quality[-1], knows.quality[0]) == pytest.approx((1, found.random[0]))
