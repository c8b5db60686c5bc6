"""Saving mode: no model is asked that is paid by the token, except for classes that ops have decided to pay for.

It begins by itself when money runs away (`grading.costs.anomaly`), or by hand. It is a row of `switches`, which routing
looks at; a row of `alerts` keeps who threw it, why, and when it was over. Each function works inside the caller's
transaction; notices are left in the session (`notices.left`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from grading import notices
from grading.costs.anomaly import Usual, Verdict
from grading.costs.repeats import MOST
from models import Alert, Assignment, Class, Essay, Membership, Notice, Role, Switch, User
from models.base import now
from settings import settings

SWITCH = "saving"
SPENDING, BY_HAND = "spending", "saving"
"""Kinds of alerts."""
PIZHU = "pizhu"
"""The actor, where nobody threw it."""
FIRST_HOLD, LONGEST_HOLD = timedelta(minutes=30), timedelta(hours=8)
LATELY = timedelta(days=7)
"""A class is touched that has handed something in since."""


def since(session: Session) -> Switch | None:
    """The switch, with who threw it and when; None while paid models may be asked."""
    return session.get(Switch, SWITCH)


def closes(session: Session, class_id: object) -> bool:
    """Whether paid models are closed to that class; to everybody whom no class pays for, with None."""
    if since(session) is None:
        return False
    school_class = session.get(Class, class_id) if class_id else None
    return school_class is None or not school_class.pays_while_saving


def open_alerts(session: Session) -> list[Alert]:
    """Incidents that are not over, the latest first."""
    return list(session.scalars(select(Alert).where(Alert.ended_at.is_(None)).order_by(Alert.created_at.desc())))


def turn_on(session: Session, actor: User | str, reason: str) -> Alert | None:
    """By hand, until it is turned off by hand; None when somebody did so already."""
    return _open(session, BY_HAND, actor if isinstance(actor, str) else actor.email, reason, {})


def turn_off(session: Session, actor: User | str) -> bool:
    """By hand, whoever threw it. An incident that goes on does not throw it again. False when it was off."""
    _one_at_a_time(session)
    by = actor if isinstance(actor, str) else actor.email
    holding = session.scalars(select(Alert).where(Alert.saving_ended_at.is_(None))).all()
    for alert in holding:
        alert.saving_ended_at, alert.saving_ended_by = now(), by
        if alert.kind == BY_HAND:
            alert.ended_at = now()
    return _throw_back(session)


def follow(session: Session, verdict: Verdict) -> Alert | None:
    """Do what the verdict asks for, once an incident; returns the alert that began or ended now.

    The way back has hysteresis: paid models stay closed for half an hour, twice as long for each incident of the last
    day before it, and until the spending is calm.
    """
    _one_at_a_time(session)
    alert = session.scalars(select(Alert).filter_by(kind=SPENDING, ended_at=None)).one_or_none()
    if alert is None:
        if not verdict.anomalous:
            return None
        return _open(session, SPENDING, PIZHU, _sentence(verdict), _figures(verdict))
    if not verdict.calm or now() < alert.created_at + hold(session, alert):
        return None
    alert.ended_at = now()
    if alert.saving_ended_at is None:
        alert.saving_ended_at, alert.saving_ended_by = now(), PIZHU
        session.flush()
        if not session.scalar(select(func.count()).select_from(Alert).where(Alert.saving_ended_at.is_(None))):
            _throw_back(session)
    return alert


def hold(session: Session, alert: Alert) -> timedelta:
    """For how long paid models stay closed at least."""
    lately = (Alert.created_at > alert.created_at - timedelta(days=1)) & (Alert.created_at < alert.created_at)
    earlier = session.scalar(select(func.count()).select_from(Alert).where(Alert.kind == SPENDING, lately)) or 0
    return min(FIRST_HOLD * 2**earlier, LONGEST_HOLD)


def unusual_times(session: Session, begin: datetime) -> list[tuple[datetime, datetime]]:
    """From when to when money ran away or was saved since then: no example of what is usual."""
    rows = session.execute(
        select(Alert.created_at, Alert.ended_at).where(or_(Alert.ended_at.is_(None), Alert.ended_at > begin))
    )
    return [(opened, ended or now()) for opened, ended in rows]


def _open(session: Session, kind: str, actor: str, reason: str, figures: dict[str, object]) -> Alert | None:
    _one_at_a_time(session)
    if session.scalars(select(Alert).filter_by(kind=kind, ended_at=None)).one_or_none():
        return None
    alert = Alert(kind=kind, actor=actor, reason=reason, details=figures, created_at=now())
    session.add(alert)
    threw = session.scalar(
        upsert(Switch).values(name=SWITCH, actor=actor, at=now()).on_conflict_do_nothing().returning(Switch.name)
    )
    _leave_notices(session, _of_role(session, Role.ops), kind)
    if threw:
        _leave_notices(session, _touched_teachers(session), "saving")
    return alert


def _throw_back(session: Session) -> bool:
    thrown = session.scalar(delete(Switch).where(Switch.name == SWITCH).returning(Switch.name))
    if thrown:
        _leave_notices(session, [*_of_role(session, Role.ops), *_touched_teachers(session)], "saving_over")
    return thrown is not None


def _one_at_a_time(session: Session) -> None:
    """Whoever decides on saving mode does so alone, until the end of the transaction."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('pizhu saving'))"))


def _of_role(session: Session, role: Role) -> list[User]:
    return list(session.scalars(select(User).where(User.role == role)))


def _touched_teachers(session: Session) -> list[User]:
    """Teachers of classes that have handed something in lately, and for which nobody pays in saving mode."""
    if not settings().hosted_tiers:
        return []
    active = (
        select(Class.id)
        .join(Assignment, Assignment.class_id == Class.id)
        .join(Essay, Essay.assignment_id == Assignment.id)
        .where(Essay.created_at > now() - LATELY, ~Class.pays_while_saving)
    )
    teaches = select(Membership.user_id).where(Membership.class_id.in_(active))
    return list(session.scalars(select(User).where(User.role == Role.teacher, User.id.in_(teaches))))


def _leave_notices(session: Session, readers: Iterable[User], kind: str) -> None:
    notices.add(session, [Notice(user_id=reader.id, kind=kind, details={}) for reader in readers])


def _sentence(verdict: Verdict) -> str:
    """Why it is an alarm."""
    spent = verdict.spending
    if loop := spent.loop:
        often = f"{loop.times} {loop.what} in {verdict.minutes} minutes, where no work needs more than {MOST}"
        places = 2 if spent.dollars >= 0.01 else 6
        return f"{often} ({loop.subject}); ${spent.dollars:.{places}f} were spent on all work"
    usual = verdict.usual or Usual(0.0, 0.0)
    return (
        f"${spent.dollars:.2f} in {verdict.minutes} minutes, where the mean hour costs ${usual.hour:.2f} "
        f"and {spent.pieces} pieces of work explain ${usual.explain(spent):.2f}"
    )


def _figures(verdict: Verdict) -> dict[str, object]:
    usual = verdict.usual
    return {
        "minutes": verdict.minutes,
        "dollars": round(verdict.spending.dollars, 6),
        "pieces": verdict.spending.pieces,
        "repeat": asdict(verdict.spending.repeat) if verdict.spending.repeat else None,
        "explained": None if usual is None else round(usual.explain(verdict.spending), 6),
        "mean_hour": None if usual is None else round(usual.hour, 6),
    }
