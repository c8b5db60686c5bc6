"""grading/simulation/questions.py: questions of a month through the cache's own first level, on the month's clock."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from grading.cache.key import TTL_S
from grading.simulation.questions import Answered, Questions, answered

ONE = Questions(a_day=2, different=1)


def ask(given: Questions, *days: list[float]) -> Answered:
    return answered(given, [np.array(day) for day in days], 1, "gpt-4.1-mini", 0)


def test_the_same_question_is_answered_once_in_the_time_that_answers_live() -> None:
    found = ask(ONE, [100.0])
    assert (found.asked, found.hits) == (2, 1)
    assert found.cost * 2 == found.uncached > 0


def test_an_answer_is_over_after_its_time() -> None:
    day = [0.0, TTL_S["ask"] + 1.0]
    hits = {answered(replace(ONE, a_day=2), [np.array(day)], 1, "gpt-4.1-mini", seed).hits for seed in range(20)}
    assert hits == {0, 1}, "one where both are asked at the same moment, none where the second comes too late"


def test_a_small_cache_forgets_and_the_question_is_paid_for_again() -> None:
    many = Questions(a_day=500, different=50)
    large, small = ask(many, [float(second) for second in range(60)]), None
    small = ask(replace(many, capacity=20_000), [float(second) for second in range(60)])
    assert large.evicted == 0
    assert small.evicted > 0
    assert small.hits + small.evicted == large.hits
    assert small.cost > large.cost


@pytest.mark.parametrize("days", [[], [[]]])
def test_no_questions_cost_nothing(days: list[list[float]]) -> None:
    assert ask(ONE, *days) == Answered(0, 0, 0, Decimal(0), Decimal(0))
