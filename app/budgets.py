"""Budgets as ops see and set them, by the API, on a page and on the command line."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from app.bodies import BudgetBody
from app.problems import invalid
from grading.costs import budget
from models import Budget, Class, Period, User


class BudgetView(TypedDict):
    """A budget; amounts are decimal numbers of US dollars as strings.

    Without a `subject_id` one of scope `class` or `user` is for each that has none of its own, and `spent_usd` is that
    of whoever has spent most. `spent_usd` is of the present period, with what calls under way may cost.
    """

    id: str
    scope: Literal["platform", "class", "user"]
    subject_id: str | None
    subject: str | None
    period: Literal["day", "month"]
    soft_usd: str | None
    hard_usd: str | None
    spent_usd: str
    spent: bool


def budgets(db: Session) -> list[BudgetView]:
    found = db.execute(
        select(Budget, func.coalesce(Class.name, User.email))
        .outerjoin(Class, Class.id == Budget.class_id)
        .outerjoin(User, User.id == Budget.user_id)
        .order_by(Budget.scope, Class.name, User.email, Budget.period)
    )
    return [_view(db, one, subject) for one, subject in found]


def _view(db: Session, one: Budget, subject: str | None) -> BudgetView:
    spent = budget.spent_now(db, one)
    owner = one.class_id or one.user_id
    return BudgetView(
        id=str(one.id),
        scope=one.scope,  # type: ignore[typeddict-item]
        subject_id=str(owner) if owner else None,
        subject=subject,
        period=one.period.value,
        soft_usd=None if one.soft_usd is None else f"{one.soft_usd.normalize():f}",
        hard_usd=None if one.hard_usd is None else f"{one.hard_usd.normalize():f}",
        spent_usd=f"{spent:f}",
        spent=budget.is_spent(spent, one.hard_usd),
    )


def put_budget(db: Session, wanted: BudgetBody) -> None:
    """Set it, or take it away; what was spent before in its period counts. Raises a 422 `Problem`."""
    owner, period = wanted.subject_id, Period(wanted.period)
    if wanted.scope == "platform" and owner is not None:
        raise invalid({"field": "subject_id", "message": "The platform's budget is nobody's."})
    if owner is not None and db.get(Class if wanted.scope == "class" else User, owner) is None:
        raise invalid({"field": "subject_id", "message": f"There is no such {wanted.scope}."})
    if wanted.soft_usd is not None and wanted.hard_usd is not None and wanted.soft_usd > wanted.hard_usd:
        raise invalid({"field": "soft_usd", "message": "A warning after the limit is none."})
    if wanted.soft_usd is None and wanted.hard_usd is None:
        if there := budget.find(db, wanted.scope, owner, period):
            budget.remove(db, there.id)
    else:
        budget.put(db, wanted.scope, owner, period, soft=wanted.soft_usd, hard=wanted.hard_usd)
    db.commit()
