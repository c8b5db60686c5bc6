"""Totals over the whole ledger that only ever grow, read at the price of its last hours.

What counters and histograms of a monitoring system are made of. The ledger is read once from its beginning; from then
on only what has ended since a mark, an hour behind the present, is added up anew. So totals are right whichever process
is asked, across all workers and machines, and after every restart.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Float, case, cast, func, select
from sqlalchemy.orm import Session

from grading.costs.ledger import NOTHING
from models import LlmCall
from models.base import now

TOKENS = (100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
IN_FLIGHT = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""Upper bounds of buckets, each of which holds its bound."""
SETTLED = timedelta(hours=1)
"""After so long a call is never corrected, and every transaction that wrote one has been committed."""

Labels = tuple[str, ...]


@dataclass
class Histogram:
    """How many values are in each bucket, the last of which has no bound, and their sum."""

    counts: list[int]
    sum: float = 0.0


@dataclass
class Totals:
    """By labels: dollars by (model, feature), calls by (model, feature, outcome), tokens by (model, direction); seconds
    of a whole call, seconds to its first token and mean number of calls in flight beside it, itself included, by
    (model,)."""

    dollars: dict[Labels, Decimal] = field(default_factory=dict)
    calls: Counter[Labels] = field(default_factory=Counter)
    tokens: dict[Labels, Histogram] = field(default_factory=dict)
    seconds: dict[Labels, Histogram] = field(default_factory=dict)
    first_token: dict[Labels, Histogram] = field(default_factory=dict)
    in_flight: dict[Labels, Histogram] = field(default_factory=dict)

    def __add__(self, other: Totals) -> Totals:
        dollars = dict(self.dollars)
        for labels, amount in other.dollars.items():
            dollars[labels] = dollars.get(labels, NOTHING) + amount
        names = ("tokens", "seconds", "first_token", "in_flight")
        merged = {name: _merged(getattr(self, name), getattr(other, name)) for name in names}
        return Totals(dollars=dollars, calls=self.calls + other.calls, **merged)


class Tally:
    """The totals of the ledger, for as long as a process lives."""

    def __init__(self) -> None:
        self._until = datetime.min.replace(tzinfo=UTC)
        self._settled = Totals()
        self._lock = threading.Lock()

    def read(self, session: Session) -> Totals:
        """All calls that have ended. Two who ask at once wait for each other."""
        with self._lock:
            mark = now() - SETTLED
            self._settled += between(session, self._until, mark)
            self._until = mark
            return self._settled + between(session, mark, None)


def between(session: Session, since: datetime, until: datetime | None) -> Totals:
    """Totals of the calls that ended from then to then.

    One whose prompt was estimated since it was broken off is left out for the time in which it may become cheaper.
    """
    mine = [LlmCall.finished_at >= since, LlmCall.cost.is_not(None)]
    mine.append(~LlmCall.prompt_estimated if until is None else LlmCall.finished_at < until)
    values = [value.label(f"value{number}") for number, (_, _, value, _) in enumerate(_MEASURED)]
    buckets = [
        _bucket(value, bounds).label(f"bucket{number}") for number, (_, bounds, value, _) in enumerate(_MEASURED)
    ]
    columns = (LlmCall.model, LlmCall.feature, LlmCall.outcome, LlmCall.cost)
    call = select(*columns, *values, *buckets).where(*mine).subquery()
    keys = [call.c[name] for name in ("model", "feature", "outcome", *(bucket.name for bucket in buckets))]
    sums = [func.sum(call.c.cost), func.count(), *(func.coalesce(func.sum(call.c[one.name]), 0) for one in values)]
    totals = Totals()
    rows: Iterable[Any] = session.execute(select(*keys, *sums).group_by(*keys))
    for row in rows:
        model, feature, outcome, *filled = row[: len(keys)]
        dollars, count, *added = row[len(keys) :]
        totals.dollars[model, feature] = totals.dollars.get((model, feature), NOTHING) + dollars
        totals.calls[model, feature, outcome.value] += count
        for (name, bounds, _, direction), bucket, summed in zip(_MEASURED, filled, added, strict=True):
            if bucket is not None:
                labels = (model, direction) if direction else (model,)
                histogram = getattr(totals, name).setdefault(labels, Histogram([0] * (len(bounds) + 1)))
                histogram.counts[bucket] += count
                histogram.sum += float(summed)
    return totals


_AT_ONCE = case((LlmCall.machine_s > 0, LlmCall.latency_s / LlmCall.machine_s))
_MEASURED: tuple[tuple[str, tuple[float, ...], Any, str | None], ...] = (
    ("tokens", TOKENS, LlmCall.prompt_tokens, "prompt"),
    ("tokens", TOKENS, LlmCall.completion_tokens, "completion"),
    ("seconds", SECONDS, LlmCall.latency_s, None),
    ("first_token", SECONDS, LlmCall.first_token_s, None),
    ("in_flight", IN_FLIGHT, _AT_ONCE, None),
)


def _bucket(value: Any, bounds: tuple[float, ...]) -> Any:
    """Number of the first bucket whose bound is not below the value; None for None."""
    below = cast([-bound for bound in reversed(bounds)], ARRAY(Float))
    return len(bounds) - func.width_bucket(-cast(value, Float), below)


def _merged(one: dict[Labels, Histogram], other: dict[Labels, Histogram]) -> dict[Labels, Histogram]:
    merged = dict(one)
    for labels, added in other.items():
        before = merged.get(labels, Histogram([0] * len(added.counts)))
        counts = [left + right for left, right in zip(before.counts, added.counts, strict=True)]
        merged[labels] = Histogram(counts, before.sum + added.sum)
    return merged
