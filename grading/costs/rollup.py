"""Keeps the sums of the ledger: what views of any period are read from in milliseconds.

Hours that are over are added up once, and again whenever one of their rows changes afterwards: a call that was settled
late, or whose outcome was corrected, has a new `changed_at`. A row may be committed up to `IN_FLIGHT` after that,
so that the look for changes goes back so far. Each step writes what whole hours come to anew from the ledger in one
transaction; doing it twice, or dying in the middle, changes nothing.

Sums are kept of this year and `KEPT_YEARS` before; what is older is read from the ledger itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Select,
    and_,
    case,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from grading.costs.prices import BATCH_SHARE, MILLION
from grading.costs.running import Running, between, new_year, renew
from models import CostHour, CostRollup, CostTotal, EssaySaving, LlmCall, OwnerTotal, SavingHour
from models.base import now
from models.session import Snapshot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IN_FLIGHT = timedelta(minutes=10)
"""Longest transaction that writes into the ledger."""
KEPT_YEARS = 2
EVERYBODY = uuid.UUID(int=0)
"""The class of what all classes saved."""
_ONE = 1
"""The id of the one row of `CostRollup`."""

COST = func.coalesce(LlmCall.cost, LlmCall.estimated_cost)
"""What a call counts: its estimate while nobody knows better."""
_UNCACHED = func.coalesce(LlmCall.prompt_tokens, 0) - func.coalesce(LlmCall.cached_tokens, 0)
_INPUT, _CACHED = (
    func.coalesce(cast(LlmCall.price[name].astext, Numeric), Decimal(0)) for name in ("input_mtok", "cached_mtok")
)
_SHARE = case((LlmCall.price.has_key("batch"), BATCH_SHARE), else_=Decimal(1))
"""A batch is paid for at half the price."""

SUMS: dict[str, Any] = {
    "calls": func.count(),
    "prompt_tokens": func.coalesce(func.sum(LlmCall.prompt_tokens), 0),
    "cached_tokens": func.coalesce(func.sum(LlmCall.cached_tokens), 0),
    "completion_tokens": func.coalesce(func.sum(LlmCall.completion_tokens), 0),
    "cost": func.sum(COST),
    "baseline_cost": func.coalesce(func.sum(LlmCall.baseline_cost), Decimal(0)),
    "prompt_cost": func.sum(_UNCACHED * _INPUT * _SHARE / MILLION),
    "cacheable_cost": func.sum(_UNCACHED * (_INPUT - _CACHED) * _SHARE / MILLION),
}
"""What is added up of calls, by the name of its column."""
HOUR_SUMS = tuple(SUMS)[:6]
KINDS = Running(CostTotal, HOUR, ("model", "feature", "prompt_version", "outcome"), tuple(SUMS))
OWNERS = Running(OwnerTotal, DAY, ("kind", "owner_id"), ("calls", "cost", "baseline_cost"))
SAVED = tuple(one.name for one in SavingHour.__table__.columns if one.name.endswith("_usd"))


def hour_of(moment: datetime) -> datetime:
    """The hour (UTC) in which a moment lies."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def midnight(moment: datetime) -> datetime:
    """That begins the day (UTC) in which a moment lies."""
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)


def kept_since(moment: datetime) -> datetime:
    """From when on there are sums."""
    return new_year(moment, -KEPT_YEARS)


def day_after(moment: datetime) -> datetime:
    """The midnight (UTC) that ends the day before it."""
    return midnight(moment - timedelta(microseconds=1)) + DAY


