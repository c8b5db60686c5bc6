"""Who money was spent for: users and classes, on whole days (UTC), from running totals and the ledger's last hour."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, case, func, select, union_all

from grading.costs.report import NOTHING, Spent, spent_by, sums_of
from grading.costs.rollup import DAY, OWNERS, day_after, kept_since, midnight, of_owners, outside, rolled_until
from grading.costs.running import between
from models import LlmCall, OwnerTotal
from models.session import Snapshot

TOP = 100
"""Users and classes that are named."""
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Of all users, the dearest first, for which their share of all cost is told."""


@dataclass(frozen=True)
class Share:
    """What one user, class or feature has cost; the key is an id or a name, None for what was nobody's."""

    key: Any
    calls: int
    cost: Decimal


@dataclass(frozen=True)
class Attribution:
    """Who the money was spent for. `concentration` maps shares of the users, the dearest first, to shares of what was
    spent for users."""

    whole: Decimal
    users: Sequence[Share]
    classes: Sequence[Share]
    features: Sequence[Share]
    spenders: int
    """Users that anything was spent for."""
    concentration: Mapping[float, float]


def attribution(session: Snapshot, begin: datetime, end: datetime) -> Attribution:
    """Who calls were made for, on whole days (UTC) from that of `begin` to that of `end`."""
    begin, end = _days(begin, end)
    rows = session.execute(_dearest(_owners(begin, end, rolled_until(session)))).all()
    users, classes = ([row for row in rows if row.kind == kind] for kind in ("user", "class"))
    costs = users[0].costs if users else []
    by_feature = spent_by("feature", sums_of(session, begin, end))
    features = [Share(name, one.calls, one.cost) for name, one in by_feature.items()]
    return Attribution(
        whole=sum((one.cost for one in features), NOTHING),
        users=_shares(users),
        classes=_shares(classes),
        features=features,
        spenders=len(costs),
        concentration=concentration(costs),
    )


def _dearest(owners: Select[Any]) -> Select[Any]:
    """The `TOP` users and classes, the dearest first; the dearest user's line has what each of all users cost."""
    each = owners.cte()
    rank = func.row_number().over(partition_by=each.c.kind, order_by=(each.c.cost.desc(), each.c.owner_id))
    ranked = select(*each.c, rank.label("rank")).subquery()
    costs = select(func.array_agg(each.c.cost)).where(each.c.kind == "user").scalar_subquery()
    first = case(((ranked.c.rank == 1) & (ranked.c.kind == "user"), costs)).label("costs")
    return select(*ranked.c, first).where(ranked.c.rank <= TOP).order_by(ranked.c.rank)


def _shares(rows: Iterable[Any]) -> list[Share]:
    return [Share(row.owner_id, int(row.calls), row.cost) for row in rows]


def concentration(costs: Sequence[Decimal]) -> dict[float, float]:
    """For each of `SHARES` of the users, the dearest of them first, their share of the whole; empty where it is nought.

    The points of a Lorenz curve, from its other end. A part of a user counts as that part of their cost.
    """
    ordered, whole = sorted(costs, reverse=True), sum(costs, NOTHING)
    if not whole:
        return {}
    found = {}
    for share in SHARES:
        count = Decimal(str(share)) * len(ordered)
        full = int(count)
        part = (count - full) * ordered[full] if full < len(ordered) else NOTHING
        found[share] = round(float((sum(ordered[:full], NOTHING) + part) / whole), 4)
    return found


def of_class(session: Snapshot, class_id: uuid.UUID, begin: datetime, end: datetime) -> Spent:
    """What a class has cost, on whole days (UTC) from that of `begin` to that of `end`."""
    begin, end = _days(begin, end)
    rows = session.execute(_owners(begin, end, rolled_until(session), class_id)).all()
    return Spent(calls=int(rows[0].calls), cost=rows[0].cost, baseline=rows[0].baseline_cost) if rows else Spent()


def _days(begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    return midnight(begin), midnight(end) + DAY


def _owners(begin: datetime, end: datetime, rolled: datetime | None, class_id: uuid.UUID | None = None) -> Select[Any]:
    """The keys and sums of `OWNERS`, of who had calls from one midnight to another, or of that class alone."""
    first = max(begin, kept_since(rolled)) if rolled else begin
    last = max(min(end, rolled), first) if rolled else first
    ledger = outside(LlmCall.started_at, begin, end, first, last)
    totals = between(OWNERS, first, day_after(last)) if first < last else []
    if class_id is not None:
        ledger &= LlmCall.class_id == class_id
        mine = (OwnerTotal.kind == "class") & (OwnerTotal.owner_id == class_id)
        totals = [part.where(mine) for part in totals]
    lines = union_all(of_owners(ledger), *totals).subquery()
    sums = {name: func.sum(lines.c[name]).label(name) for name in OWNERS.sums}
    found = select(lines.c.kind, lines.c.owner_id, *sums.values()).group_by(lines.c.kind, lines.c.owner_id)
    found = found.having(sums["calls"] > 0)
    return found if class_id is None else found.where(lines.c.kind == "class")
