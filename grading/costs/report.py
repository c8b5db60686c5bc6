"""What was spent, on what, by whom, and what of it was wasted: from the sums of the ledger, and its last hour itself.

Whole hours that are among the sums (`grading.costs.rollup`) are read there, the ends of a period and what came since
from the ledger, so that a report is never stale: but for corrections of calls of a former hour, which the next turn of
upkeep brings, within a minute. A call counts for the moment it began, with its estimate while it is not over.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, Subquery, Text, case, cast, false, func, or_, select, tuple_, union_all
from sqlalchemy.orm import Session

from grading.costs.rollup import DAY, HOUR, KEYS, OWNERS, OWNERS_SUMS, SUMS, WINDOW, began_in, hour_of
from grading.prompts import library
from models import CallOutcome, CostDay, CostHour, CostRollup, CostWindow, LlmCall

NOTHING = Decimal(0)
COMPACT = "compact"
"""The version of a prompt that the others are held against."""
TOP = 100
"""Users and classes that are named."""
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Of all users, the dearest first, for which their share of all cost is told."""
USELESS = (CallOutcome.retried, CallOutcome.failed, CallOutcome.invalid, CallOutcome.lost, CallOutcome.abandoned)
"""Outcomes of calls that brought nobody anything."""


@dataclass(frozen=True)
class Spent:
    """Sums of some calls; money in US dollars. `baseline` is what the baseline model would have cost for the work."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = NOTHING
    baseline: Decimal = NOTHING

    @property
    def saved(self) -> Decimal:
        """Less than nothing where more was paid than the baseline would have cost."""
        return self.baseline - self.cost


@dataclass(frozen=True)
class Costs:
    """Of a period. Keys of `by_hour` are beginnings of hours, UTC; the others' are names, the dearest first."""

    whole: Spent
    by_model: Mapping[str, Spent]
    by_feature: Mapping[str, Spent]
    by_hour: Mapping[datetime, Spent]


@dataclass(frozen=True)
class Iceberg:
    """All that was spent, in five parts that add up to it; only the first one bought anything.

    `retries` went to calls that brought nobody anything, `wrong_model` to those whose reply was not trusted, so that a
    better model was asked. Of the others, `prompt` paid for what the compact prompt would have said in fewer tokens,
    and `cache` for prompt tokens that are the same for a whole assignment and that no prefix cache held, in so far as
    a cached one is cheaper; the first of all calls has to pay for them.
    """

    direct: Decimal
    retries: Decimal
    prompt: Decimal
    cache: Decimal
    wrong_model: Decimal

    @property
    def whole(self) -> Decimal:
        return self.direct + self.retries + self.prompt + self.cache + self.wrong_model


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


@dataclass(frozen=True)
class PromptShape:
    """Of a prompt's version: its tokens that are the same for a whole assignment, and how many of them the compact
    version would have done without."""

    static: int
    surplus: int


def prompt_shapes() -> dict[str, PromptShape]:
    """Of every prompt there is, by its id, beside the compact one of its kind and language; where there is none, a
    prompt wastes nothing."""
    compact = {(one.task, one.language): one.tokens for one in library.every() if one.version == COMPACT}
    surplus = {one.id: one.tokens - compact.get((one.task, one.language), one.tokens) for one in library.every()}
    return {one.id: PromptShape(one.tokens, max(0, surplus[one.id])) for one in library.every()}


def costs(session: Session, begin: datetime, end: datetime) -> Costs:
    """What was spent on calls that began from `begin` to before `end`."""
    lines = _lines(session, begin, end)
    keys = [lines.c[name] for name in ("model", "feature", "hour")]
    sums = [func.sum(lines.c[name]) for name in SUMS][:6]
    grouped = func.grouping_sets(tuple_(), *(tuple_(key) for key in keys))
    rows = session.execute(select(func.grouping(*keys), *keys, *sums).group_by(grouped)).all()
    found: dict[int, dict[Any, Spent]] = {}
    for kind, *named, calls, prompt, cached, completion, cost, baseline in rows:
        if calls:
            key = next((value for value in named if value is not None), None)
            spent = Spent(int(calls), int(prompt), int(cached), int(completion), cost, baseline)
            found.setdefault(kind, {})[key] = spent
    # GROUPING has a bit for each key that a row is summed over, the last one's lowest.
    by_model, by_feature, by_hour = (found.get(kind, {}) for kind in (0b011, 0b101, 0b110))
    return Costs(
        whole=found.get(0b111, {}).get(None, Spent()),
        by_model=_dearest(by_model),
        by_feature=_dearest(by_feature),
        by_hour={hour.astimezone(UTC): by_hour[hour] for hour in sorted(by_hour)},
    )


