from __future__ import annotations

from decimal import Decimal

from grading.cache.counts import Count
from grading.cache.savings import saved

MEANS = {"ask": Decimal("0.002")}


def test_every_hit_saves_what_a_call_costs_on_average() -> None:
    counted = {Count("memory", "ask", "ask"): 3, Count("flight", "ask", "ask"): 1, Count("model", "ask", "ask"): 9}
    counted[Count("refused:words", "ask", "ask")] = 7
    assert saved(counted, MEANS) == Decimal("0.008")


def test_what_no_call_has_shown_the_price_of_is_not_guessed() -> None:
    assert saved({Count("memory", "static", "grade"): 1}, MEANS) is None
    assert saved({Count("model", "static", "grade"): 1}, MEANS) == 0
