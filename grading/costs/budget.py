"""Budgets: what may be spent in a day and a month by everybody, a class and a user, and what has been.

A call is let through while *less* than the hard limit is spent and reserved. So a budget is passed by one call at most,
and a call that costs nothing is never stopped. What is spent stands in one row for each budget, subject and period,
which is changed in the very transaction that changes the ledger, and so is right after any crash. These rows are the
last thing that such a transaction locks, and in one order, so that nobody waits longer than for a commit, and no two
for each other.

Setting a budget counts the ledger anew, while nobody else writes to it: whoever wrote before is counted, and whoever
comes later finds the budget.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, func, insert, literal, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from models import Budget, BudgetSpending, LlmCall, Period
from models.base import now
from settings import settings

Scope = Literal["platform", "class", "user"]

PLATFORM = uuid.UUID(int=0)
"""The subject of the platform's budgets."""
NOTHING = Decimal(0)
KEPT = timedelta(days=62)
"""How long what was spent in a period is kept: nobody asks for another than the present one and the one before."""
WHOM = {"platform": "platform", "class": "class", "user": "student"}


_KEY = (BudgetSpending.budget_id, BudgetSpending.subject, BudgetSpending.starts_on)
_ROW = (*_KEY, BudgetSpending.spent_usd)


class BudgetSpent(Exception):
    """A call that costs something was not made, since a budget is spent; the message says which."""


class Key(NamedTuple):
    """Of a row of `budget_spending`, in the order in which they are locked."""

    budget_id: uuid.UUID
    subject: uuid.UUID
    starts_on: date


@dataclass(frozen=True)
class Spending:
    """A call, or the change of one: so much, for those, at that moment."""

    usd: Decimal
    class_id: uuid.UUID | None
    user_id: uuid.UUID | None
    at: datetime


# --- pure ------------------------------------------------------------------------------------------------------------


def starts_on(period: Period, at: datetime, zone: str) -> date:
    """The first day of the period that a moment lies in, by the calendar of that time zone."""
    day = at.astimezone(ZoneInfo(zone)).date()
    return day if period is Period.day else day.replace(day=1)


def bounds(period: Period, first: date, zone: str) -> tuple[datetime, datetime]:
    """The moments at which the period begins, and at which the next one does; in UTC."""
    next_first = first + timedelta(days=1) if period is Period.day else (first + timedelta(days=32)).replace(day=1)
    begins, ends = (datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in (first, next_first))
    return begins, ends


def is_spent(spent: Decimal, hard: Decimal | None) -> bool:
    return hard is not None and spent >= hard


def reason(budget: Budget) -> str:
    """What people are told who get a cheaper grade, or none, on account of it."""
    return f"the {budget.period.value}'s budget of the {WHOM[budget.scope]} is spent"


def applies(budgets: Iterable[Budget], class_id: uuid.UUID | None, user_id: uuid.UUID | None) -> list[Budget]:
    """Those of these budgets that limit a call for that class and user: one's own goes before that of each."""
    mine = [budget for budget in budgets if _subject(budget, class_id, user_id) is not None]
    own = {(budget.scope, budget.period) for budget in mine if budget.class_id or budget.user_id}
    return [b for b in mine if b.scope == "platform" or b.class_id or b.user_id or (b.scope, b.period) not in own]


def _subject(budget: Budget, class_id: uuid.UUID | None, user_id: uuid.UUID | None) -> uuid.UUID | None:
    """Whose spending it counts for such a call; None when it has nothing to do with it."""
    if budget.scope == "platform":
        return PLATFORM
    named, whose = (budget.class_id, class_id) if budget.scope == "class" else (budget.user_id, user_id)
    return whose if named in (None, whose) else None


# --- in the transaction of the ledger --------------------------------------------------------------------------------