def roll_up(session: Session, at: datetime | None = None) -> bool:
    """Bring the sums up to date, at most a day of new hours at once; False when there was nothing more to do.

    The caller commits, and may call it again at once. Only one at a time does it; another waits.
    """
    at = at or now()
    state = _state(session, at)
    until = max(state.until, min(hour_of(at), midnight(state.until) + DAY))
    hours = {state.until + HOUR * step for step in range((until - state.until) // HOUR)}
    hours |= _changed(session, state, kept_since(at))
    for hour in sorted(hours):
        renew(session, KINDS, hour, state.until, of_kinds(_began(hour, hour + HOUR)))
        _hour(session, hour)
    for day in sorted({midnight(hour) for hour in hours}):
        renew(session, OWNERS, day, day_after(state.until), of_owners(_began(day, min(day + DAY, until))))
    _savings(session, min(state.until, hour_of(state.seen - IN_FLIGHT)), until)
    state.until, state.seen = until, at
    return until < hour_of(at)


def forget(session: Session) -> None:
    """Drop the sums of years that are not kept any more. The caller commits."""
    rolled = session.scalar(select(CostRollup.until))
    if rolled is None:
        return
    since = kept_since(rolled)
    for table in (CostTotal, OwnerTotal):
        session.execute(delete(table).where(table.until <= since))
    for hours in (CostHour, SavingHour):
        session.execute(delete(hours).where(hours.hour < since))


def rolled_until(session: Snapshot) -> datetime | None:
    """Until when the sums go."""
    return session.scalar(select(CostRollup.until))


def rolled_part(session: Snapshot, begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The whole hours of a period that are among the sums: from when to when, the same twice where there are none.

    In a snapshot, for a turn that is committed before the sums are read would change what is among them.
    """
    rolled = rolled_until(session)
    if rolled is None:
        return begin, begin
    first = max(begin if hour_of(begin) == begin else hour_of(begin) + HOUR, kept_since(rolled))
    return first, max(first, min(hour_of(end), rolled))


def outside(at: Any, begin: datetime, end: datetime, first: datetime, last: datetime) -> ColumnElement[bool]:
    """Whether a moment of the period is not in the part of it from `first` to `last`."""
    if last <= first:
        return and_(at >= begin, at < end)
    before = and_(at >= begin, at < first) if begin < first else false()
    return or_(before, and_(at >= last, at < end) if last < end else false())


def of_kinds(which: ColumnElement[bool]) -> Select[Any]:
    """The keys and sums of `KINDS`, straight from the ledger."""
    keys = [getattr(LlmCall, name) for name in KINDS.keys]
    return select(*keys, *_sums(KINDS.sums)).where(which).group_by(*keys)


def of_owners(which: ColumnElement[bool]) -> Select[Any]:
    """The keys and sums of `OWNERS`, straight from the ledger."""
    user, owner = LlmCall.user_id, func.coalesce(LlmCall.user_id, LlmCall.class_id)
    kind = case((func.grouping(user) == 0, "user"), else_="class").label("kind")
    each = select(kind, owner.label("owner_id"), *_sums(OWNERS.sums)).where(which)
    return each.group_by(func.grouping_sets(tuple_(user), tuple_(LlmCall.class_id))).having(owner.is_not(None))


def of_hours(which: ColumnElement[bool]) -> Select[Any]:
    """Hours and the sums of `CostHour`, straight from the ledger."""
    hour = func.date_trunc("hour", LlmCall.started_at, "UTC").label("hour")
    return select(hour, *_sums(HOUR_SUMS)).where(which).group_by(hour)


def _sums(names: Iterable[str]) -> list[Any]:
    return [SUMS[name].label(name) for name in names]


def _state(session: Session, at: datetime) -> CostRollup:
    first = (select(func.min(at)).scalar_subquery() for at in (LlmCall.started_at, EssaySaving.at))
    began = session.scalar(select(func.least(*first)))
    begin = {"id": _ONE, "until": hour_of(max(began or at, kept_since(at))), "seen": at}
    session.execute(upsert(CostRollup).values(begin).on_conflict_do_nothing())
    return session.scalars(select(CostRollup).with_for_update().execution_options(populate_existing=True)).one()


def _changed(session: Session, state: CostRollup, since: datetime) -> set[datetime]:
    """Hours among the sums of which a row has changed since they were added up."""
    hour = func.date_trunc("hour", LlmCall.started_at, "UTC")
    changed = select(hour).where(LlmCall.changed_at > state.seen - IN_FLIGHT, _began(since, state.until))
    return {hour.astimezone(UTC) for hour in session.scalars(changed.distinct())}


def _hour(session: Session, hour: datetime) -> None:
    session.execute(delete(CostHour).where(CostHour.hour == hour))
    kinds = union_all(*between(KINDS, hour, hour + HOUR)).subquery()
    sums = select(literal(hour), *(func.sum(kinds.c[name]) for name in HOUR_SUMS)).having(func.sum(kinds.c.calls) > 0)
    session.execute(insert(CostHour).from_select(["hour", *HOUR_SUMS], sums))


def _savings(session: Session, begin: datetime, end: datetime) -> None:
    """Rows of these hours; each is added when a grade counts, and never changed."""
    session.execute(delete(SavingHour).where(SavingHour.hour >= begin, SavingHour.hour < end))
    hour = func.date_trunc("hour", EssaySaving.at, "UTC")
    for whose, grouped in ((literal(EVERYBODY), [hour]), (EssaySaving.class_id, [EssaySaving.class_id, hour])):
        sums = select(whose, hour, *(func.sum(getattr(EssaySaving, name)) for name in SAVED)).group_by(*grouped)
        sums = sums.where(EssaySaving.at >= begin, EssaySaving.at < end, whose.is_not(None))
        session.execute(insert(SavingHour).from_select(["class_id", "hour", *SAVED], sums))


def _began(begin: datetime, end: datetime) -> Any:
    return (LlmCall.started_at >= begin) & (LlmCall.started_at < end)
