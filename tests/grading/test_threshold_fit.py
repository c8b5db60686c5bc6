"""grading/threshold_fit.py: what every threshold costs, which is chosen, and whether it is better than chance."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from grading.threshold_fit import Choice, Point, best_for, cheapest, curve, for_share, held_out


def choice(signal: list[float], keep_error: list[float], pass_error: float = 0.0) -> Choice:
    """Keeping costs 1, passing on 10."""
    count = len(signal)
    return Choice(
        np.array(signal), np.full(count, 1.0), np.array(keep_error), np.full(count, 10.0), np.full(count, pass_error)
    )


def informed(count: int, noise: float = 0.0) -> Choice:
    """The surer, the nearer to the mark; the better tier is off by 0.1 always. `noise` of 1 hides it."""
    random = np.random.default_rng(3)
    signal = random.random(count)
    told = (1 - noise) * signal + noise * random.random(count)
    return choice(list(signal), list(0.4 * (1 - told)), 0.1)


def test_a_curve_goes_from_everything_kept_to_nothing() -> None:
    points = curve(choice([0.2, 0.4, 0.6, 0.8], [0.4, 0.3, 0.2, 0.1]))
    assert [point.kept for point in points] == [1, 0.75, 0.5, 0.25, 0]
    assert [point.cost for point in points] == [1, 3.25, 5.5, 7.75, 10]
    # Mean squares: (0.16 + 0.09 + 0.04 + 0.01) / 4, then without the first, without the second …
    assert [point.error**2 for point in points] == pytest.approx([0.075, 0.035, 0.0125, 0.0025, 0])
    assert points[1].threshold == 0.4


def test_beside_each_point_stands_what_chance_makes_of_the_same_share() -> None:
    points = curve(choice([0.2, 0.4, 0.6, 0.8], [0.4, 0.3, 0.2, 0.1]))
    assert [point.random**2 for point in points] == pytest.approx([0.075, 0.05625, 0.0375, 0.01875, 0])


def test_essays_that_are_alike_are_kept_or_passed_on_together() -> None:
    assert [point.kept for point in curve(choice([0.5] * 6, [0.1] * 6))] == [1, 0]
    assert curve(choice([], [])) == []


def test_the_cheapest_is_taken_that_is_nearly_as_good_as_the_best() -> None:
    points = [Point(t, 1 - t, cost, error, 0) for t, cost, error in ((0, 1, 0.2), (0.5, 5, 0.11), (1, 10, 0.1))]
    assert [cheapest(tolerance)(points).cost for tolerance in (0, 0.01, 0.1)] == [10, 5, 1]


def test_what_is_better_by_luck_alone_is_not_paid_for() -> None:
    points = [Point(0, 1, 1, 0.12, 0, noise=0.01), Point(1, 0, 10, 0.1, 0)]
    assert cheapest(0)(points).cost == 1
    assert cheapest(0)([replace(points[0], noise=0.001), points[1]]).cost == 10


def test_the_fewer_essays_the_less_can_be_told() -> None:
    few, many = (choice([0.2, 0.4, 0.6, 0.8] * times, [0.4, 0.3, 0.2, 0.1] * times) for times in (5, 50))
    assert curve(few)[0].noise == pytest.approx(curve(many)[0].noise * 10**0.5)
    assert curve(many)[-1].noise == 0


def test_the_best_is_taken_that_can_be_paid_and_the_cheapest_where_none_can() -> None:
    points = [Point(t, 1 - t, cost, error, 0) for t, cost, error in ((0, 1, 0.2), (0.5, 5, 0.11), (1, 10, 0.1))]
    assert [best_for(cost)(points).cost for cost in (20, 9, 4, 0.5)] == [10, 5, 1, 1]


@pytest.mark.parametrize(("share", "threshold"), [(1, 0.1), (0.9, 0.2), (0.85, 0.2), (0.1, 1.0), (0, math.inf)])
def test_a_share_is_set_by_the_threshold_from_which_at_least_so_many_are_kept(share: float, threshold: float) -> None:
    signal = np.arange(1, 11) / 10
    assert for_share(signal, share) == threshold
    assert np.mean(signal >= threshold) >= share


def test_a_signal_that_knows_beats_chance_on_essays_it_has_not_seen() -> None:
    tested = held_out(informed(300), cheapest(0.005))
    assert tested.beats_random
    assert tested.error < tested.random - 0.02
    assert 0 < tested.kept < 1


def test_a_signal_that_knows_nothing_is_said_to_beat_chance_as_rarely_as_chance_has_it() -> None:
    beats = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        blind = choice(list(random.random(200)), list(random.random(200) * 0.4), 0.19)
        tested = held_out(blind, best_for(5), seed=seed)
        assert tested.error == pytest.approx(tested.random, abs=0.03)
        beats += tested.beats_random
    assert beats <= 4  # one in twenty is what `BEATEN` lets through


def test_where_nothing_is_chosen_chance_is_as_good() -> None:
    tested = held_out(choice([0.1, 0.5, 0.9] * 20, [0.1] * 60, pass_error=0.3), cheapest(0))
    assert (tested.kept, tested.beaten, tested.beats_random) == (1, 0.5, False)


def test_the_same_essays_give_the_same_figures() -> None:
    assert held_out(informed(80, 0.5), cheapest(0.01)) == held_out(informed(80, 0.5), cheapest(0.01))


def test_figures_are_told_as_json() -> None:
    assert Point(0.61999, 0.9, 0.000123456789, 0.1, 0.2).to_json() == {
        "threshold": 0.62,
        "kept": 0.9,
        "cost": 0.00012346,
        "error": 0.1,
        "random": 0.2,
    }
    assert held_out(informed(100), cheapest(0.005)).to_json()["beats_random"] is True
