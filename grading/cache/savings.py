"""What the calls that the cache made needless would have cost: the mean of those that were made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cache.counts import HITS, Count
from models import CallOutcome, LlmCall
from models.base import now

DAYS = 7
"""Of the ledger that the mean is taken of."""


def mean_costs(session: Session) -> dict[str, Decimal]:
    """US dollars that a call which brought an answer cost lately, by feature."""
    lately = LlmCall.started_at >= now() - timedelta(days=DAYS)
    rows = session.execute(
        select(LlmCall.feature, func.avg(LlmCall.cost))
        .where(lately, LlmCall.outcome == CallOutcome.ok, LlmCall.cost.is_not(None))
        .group_by(LlmCall.feature)
    )
    return {feature: Decimal(mean) for feature, mean in rows}


def saved(counted: Mapping[Count, int], means: Mapping[str, Decimal]) -> Decimal | None:
    """US dollars saved by these answers; None when there are some of which no call has told the price."""
    hits = [(count.task, number) for count, number in counted.items() if count.level in HITS]
    if any(task not in means for task, _ in hits):
        return None
    return sum((means[task] * number for task, number in hits), Decimal(0))
