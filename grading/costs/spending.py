"""What was spent when, and on how many pieces of work: the ledger as `grading.costs.anomaly` looks at it.

Its money counts in the minute in which a call ended, when its cost is known: what is still under way is only an
estimate, and a batch that rides for a day costs when it is back. As a repeat it counts from when it began.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import distinct, func, select, tuple_
from sqlalchemy.orm import Session

from grading.costs import repeats
from grading.costs.anomaly import COUNTED, WINDOWS, Spending
from grading.costs.repeats import Repeat
from models import CallOutcome, LlmCall

HOUR = timedelta(hours=1)
# What was asked only to compare is on nobody's account; there each essay is a piece of work.
_PIECES = func.count(distinct(tuple_(func.coalesce(LlmCall.user_id, LlmCall.essay_id), LlmCall.assignment_id)))
_FAILED = (CallOutcome.failed, CallOutcome.retried)
_DOLLARS = func.coalesce(func.sum(LlmCall.cost), 0)


def lately(session: Session, at: datetime) -> dict[int, Spending]:
    """Spending in each of the `WINDOWS` that end now, by their minutes."""
    found = {}
    for minutes in WINDOWS:
        since = at - timedelta(minutes=minutes)
        row = select(_DOLLARS, _PIECES).where(LlmCall.finished_at > since, LlmCall.finished_at <= at)
        dollars, pieces = session.execute(row).one()
        repeat = _repeat(session, since, at) if minutes == COUNTED else None
        found[minutes] = Spending(float(dollars or 0), pieces, repeat)
    return found


def _repeat(session: Session, since: datetime, until: datetime) -> Repeat | None:
    """What was asked for most often, by calls that cost something or may yet, and in which no provider failed: who
    fails is asked again, and it is the circuit that keeps that rare."""
    costs = (func.coalesce(LlmCall.cost, LlmCall.estimated_cost) > 0) & LlmCall.outcome.not_in(_FAILED)
    began = select(LlmCall.request_id, LlmCall.tier).where(LlmCall.started_at > since, LlmCall.started_at <= until)
    return repeats.most((request_id, tier) for request_id, tier in session.execute(began.where(costs)))


def by_hour(session: Session, since: datetime, until: datetime) -> dict[datetime, Spending]:
    """Spending of the whole hours from `since` to `until`, both full; those before the first call are left out."""
    if (first := session.scalar(select(func.min(LlmCall.finished_at)))) is None:
        return {}
    hour = func.date_trunc("hour", LlmCall.finished_at, "UTC")
    rows = select(hour, _DOLLARS, _PIECES).where(LlmCall.finished_at >= since, LlmCall.finished_at < until)
    found = {at: Spending(float(dollars), pieces) for at, dollars, pieces in session.execute(rows.group_by(hour))}
    begin = max(since, full_hour(first))
    return {at: found.get(at, Spending(0.0, 0)) for at in hours(begin, until)}


def hours(since: datetime, until: datetime) -> Iterable[datetime]:
    """Beginnings of the whole hours between the two."""
    while since + HOUR <= until:
        yield since
        since += HOUR


def full_hour(at: datetime) -> datetime:
    """The beginning of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)
