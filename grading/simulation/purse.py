"""The platform's budgets while a month spends them: by the rule, and with the words, that stop real calls.

A call counts with what is set aside for it before it is made. The hours of the local machine are paid for in any case,
so that no budget stops it here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from grading.costs.budget import NOTHING, is_spent, reason, starts_on
from models import Budget, Period

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
"""When the simulated month does."""
_DAY = 86_400


class Purse:
    """`day` and `month` are hard limits in US dollars, None where there is none; `prices` is what a call costs, by tier
    and essay."""

    def __init__(self, day: Decimal | None, month: Decimal | None, prices: Mapping[str, Sequence[Decimal]]) -> None:
        limits = {Period.day: day, Period.month: month}
        self._budgets = [
            Budget(scope="platform", period=period, hard_usd=hard)
            for period, hard in limits.items()
            if hard is not None
        ]
        self._prices = prices if self._budgets else {}
        self._spent: dict[tuple[Period, date], Decimal] = {}

    def why_spent(self, at: float) -> str | None:
        """Why nothing that is paid by the token is asked at that moment, in seconds; None while it is."""
        for budget in self._budgets:
            if is_spent(self._spent.get(_period(budget.period, int(at // _DAY)), NOTHING), budget.hard_usd):
                return reason(budget)
        return None

    def pay(self, tier: str, essay: int, at: float, share: Decimal) -> None:
        """A call of that tier about that essay is made, at that share of its price."""
        for budget in self._budgets:
            key = _period(budget.period, int(at // _DAY))
            self._spent[key] = self._spent.get(key, NOTHING) + share * self._prices[tier][essay]


@cache
def _period(period: Period, day: int) -> tuple[Period, date]:
    return period, starts_on(period, BEGINS + timedelta(days=day), "UTC")
