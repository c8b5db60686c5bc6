from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.sentinel import ANCHORS, FROM, LEAST, LONGEST, Candidate, choose, mark, shift

BEGIN = date(2026, 11, 1)


def days(*marks: float) -> dict[date, float]:
    return {BEGIN + timedelta(days=number): mark for number, mark in enumerate(marks)}


def last(runs: list[dict[date, float]]) -> date:
    return max(max(marks) for marks in runs)


def moved(runs: list[dict[date, float]], left_out: frozenset[date] = frozenset()) -> bool | None:
    found = shift(dict(enumerate(runs)), last(runs), left_out)
    return None if found is None else found.drifted


def test_anchors_are_spread_over_the_range_and_teachers_marks_come_first() -> None:
    essays = [Candidate(number, number / 60, by_teacher=number % 10 == 0) for number in range(60)]
    assert [each.key for each in choose(essays)] == [0, 10, 20, 30, 40, 50]
    unmarked = [Candidate(number, number / 60) for number in range(60)]
    assert [each.key for each in choose(unmarked)] == [5, 15, 25, 35, 45, 55]


def test_only_free_essays_are_chosen_and_no_more_than_there_are() -> None:
    essays = [Candidate(number, number / 20, free=number >= 18) for number in range(20)]
    assert [each.key for each in choose(essays, 1)] == [19]
    assert [each.key for each in choose(essays)] == [18, 19]
    assert choose([Candidate(number, 0.5, free=False) for number in range(20)]) == []


def test_a_handful_of_essays_has_no_anchors() -> None:
    assert choose([Candidate(number, 0.5) for number in range(FROM - 1)]) == []


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=FROM, max_size=60))
def test_every_anchor_is_another_essay(given_: list[tuple[float, bool]]) -> None:
    chosen = choose([Candidate(number, *each) for number, each in enumerate(given_)])
    assert len({each.key for each in chosen}) == len(chosen) == ANCHORS


def test_a_mark_weighs_each_criterion_by_what_it_is_worth() -> None:
    assert mark([{"level": 2.0, "max": 30}, {"level": 6.0, "max": 10}]) == 3.0


def test_a_model_that_says_the_same_every_day_has_not_moved() -> None:
    assert moved([days(3, 3, 3, 3), days(4.5, 4.5, 4.5, 4.5), days(2, 2, 2, 2)]) is False


def test_a_model_without_any_unsteadiness_is_noticed_at_a_quarter_of_a_level() -> None:
    steady = [days(3, 3, 3, 3.25), days(4.5, 4.5, 4.5, 4.75), days(2, 2, 2, 2.25)]
    assert moved(steady) is True
    assert moved([days(3, 3, 3, 3.2), days(4.5, 4.5, 4.5, 4.7), days(2, 2, 2, 2.2)]) is False
    found = shift(dict(enumerate(steady)), last(steady))
    assert found
    assert (found.levels, found.anchors) == (pytest.approx(0.25), 3)


def test_the_same_shift_means_nothing_in_a_model_that_wavers_as_much_every_day() -> None:
    wavering = [days(*(base + step for step in (-0.5, 0.5, -0.4, 0.4, 0.3))) for base in (2, 3, 4)]
    assert moved(wavering) is False


def test_one_anchor_that_jumps_is_no_drift_of_all() -> None:
    assert moved([days(3, 3, 3, 6), days(4, 4, 4, 4), days(2, 2, 2, 2)]) is False


def test_too_few_days_or_anchors_say_nothing() -> None:
    assert moved([days(*[3] * LEAST)] * 3) is None
    assert moved([days(*[3] * LEAST, 5)] * 3) is True
    assert moved([days(*[3] * LEAST, 5)] * 2) is None


def test_what_was_not_marked_today_is_not_compared() -> None:
    assert moved([days(3, 3, 3, 5)] * 3 + [days(3, 3, 3)]) is True
    assert moved([days(3, 3, 3, 5)] * 2 + [days(3, 3, 3)]) is None


def test_a_slow_slide_is_seen_against_the_first_days_and_not_against_yesterday() -> None:
    slide = [days(*([3.0] * LONGEST + [3 + 0.02 * number for number in range(1, 14)]))] * 3
    assert moved(slide) is True


def test_days_of_a_known_drift_are_in_no_baseline() -> None:
    runs = [days(3, 3, 3, 4, 4, 4, 4, 4, 4, 3.9)] * 3
    drifting = frozenset(list(runs[0])[3:])
    assert shift(dict(enumerate(runs)), last(runs), drifting).levels == pytest.approx(0.9)  # type: ignore[union-attr]


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_chance_alone_hardly_ever_alerts(seed: int) -> None:
    """Six anchors of a model that wavers by a quarter of a level: the bar of 0.25 and p < .001 together."""
    draw = random.Random(seed)  # noqa: S311 -- no secret
    alerts = 0
    for _ in range(20):
        runs = [days(*(base + draw.gauss(0, 0.25) for _ in range(10))) for base in range(1, 7)]
        alerts += bool(moved(runs))
    assert alerts <= 1
