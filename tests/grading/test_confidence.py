from __future__ import annotations

import pytest

from grading.confidence import overall
from grading.levels import LevelEstimate
from tests.grading.examples import RUBRIC

SURE = LevelEstimate.certain(4)
CLUELESS = LevelEstimate(4, (1 / 6,) * 6)


def confidence(ideas: LevelEstimate, language: LevelEstimate, verified: int = 1, dropped: int = 0) -> float:
    return overall(RUBRIC, {"ideas": ideas, "language": language}, verified=verified, dropped=dropped)


def test_a_sure_model_that_quotes_truly_has_all_confidence() -> None:
    assert confidence(SURE, SURE) == 1


def test_a_clueless_model_has_none() -> None:
    assert confidence(CLUELESS, CLUELESS) == pytest.approx(0)


def test_criteria_weigh_as_much_as_they_earn() -> None:
    assert confidence(SURE, CLUELESS) == pytest.approx(10 / 15.5)


def test_invented_quotes_cost_up_to_half() -> None:
    assert confidence(SURE, SURE, verified=0, dropped=3) == pytest.approx(0.5)
    assert confidence(SURE, SURE, verified=1, dropped=1) == pytest.approx(0.75)


def test_no_quotes_at_all_cost_nothing() -> None:
    assert confidence(SURE, SURE, verified=0, dropped=0) == 1
