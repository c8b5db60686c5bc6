"""Keeps the sums of the ledger: what views over a month or a year are read from in milliseconds.

Hours that are over are added up once, and again whenever one of their rows changes afterwards: a call that was settled
late, or whose outcome was corrected, has a new `changed_at`. A row may be committed up to `IN_FLIGHT` after that,
so that the look for changes goes back so far. Each step writes whole hours and whole days anew from the ledger in one
transaction; doing it twice, or dying in the middle, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, case, cast, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from grading.costs.prices import BATCH_SHARE, MILLION
from models import CostDay, CostHour, CostRollup, CostWindow, LlmCall
from models.base import now

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IN_FLIGHT = timedelta(minutes=10)
"""Longest transaction that writes into the ledger."""
WINDOW = timedelta(days=29)
"""Whole days (UTC) whose sums by owner are kept in one: with today, the 30 that pages show."""
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

KEYS = ("model", "tier", "feature", "prompt_version", "outcome")
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
OWNERS = ("user_id", "class_id")
OWNERS_SUMS = {name: SUMS[name] for name in ("calls", "cost", "baseline_cost")}


def hour_of(moment: datetime) -> datetime:
    """The hour (UTC) in which a moment lies."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def began_in() -> Any:
    """The hour in which a call began, as an expression."""
    return func.date_trunc("hour", LlmCall.started_at, "UTC")


def roll_up(session: Session, at: datetime | None = None) -> bool:
    """Bring the sums up to date, at most a day of new hours at once; False when there was nothing more to do.

    The caller commits, and may call it again at once. Only one at a time does it; another waits.
    """
    at = at or now()
    state = _state(session, at)
    until = min(hour_of(at), _next_midnight(state.until))
    old = _changed(session, state)
    hours = [state.until + HOUR * step for step in range((until - state.until) // HOUR)]
    if not hours and not old:
        state.seen = at
        return False
    _hours(session, {*old, *hours})
    days = {hour.date() for hour in (*old, *hours)}
    _days(session, days, until)
    state.until, state.seen = until, at
    if until < hour_of(at):
        return True
    today = until.date()
    if state.window_until != today or any(today - WINDOW <= day < today for day in days):
        _window(session, today)
        state.window_until = today
    return False


def _state(session: Session, at: datetime) -> CostRollup:
    first = select(func.min(LlmCall.started_at)).scalar_subquery()
    began = session.scalar(select(first))
    begin = {"id": _ONE, "until": hour_of(began or at), "seen": at}
    session.execute(upsert(CostRollup).values(begin).on_conflict_do_nothing())
    return session.scalars(select(CostRollup).with_for_update().execution_options(populate_existing=True)).one()


def _changed(session: Session, state: CostRollup) -> list[datetime]:
    """Hours among the sums of which a row has changed since."""
    changed = select(began_in()).where(LlmCall.changed_at > state.seen - IN_FLIGHT, LlmCall.started_at < state.until)
    return [hour.astimezone(UTC) for hour in session.scalars(changed.distinct())]


def _hours(session: Session, hours: Iterable[datetime]) -> None:
    for begin, end in _stretches(sorted(hours)):
        session.execute(delete(CostHour).where(CostHour.hour >= begin, CostHour.hour < end))
        keys = [getattr(LlmCall, name) for name in KEYS]
        sums = select(began_in(), *keys, *SUMS.values()).where(_began(begin, end)).group_by(began_in(), *keys)
        session.execute(insert(CostHour).from_select(["hour", *KEYS, *SUMS], sums))


def _days(session: Session, days: Iterable[date], until: datetime) -> None:
    for day in sorted(days):
        begin = datetime.combine(day, time(), UTC)
        session.execute(delete(CostDay).where(CostDay.day == day))
        keys = [getattr(LlmCall, name) for name in OWNERS]
        sums = select(literal(day), *keys, *OWNERS_SUMS.values())
        sums = sums.where(_began(begin, min(begin + DAY, until))).group_by(*keys)
        session.execute(insert(CostDay).from_select(["day", *OWNERS, *OWNERS_SUMS], sums))


def _window(session: Session, today: date) -> None:
    session.execute(delete(CostWindow))
    keys = [getattr(CostDay, name) for name in OWNERS]
    sums = select(*keys, *(func.sum(getattr(CostDay, name)) for name in OWNERS_SUMS))
    sums = sums.where(CostDay.day >= today - WINDOW, CostDay.day < today).group_by(*keys)
    session.execute(insert(CostWindow).from_select([*OWNERS, *OWNERS_SUMS], sums))


def _began(begin: datetime, end: datetime) -> Any:
    return (LlmCall.started_at >= begin) & (LlmCall.started_at < end)


def _stretches(hours: list[datetime]) -> list[tuple[datetime, datetime]]:
    """The hours as begins and ends of those that follow on each other."""
    found: list[tuple[datetime, datetime]] = []
    for hour in hours:
        if found and found[-1][1] == hour:
            found[-1] = found[-1][0], hour + HOUR
        else:
            found.append((hour, hour + HOUR))
    return found


def _next_midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date() + DAY, time(), UTC)
