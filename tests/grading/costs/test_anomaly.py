"""grading/costs/anomaly.py: what is an alarm and what is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from grading.costs.anomaly import COUNTED, LEAST_HOURS, Spending, Verdict, assess, usual
from grading.costs.repeats import MOST, Repeat

PIECE = 0.01
"""Dollars that a piece of work usually costs here; a hundred are done in an hour, and the mean hour is a dollar."""
WEEK: list[Spending] = [Spending(1.0, 100)] * 168


def lately(five: Spending, quarter: Spending | None = None, hour: Spending | None = None) -> dict[int, Spending]:
    """What ends now; the longer windows hold at least what the shorter ones do."""
    return {5: five, 15: quarter or five, 60: hour or quarter or five}


def verdict(windows: dict[int, Spending], history: Sequence[Spending] = WEEK, floor: float = 0.5) -> Verdict:
    return assess(usual(history), windows, floor)


def test_an_ordinary_hour_is_none() -> None:
    assert not verdict(lately(Spending(0.1, 9), Spending(0.3, 26), Spending(1.1, 105))).anomalous


def test_a_deadline_evening_is_none_though_it_costs_seventy_times_the_mean_hour() -> None:
    found = verdict(lately(Spending(6.1, 600), Spending(18.2, 1800), Spending(73.0, 7300)))
    assert not found.anomalous
    assert found.calm


def test_a_loop_that_asks_again_and_again_for_the_same_work_is_one() -> None:
    found = verdict(lately(Spending(1.0, 8)))
    assert found.anomalous
    assert not found.calm
    assert (found.minutes, found.spending) == (5, Spending(1.0, 8))


def test_a_slow_loop_is_found_in_a_longer_window() -> None:
    windows = lately(Spending(0.3, 8), Spending(0.9, 25), Spending(4.0, 100))
    assert verdict(windows).anomalous
    assert verdict(windows).minutes == 60


def test_a_loop_is_found_on_a_deadline_evening_too_once_it_is_worth_more_than_the_evening() -> None:
    assert not verdict(lately(Spending(6 + 10, 600))).anomalous
    assert verdict(lately(Spending(6 + 13, 600))).anomalous


def test_what_is_dear_because_all_go_to_a_dear_model_is_one_as_well() -> None:
    assert verdict(lately(Spending(8 * PIECE * 10, 8))).anomalous


def test_a_few_cents_are_none_however_unusual() -> None:
    tiny = [Spending(0.001, 10)] * 168
    windows = lately(Spending(0.4, 2))
    assert not verdict(windows, tiny).anomalous
    assert verdict(windows, tiny, floor=0.1).anomalous


def test_between_calm_and_anomalous_an_incident_neither_begins_nor_ends() -> None:
    between = verdict(lately(Spending(0.1, 8), Spending(0.5, 25), Spending(2.2, 100)))
    assert (between.anomalous, between.calm) == (False, False)


@pytest.mark.parametrize(
    "history", [[], [Spending(1.0, 100)] * (LEAST_HOURS - 1), [Spending(0.0, 0)] * 167 + [Spending(0.5, 50)]]
)
def test_with_too_little_history_nothing_is_said(history: list[Spending]) -> None:
    found = verdict(lately(Spending(100.0, 1)), history)
    assert (found.anomalous, found.calm, found.usual) == (False, True, None)


def test_a_former_incident_hardly_changes_what_a_piece_usually_costs() -> None:
    before, after = usual(WEEK), usual([*WEEK[:-2], Spending(60.0, 100), Spending(60.0, 100)])
    assert before
    assert after
    assert before.piece == after.piece


def test_idle_hours_count_in_the_mean_and_old_ones_only_for_the_price_of_a_piece() -> None:
    found = usual([Spending(9.0, 100)] * 400 + [Spending(0.0, 0)] * 84 + [Spending(1.0, 100)] * 84)
    assert found
    assert found.hour == pytest.approx(0.5)
    assert found.piece == pytest.approx(0.09)


def test_a_loop_that_costs_next_to_nothing_is_found_by_its_count_with_or_without_history() -> None:
    loop = Repeat(MOST + 1, "attempts at one reply", "an essay")
    windows = {**lately(Spending(0.001, 1)), COUNTED: Spending(0.001, 1, loop)}
    for history in (WEEK, []):
        found = verdict(windows, history)
        assert (found.anomalous, found.calm, found.minutes, found.spending.loop) == (True, False, COUNTED, loop)
    windows[COUNTED] = Spending(0.001, 1, Repeat(MOST, "attempts at one reply", "an essay"))
    assert not verdict(windows).anomalous
    assert verdict(windows).spending.loop is None
