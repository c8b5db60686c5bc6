"""Budgets while a month spends them: by the rule, and with the words, that stop real calls.

A call counts with what is set aside for it before it is made. The hours of the local machine are paid for in any case,
so that no budget stops it here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TypeAlias

from grading.costs.budget import NOTHING, Scope, is_spent, reason, starts_on
from models import Budget, Period

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
"""When the simulated month does."""
_DAY = 86_400

Limits: TypeAlias = Mapping[tuple[Scope, Period], Decimal]
"""Hard budgets in US dollars; that of a class or a user is for each of them."""


class Purse:
    """`whose` is the number of each essay's class or user, by scope; `prices` what a call costs, by tier and essay."""

    def __init__(
        self, limits: Limits, whose: Mapping[Scope, Sequence[int]], prices: Mapping[str, Sequence[Decimal]]
    ) -> None:
        self._budgets: list[tuple[Budget, Sequence[int] | None, dict[tuple[int, int], Decimal]]] = [
            (Budget(scope=scope, period=period, hard_usd=hard), whose.get(scope), {})
            for (scope, period), hard in limits.items()
        ]
        self._prices = prices

    def why_spent(self, at: float, essay: int) -> str | None:
        """Why nothing that is paid by the token is asked about it at that moment, in seconds; None while it is."""
        for budget, whose, spent in self._budgets:
            if is_spent(spent.get(_key(budget, whose, at, essay), NOTHING), budget.hard_usd):
                return reason(budget)
        return None

    def pay(self, tier: str, essay: int, at: float, share: Decimal) -> None:
        """A call of that tier about that essay is made, at that share of its price."""
        for budget, whose, spent in self._budgets:
            key = _key(budget, whose, at, essay)
            spent[key] = spent.get(key, NOTHING) + share * self._prices[tier][essay]


def _key(budget: Budget, whose: Sequence[int] | None, at: float, essay: int) -> tuple[int, int]:
    """Of the period that a moment lies in, and of whom an essay is."""
    return _starts(budget.period, int(at // _DAY)), whose[essay] if whose else 0


@cache
def _starts(period: Period, day: int) -> int:
    return starts_on(period, BEGINS + timedelta(days=day), "UTC").toordinal()