def reserve(session: Session, calls: Sequence[Spending]) -> list[str | None]:
    """Set aside what these calls may cost; for each that is not to be made, why, and nothing is set aside for it.

    Nothing else is to be locked afterwards, and the caller is to commit at once.
    """
    refused: list[str | None] = [None] * len(calls)
    budgets = _concerned(session, [call for call in calls if call.usd])
    wanted = {key for call in calls if call.usd for key in _keys(budgets, call)}
    if not wanted:
        return refused
    spent = _locked(session, wanted, make=True)
    before = dict(spent)
    for place, call in enumerate(calls):
        if not call.usd:
            continue
        limits = {_key(budget, call): budget for budget in applies(budgets, call.class_id, call.user_id)}
        over = next((budget for key, budget in limits.items() if is_spent(spent[key], budget.hard_usd)), None)
        if over:
            refused[place] = reason(over)
            continue
        for key in _keys(budgets, call):
            spent[key] += call.usd
    _write(session, {key: spent[key] - before[key] for key in spent})
    return refused


def add(session: Session, changes: Sequence[Spending]) -> None:
    """What calls cost has turned out to be that much more, or less, than was set aside."""
    changes = [change for change in changes if change.usd]
    budgets = _concerned(session, changes)
    sums: dict[Key, Decimal] = {}
    for change in changes:
        for key in _keys(budgets, change):
            sums[key] = sums.get(key, NOTHING) + change.usd
    if sums:
        _locked(session, sums)  # what is not there was over before there was such a budget
        _write(session, sums)


def _concerned(session: Session, calls: Sequence[Spending]) -> list[Budget]:
    """The budgets that count any of these calls."""
    if not calls:
        return []
    classes, users = {call.class_id for call in calls} - {None}, {call.user_id for call in calls} - {None}
    of_all = Budget.class_id.is_(None) & Budget.user_id.is_(None)
    return list(
        session.scalars(select(Budget).where(or_(of_all, Budget.class_id.in_(classes), Budget.user_id.in_(users))))
    )


def _keys(budgets: Iterable[Budget], call: Spending) -> Iterator[Key]:
    return (_key(budget, call) for budget in budgets if _subject(budget, call.class_id, call.user_id) is not None)


def _key(budget: Budget, call: Spending) -> Key:
    subject = _subject(budget, call.class_id, call.user_id)
    return Key(budget.id, subject or PLATFORM, starts_on(budget.period, call.at, settings().time_zone))


def _locked(session: Session, keys: Iterable[Key], *, make: bool = False) -> dict[Key, Decimal]:
    """What is spent, by those of the keys that there are; nobody else changes it until the end of the transaction.

    With `make` they are all there afterwards. New rows are made, and old ones locked, in one go and in order: of two
    that did one after the other, each could wait for the other.
    """
    if make:
        rows = [key._asdict() | {"spent_usd": NOTHING} for key in sorted(keys)]
        there = upsert(BudgetSpending).values(rows)
        unchanged = {"spent_usd": BudgetSpending.spent_usd}
        found = session.execute(there.on_conflict_do_update(index_elements=[*_KEY], set_=unchanged).returning(*_ROW))
    else:
        found = session.execute(select(*_ROW).where(_among(keys)).order_by(*_KEY).with_for_update())
    return {Key(*row[:3]): row[3] for row in found}


def _among(keys: Iterable[Key]) -> ColumnElement[bool]:
    return tuple_(*_KEY).in_([*keys])


def _write(session: Session, changes: dict[Key, Decimal]) -> None:
    for key, change in changes.items():
        if change:
            session.execute(
                update(BudgetSpending)
                .where(_among([key]))
                .values(spent_usd=BudgetSpending.spent_usd + change)
                .execution_options(synchronize_session=False)
            )


# --- looking at them -------------------------------------------------------------------------------------------------


def why_spent(session: Session, class_id: uuid.UUID | None, user_id: uuid.UUID | None) -> str | None:
    """Why nothing that costs something is to be asked for these now; None while it may be. Locks nothing."""
    return why_spent_each(session, [(class_id, user_id)])[0]


