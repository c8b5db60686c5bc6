"""Advice about costs, for ops."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from grading.costs.advisor import advise
from grading.costs.waste import spent
from models.session import Snapshot
from settings import settings

MONTH_HOURS = 720


class AdviceItem(TypedDict):
    """What to do, in words; what it would save at most in a month, how that was computed, and what it would risk.

    `pressing`: the bill is one at which the cost guide begins with this.
    """

    kind: str
    saving_usd: str
    what: str
    how: str
    risk: str
    command: str
    pressing: bool


class AdviceView(TypedDict):
    """`month_usd` is the bill for 30 days. `missing` says what is needed before there can be advice; null when nothing
    is. Amounts are decimal numbers as strings, the largest saving first."""

    month_usd: str
    items: list[AdviceItem]
    missing: str | None


def advice(db: Snapshot) -> AdviceView:
    """By what was spent in the last 30 days."""
    config = settings()
    hour = config.local_hour_usd
    tiers = [tier.name for tier in config.tiers if tier.engine == "openai"]
    found = advise(spent(db), tiers, hour * MONTH_HOURS if hour else None)
    return AdviceView(
        month_usd=f"{found.month:.2f}",
        items=[
            AdviceItem(
                kind=one.kind,
                saving_usd=f"{one.saving:.2f}",
                what=one.what,
                how=one.how,
                risk=one.risk,
                command=one.command,
                pressing=one.pressing,
            )
            for one in found.advice
        ],
        missing=found.missing,
    )