def iceberg(
    session: Session, begin: datetime, end: datetime, shapes: Mapping[str, PromptShape] | None = None
) -> Iceberg:
    """The same money in its five parts; `shapes` are of the prompts' versions, by default of all that there are; one
    that is missing wastes nothing."""
    shapes = prompt_shapes() if shapes is None else shapes
    lines = _lines(session, begin, end)
    names = ("calls", "prompt_tokens", "cached_tokens", "cost", "prompt_cost", "cacheable_cost")
    sums = [func.coalesce(func.sum(lines.c[name]), 0) for name in names]
    rows = session.execute(
        select(lines.c.prompt_version, lines.c.model, lines.c.outcome, *sums).group_by(
            lines.c.prompt_version, lines.c.model, lines.c.outcome
        )
    )
    parts = {"retries": NOTHING, "wrong_model": NOTHING, "prompt": NOTHING, "cache": NOTHING}
    whole = NOTHING
    for version, _, outcome, calls, prompt, cached, cost, prompt_cost, cacheable_cost in rows:
        whole += cost
        if outcome in USELESS:
            parts["retries"] += cost
        elif outcome is CallOutcome.escalated:
            parts["wrong_model"] += cost
        elif uncached := prompt - cached:
            shape = shapes.get(version, PromptShape(0, 0))
            surplus = min(Decimal(calls * shape.surplus), uncached)
            static = min(max(Decimal(calls * (shape.static - shape.surplus)) - cached, NOTHING), uncached - surplus)
            parts["prompt"] += prompt_cost * surplus / uncached
            parts["cache"] += cacheable_cost * static / uncached
    return Iceberg(direct=whole - sum(parts.values(), NOTHING), **parts)


def attribution(session: Session, begin: datetime, end: datetime) -> Attribution:
    """Who calls were made for, on whole days (UTC) from that of `begin` to that of `end`."""
    begin, end = _midnight(begin), max(end, _midnight(end) + DAY)
    kinds = _of_owners(session, begin, end, _by_owner)
    users, classes = ([row for row in kinds if row.kind == kind and row.key] for kind in OWNERS)
    spent = costs(session, begin, end).by_feature
    features = [Share(name, one.calls, one.cost) for name, one in spent.items()]
    return Attribution(
        whole=sum((one.cost for one in features), NOTHING),
        users=_shares(users[:TOP]),
        classes=_shares(classes[:TOP]),
        features=features,
        spenders=len(users),
        concentration=concentration([row.cost for row in users]),
    )


def _by_owner(lines: Subquery) -> Select[Any]:
    """Of each user and of each class a line, the dearest first: which of the two it is of, the id, calls and cost.

    Ids as text: most of thousands are only counted, and UUIDs take longer to make than all the rest.
    """
    keys = [lines.c[name] for name in OWNERS]
    kind = case((func.grouping(keys[0]) == 0, OWNERS[0]), else_=OWNERS[1]).label("kind")
    key, cost = cast(func.coalesce(*keys), Text).label("key"), func.sum(lines.c.cost).label("cost")
    sums = select(kind, key, func.sum(lines.c.calls).label("calls"), cost)
    return sums.group_by(func.grouping_sets(*(tuple_(each) for each in keys))).order_by(cost.desc(), key)


def _shares(rows: Iterable[Any]) -> list[Share]:
    return [Share(uuid.UUID(row.key), int(row.calls), row.cost) for row in rows]


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


