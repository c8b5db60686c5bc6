"""grading/costs/advisor.py: what to do next, with sums that can be done by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from grading.costs.advisor import FEWEST, Advice, advise
from grading.costs.waste import Calls, Spent
from models import CallOutcome

TIERS = ("small", "large")


def calls(count: int, cost: str, **others: Any) -> Calls:
    """So many hosted grades of the large tier that were used, at so many dollars together."""
    usual: dict[str, Any] = {
        "feature": "grade",
        "tier": "large",
        "outcome": CallOutcome.ok,
        "batch": False,
        "hosted": True,
    }
    return Calls(count=count, cost=Decimal(cost), **usual | others)


def local(count: int, cost: str = "0", **others: Any) -> Calls:
    return calls(count, cost, tier="local", hosted=False, **others)


def advice(*spent: Calls, days: int = 30, machine: str | None = None, **sums: str) -> dict[str, Advice]:
    month = Spent(days, spent, **{name: Decimal(dollars) for name, dollars in sums.items()})
    return {one.kind: one for one in advise(month, TIERS, Decimal(machine) if machine else None).advice}


class TestAnEmptyLedger:
    def test_is_told_what_it_needs_and_nothing_is_made_up(self) -> None:
        found = advise(Spent(1, []), TIERS, None)
        assert (found.month, list(found.advice)) == (0, [])
        assert found.missing == "The ledger has 0 grades by models in 30 days; advice needs 100."

    def test_needs_grades_and_not_only_calls(self) -> None:
        few = [calls(FEWEST - 1, "900"), calls(500, "90", feature="ask"), calls(500, "9", outcome=CallOutcome.failed)]
        assert advise(Spent(30, few), TIERS, None).missing is not None
        assert advise(Spent(30, [calls(FEWEST, "900")]), TIERS, None).missing is None


class TestTheBill:
    def test_is_that_of_30_days(self) -> None:
        found = advise(Spent(10, [calls(100, "40"), calls(10, "2", feature="ask")]), TIERS, None)
        assert found.month == 126

    def test_says_what_presses(self) -> None:
        # Three quarters of a thousand: routing and batches, and not yet the cache.
        found = advice(local(100), calls(200, "750"), repeats="10", unhurried="10")
        assert {kind: one.pressing for kind, one in found.items()} == {"cache": False, "batching": True}


class TestAdvice:
    def test_comes_with_the_largest_saving_first_and_none_below_a_dollar(self) -> None:
        month = Spent(
            30, [local(100), calls(100, "50")], repeats=Decimal(5), behind=Decimal("0.99"), unhurried=Decimal(20)
        )
        assert [(one.kind, one.saving) for one in advise(month, TIERS, None).advice] == [("batching", 10), ("cache", 5)]

    def test_on_prompts_is_the_icebergs_part_of_them(self) -> None:
        found = advice(local(100), calls(100, "300"), surplus="27.40")["prompts"]
        assert found.saving == Decimal("27.40")
        assert "$27.40 in the hosted calls of 30 days" in found.how

    def test_on_retries_is_what_useless_calls_cost(self) -> None:
        useless = (
            CallOutcome.failed,
            CallOutcome.retried,
            CallOutcome.invalid,
            CallOutcome.lost,
            CallOutcome.abandoned,
        )
        found = advice(local(100), *(calls(3, "2", outcome=outcome) for outcome in useless), retries="10")
        assert found["retries"].saving == 10
        assert found["retries"].how.startswith("15 calls of 30 days")

    def test_on_routing_is_to_ask_the_small_model_about_what_goes_to_the_large_one_at_once(self) -> None:
        # Of 100 essays small passes on 20, at $0.01 a grade. Large has 70 at $0.10, so 50 started there; each would
        # have cost 0.01 + 0.2 · 0.10 = 0.03 instead: 50 · $0.07.
        small = (calls(80, "0.80", tier="small"), calls(20, "0.20", tier="small", outcome=CallOutcome.escalated))
        found = advice(local(100), *small, calls(70, "7"))["routing"]
        assert found.saving == Decimal("3.5")
        assert found.what == "Ask small first about what goes to large at once."

    def test_on_routing_is_to_leave_out_a_model_that_costs_more_than_it_saves(self) -> None:
        # Small costs $0.05 and a tenth of its grades stand; large costs $0.10. 100 · (0.05 − 0.1 · 0.10) = $4.
        small = (calls(10, "0.50", tier="small"), calls(90, "4.50", tier="small", outcome=CallOutcome.escalated))
        found = advice(local(100), *small, calls(90, "9"))["routing"]
        assert found.saving == 4
        assert found.what == "Leave small out."

    def test_on_a_local_machine_is_given_where_there_is_none_and_it_pays(self) -> None:
        assert advice(calls(100, "1000"))["local"].saving == 400  # 900 − 500
        assert advice(calls(100, "1000"), machine="300")["local"].saving == 600
        assert advice(calls(100, "200"), days=6)["local"].saving == 400
        assert "local" not in advice(calls(100, "500"))
        assert "local" not in advice(calls(100, "1000"), local(1))

    def test_on_batches_is_half_of_what_was_in_no_hurry(self) -> None:
        assert advice(local(100), unhurried="30", days=15)["batching"].saving == 30

    def test_on_queues_is_what_went_elsewhere_since_they_were_too_long(self) -> None:
        assert advice(local(100), behind="30")["queues"].saving == 30
