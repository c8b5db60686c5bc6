"""People are told once, in each period, that a budget is nearly spent, and that it is."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from grading import notices, progress
from grading.costs import budget
from models import Budget, BudgetSpending, Class, Membership, Notice, Period, Role, User
from models.base import now
from models.session import session
from settings import settings

log = logging.getLogger(__name__)

WARNED, SPENT = "budget", "budget_spent"
"""Kinds of notices."""


def warn() -> None:
    """Tell whom it concerns of limits that have been reached; a step of the sweeper."""
    with session() as db:
        for row, limit in db.execute(_reached()):
            hard = budget.is_spent(row.spent_usd, limit.hard_usd)
            if hard and row.refused_at is None:
                row.refused_at = row.warned_at = now()
            elif row.warned_at is None:
                row.warned_at = now()
            else:
                continue
            name = name_of(db, limit, row)
            log.warning(
                "%s: $%s of $%s spent",
                budget.reason(limit) if hard else f"the {limit.period.value}'s budget of {name} is nearly spent",
                f"{row.spent_usd:.4f}",
                limit.hard_usd if hard else limit.soft_usd,
            )
            kind, details = SPENT if hard else WARNED, {"assignment": name}
            readers = _readers(db, limit, row)
            notices.add(db, [Notice(user_id=one.id, kind=kind, details=details) for one in readers])
        db.commit()
        progress.notify(notices.left(db))


def name_of(db: Session, limit: Budget, row: BudgetSpending) -> str:
    """Whose budget it is, for a person: the class, the user, or this installation."""
    if limit.scope == "class":
        return db.scalar(select(Class.name).filter_by(id=row.subject)) or "–"
    if limit.scope == "user":
        return db.scalar(select(User.name).filter_by(id=row.subject)) or "–"
    return settings().public_url


def _reached() -> Select[BudgetSpending, Budget]:
    """Rows of the present periods at a limit that nobody has been told of, locked, each with its budget."""
    zone, at = settings().time_zone, now()
    present = or_(
        *(
            and_(Budget.period == period, BudgetSpending.starts_on == budget.starts_on(period, at, zone))
            for period in Period
        )
    )
    soft = (BudgetSpending.spent_usd >= Budget.soft_usd) & BudgetSpending.warned_at.is_(None)
    hard = (BudgetSpending.spent_usd >= Budget.hard_usd) & BudgetSpending.refused_at.is_(None)
    return (
        select(BudgetSpending, Budget)
        .join(Budget, Budget.id == BudgetSpending.budget_id)
        .where(present, or_(soft, hard))
        .limit(500)
        .with_for_update(skip_locked=True, of=BudgetSpending)
    )


def _readers(db: Session, limit: Budget, row: BudgetSpending) -> Iterable[User]:
    """Ops, of the platform's and a class's; teachers, of a class's and their students'; of whom nobody teaches, ops."""
    ops = select(User).where(User.role == Role.ops)
    teachers = select(User).join(Membership, Membership.user_id == User.id).where(User.role == Role.teacher)
    if limit.scope == "platform":
        return db.scalars(ops).all()
    if limit.scope == "class":
        return [*db.scalars(ops), *db.scalars(teachers.where(Membership.class_id == row.subject))]
    of_student = select(Membership.class_id).where(Membership.user_id == row.subject)
    found = db.scalars(
        select(User).where(
            User.role == Role.teacher,
            exists().where(Membership.user_id == User.id, Membership.class_id.in_(of_student)),
        )
    ).all()
    return found or db.scalars(ops).all()