def why_spent_each(session: Session, whose: Sequence[tuple[uuid.UUID | None, uuid.UUID | None]]) -> list[str | None]:
    """As `why_spent`, for each of these classes and users, in one look."""
    calls = [Spending(NOTHING, class_id, user_id, now()) for class_id, user_id in whose]
    budgets = _concerned(session, calls)
    limits = [
        {_key(b, call): b for b in applies(budgets, call.class_id, call.user_id) if b.hard_usd is not None}
        for call in calls
    ]
    keys = {key for each in limits for key in each}
    rows = session.execute(select(*_ROW).where(_among(keys))) if keys else ()
    spent = {Key(*row[:3]): row[3] for row in rows}
    over = ([b for key, b in each.items() if is_spent(spent.get(key, NOTHING), b.hard_usd)] for each in limits)
    return [reason(each[0]) if each else None for each in over]


def spent_now(session: Session, budget: Budget) -> Decimal:
    """What is spent of it in the present period; of one that is for each, by whoever has spent most."""
    return (
        session.scalar(
            select(func.max(BudgetSpending.spent_usd)).filter_by(
                budget_id=budget.id, starts_on=starts_on(budget.period, now(), settings().time_zone)
            )
        )
        or NOTHING
    )


def forget(session: Session) -> None:
    """Drop what was spent in periods that began longer ago than `KEPT`. The caller commits."""
    oldest = now().date() - KEPT
    session.execute(delete(BudgetSpending).where(BudgetSpending.starts_on < oldest))


# --- setting them ----------------------------------------------------------------------------------------------------


def put(
    session: Session,
    scope: Scope,
    subject: uuid.UUID | None,
    period: Period,
    *,
    soft: Decimal | None,
    hard: Decimal | None,
) -> Budget:
    """Set a budget, in place of the one there is; what was spent before in this period counts. The caller commits.

    `subject` is a class or a user, or None: the platform, or each that has none of its own.
    """
    _alone(session)
    whose = {f"{scope}_id": subject} if scope != "platform" else {}
    values = {"id": uuid.uuid4(), "scope": scope, "period": period, "soft_usd": soft, "hard_usd": hard} | whose
    budget = session.scalars(
        upsert(Budget)
        .values(values)
        .on_conflict_do_update(constraint="uq_budgets_whose", set_={"soft_usd": soft, "hard_usd": hard})
        .returning(Budget)
        .execution_options(populate_existing=True)
    ).one()
    _count(session, budget)
    return budget


def find(session: Session, scope: Scope, subject: uuid.UUID | None, period: Period) -> Budget | None:
    """The budget with this subject, as `put` has it."""
    class_id, user_id = (subject if scope == name else None for name in ("class", "user"))
    return session.scalars(
        select(Budget).filter_by(scope=scope, period=period, class_id=class_id, user_id=user_id)
    ).one_or_none()


def remove(session: Session, budget_id: uuid.UUID) -> bool:
    """Do without it; False when there is none. The caller commits."""
    _alone(session)
    return session.scalar(delete(Budget).where(Budget.id == budget_id).returning(Budget.id)) is not None


def _alone(session: Session) -> None:
    """Wait until nobody writes to the ledger, and let nobody write to it before the commit."""
    session.execute(text("LOCK TABLE llm_calls IN SHARE ROW EXCLUSIVE MODE"))


def _count(session: Session, budget: Budget) -> None:
    """Count from the ledger what was spent of it in the present period."""
    zone = settings().time_zone
    first = starts_on(budget.period, now(), zone)
    begins, ends = bounds(budget.period, first, zone)
    owner: Any = {"platform": literal(PLATFORM), "class": LlmCall.class_id, "user": LlmCall.user_id}[budget.scope]
    named = budget.class_id or budget.user_id
    cost = func.coalesce(LlmCall.cost, LlmCall.estimated_cost)
    rows = (
        select(literal(budget.id), owner, literal(first), func.sum(cost))
        .where(LlmCall.started_at >= begins, LlmCall.started_at < ends, owner.is_not(None))
        .group_by(owner)
    )
    if named:
        rows = rows.where(owner == named)
    session.execute(delete(BudgetSpending).where(BudgetSpending.budget_id == budget.id))
    session.execute(insert(BudgetSpending).from_select(["budget_id", "subject", "starts_on", "spent_usd"], rows))
