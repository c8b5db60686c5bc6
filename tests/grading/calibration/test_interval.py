"""grading/calibration/interval.py and spread.py: the mark lies inside as often as stated."""

from __future__ import annotations

import numpy as np
import pytest

from grading.calibration.interval import Conformal
from grading.calibration.sample import Array, Scale
from grading.calibration.spread import Spread

SCALE = Scale(0, 12)
NARROW = Scale(1, 5, 0.5)


def class_of(count: int, seed: int, scale: Scale = SCALE, noise: float = 0.1) -> tuple[Array, Array]:
    """Predictions and a teacher's marks around them; `noise` is a share of the scale."""
    random = np.random.default_rng(seed)
    quality = random.uniform(scale.low, scale.high, count)
    return quality, scale.round(quality + noise * (scale.high - scale.low) * random.normal(size=count))


@pytest.mark.parametrize("scale", [SCALE, NARROW, Scale(0, 3)], ids=["0-12", "1-5 by halves", "0-3"])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
@pytest.mark.parametrize("marks", [20, 200])
def test_the_mark_is_inside_at_least_as_often_as_stated(scale: Scale, coverage: float, marks: int) -> None:
    inside = []
    for seed in range(20):
        conformal = Conformal.fit(*class_of(marks, seed, scale), scale)
        predictions, truth = class_of(400, 1000 + seed, scale)
        low, high = conformal.intervals(predictions, coverage)
        inside.append(np.mean((truth >= low) & (truth <= high)))
    assert np.mean(inside) >= coverage - 0.02


def test_too_few_marks_for_the_coverage_give_the_whole_scale() -> None:
    predictions, marks = class_of(8, 0)
    assert Conformal.fit(predictions, marks, SCALE).interval(6.0, 0.9) == (0, 12)
    assert Conformal.fit(*class_of(9, 0), SCALE).interval(6.0, 0.9) != (0, 12)


def test_an_interval_is_made_of_marks_and_holds_the_mark_given() -> None:
    conformal = Conformal.fit(*class_of(100, 0, NARROW, noise=0.01), NARROW)
    for prediction in (1.0, 2.24, 2.26, 4.99, 7.0):
        low, high = conformal.interval(prediction, 0.8)
        assert low <= NARROW.round(prediction) <= high
        assert {low, high} <= set(np.arange(1, 5.5, 0.5))


def test_the_probability_of_being_near_is_the_share_that_is() -> None:
    conformal = Conformal.fit(*class_of(400, 1), SCALE)
    predictions, truth = class_of(4000, 2)
    for tolerance in (0, 1, 2):
        said = conformal.all_within(predictions, tolerance)
        near = np.abs(truth - SCALE.round(predictions)) <= tolerance
        assert said.mean() == pytest.approx(near.mean(), abs=0.04)


def test_half_way_between_two_marks_is_less_sure_than_on_one_and_more_tolerance_is_surer() -> None:
    conformal = Conformal.fit(*class_of(200, 1, noise=0.03), SCALE)
    assert conformal.within(6.0, 0) > conformal.within(6.45, 0) + 0.05
    assert conformal.within(6.0, 0) < conformal.within(6.0, 1) < conformal.within(6.0, 12) == 1.0


def test_a_tolerance_between_two_marks_is_the_smaller() -> None:
    conformal = Conformal.fit(*class_of(100, 1, NARROW), NARROW)
    assert conformal.within(3.0, 0.9) == conformal.within(3.0, 0.5)


def test_signals_that_foretell_errors_widen_the_interval_where_it_must_be_wide() -> None:
    random = np.random.default_rng(0)
    doubtful = random.integers(0, 2, 600).astype(float)
    quality = random.uniform(0, 12, 600)
    marks = SCALE.round(quality + (0.5 + 2 * doubtful) * random.normal(size=600))
    signals = np.column_stack([doubtful, random.normal(size=600)])
    conformal = Conformal.fit(quality[:300], marks[:300], SCALE, signals[:300])
    assert conformal.spread.adaptive
    low, high = conformal.intervals(quality[300:], 0.9, signals[300:])
    wide = (high - low)[doubtful[300:] == 1].mean()
    assert wide > 2 * (high - low)[doubtful[300:] == 0].mean()
    assert np.mean((marks[300:] >= low) & (marks[300:] <= high)) >= 0.86


def test_signals_that_say_nothing_are_not_used() -> None:
    predictions, marks = class_of(100, 3)
    noise = np.random.default_rng(1).normal(size=(100, 4))
    assert not Spread.fit(predictions, marks, SCALE, noise).adaptive


def test_what_is_not_known_of_an_essay_is_neutral() -> None:
    predictions, marks = class_of(60, 3)
    signals = np.full((60, 2), np.nan)
    conformal = Conformal.fit(predictions, marks, SCALE, signals)
    assert np.isfinite(conformal.all_within(predictions, 1.0, signals)).all()


def test_without_marks_there_is_no_interval() -> None:
    with pytest.raises(ValueError, match="0 predictions for 0 marks"):
        Conformal.fit(np.array([]), np.array([]), SCALE)