def of_class(session: Session, class_id: uuid.UUID, begin: datetime, end: datetime) -> Spent:
    """What a class has cost, on whole days (UTC)."""
    ((calls, cost, baseline),) = _of_owners(
        session, begin, end, lambda lines: select(*(func.sum(lines.c[name]) for name in OWNERS_SUMS)), class_id
    )
    return Spent(calls=int(calls or 0), cost=cost or NOTHING, baseline=baseline or NOTHING)


def of_assignment(session: Session, assignment_id: uuid.UUID) -> Spent:
    """What an assignment has cost so far."""
    mine = select(*(expression.label(name) for name, expression in SUMS.items())).where(
        LlmCall.assignment_id == assignment_id
    )
    row = session.execute(mine).one()._mapping
    calls, prompt, cached, completion = (int(row[name]) for name in list(SUMS)[:4])
    return Spent(calls, prompt, cached, completion, row["cost"] or NOTHING, row["baseline_cost"])


# --- where it is read ------------------------------------------------------------------------------------------------


def _lines(session: Session, begin: datetime, end: datetime) -> Subquery:
    """Sums by hour and the keys of `CostHour`, of a period."""
    rolled = session.scalar(select(CostRollup.until))
    first = hour_of(begin) if hour_of(begin) == begin else hour_of(begin) + HOUR
    last = min(hour_of(end), rolled) if rolled else first
    columns = ("hour", *KEYS, *SUMS)
    sums = select(*(getattr(CostHour, name) for name in columns)).where(CostHour.hour >= first, CostHour.hour < last)
    hour, keys = began_in().label("hour"), [getattr(LlmCall, name) for name in KEYS]
    calls = (
        select(hour, *keys, *(expression.label(name) for name, expression in SUMS.items()))
        .where(_outside(begin, end, first, last))
        .group_by(hour, *keys)
    )
    return union_all(sums, calls).subquery()


def _of_owners(
    session: Session,
    begin: datetime,
    end: datetime,
    query: Callable[[Subquery], Select[Any]],
    class_id: uuid.UUID | None = None,
) -> Sequence[Any]:
    """What is asked of the sums by day and the keys of `CostDay`, of whole days."""
    state = select(CostRollup.until, CostRollup.window_until)
    while True:
        rolled = session.execute(state).one_or_none()
        until, window_until = rolled or (None, None)
        rows = session.execute(query(_owners(begin, end, until, window_until, class_id))).all()
        # A turn of the roll-up in between would have moved calls from one part to another.
        if session.execute(state).one_or_none() == rolled:
            return rows


def _owners(
    begin: datetime, end: datetime, rolled: datetime | None, window_until: date | None, class_id: uuid.UUID | None
) -> Subquery:
    first = _midnight(begin)
    last = max(min(end, rolled), first) if rolled else first
    day, final = first.date(), (last - timedelta(microseconds=1)).date()
    names, keys = (*OWNERS, *OWNERS_SUMS), [getattr(LlmCall, name) for name in OWNERS]
    calls: Select[Any] = select(*keys, *(expression.label(name) for name, expression in OWNERS_SUMS.items()))
    parts: dict[Any, Select[Any]] = {LlmCall: calls.where(_outside(first, end, first, last)).group_by(*keys)}
    if window_until and day == window_until - WINDOW and window_until <= final + DAY:
        parts[CostWindow] = select(*(getattr(CostWindow, name) for name in names))
        day = window_until
    sums = select(*(getattr(CostDay, name) for name in names))
    parts[CostDay] = sums.where(CostDay.day >= day, CostDay.day <= final)
    if class_id is not None:
        parts = {table: part.where(table.class_id == class_id) for table, part in parts.items()}
    return union_all(*parts.values()).subquery()


def _outside(begin: datetime, end: datetime, first: datetime, last: datetime) -> Any:
    """Calls of the period that are not in the sums from `first` to `last`."""
    if last <= first:
        return (LlmCall.started_at >= begin) & (LlmCall.started_at < end)
    before = (LlmCall.started_at >= begin) & (LlmCall.started_at < first) if begin < first else false()
    after = (LlmCall.started_at >= last) & (LlmCall.started_at < end) if last < end else false()
    return or_(before, after)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)


def _dearest(spent: Mapping[str, Spent]) -> dict[str, Spent]:
    return dict(sorted(spent.items(), key=lambda one: (-one[1].cost, one[0])))
