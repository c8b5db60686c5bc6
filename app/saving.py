"""Saving mode for people: how it stands, whom it touches, and the hand that throws it."""

from __future__ import annotations

import uuid

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from app.bodies import SavingReason, validated
from app.extensions import db
from app.problems import Problem
from app.views import moment
from grading import notices, progress, queues, saving
from models import Alert, Assignment, Class, Essay, EssayState, Membership, Role, Switch, User
from settings import settings

SHOWN = 20
"""Alerts that ops see."""


class SavingView(TypedDict):
    """`since`, `by` and `reason` are null while it is off; `by` is an e-mail address, or `pizhu`."""

    on: bool
    since: str | None
    by: str | None
    reason: str | None


class AlertView(TypedDict):
    """`kind`: `spending`, money that ran away, or `saving`, thrown by hand. `saving_ended_at`: when paid models were
    opened again."""

    id: str
    kind: str
    actor: str
    reason: str
    details: dict[str, object]
    created_at: str
    ended_at: str | None
    saving_ended_at: str | None
    saving_ended_by: str | None


class PaidClass(TypedDict):
    """A class, and whether ops pay for its essays in saving mode too."""

    id: str
    name: str
    pays_while_saving: bool


def state(session: Session) -> SavingView:
    """How it stands now."""
    switch = saving.since(session)
    if switch is None:
        return {"on": False, "since": None, "by": None, "reason": None}
    held = select(Alert.reason).where(Alert.saving_ended_at.is_(None)).order_by(Alert.created_at)
    reason = session.scalar(held.limit(1))
    return {"on": True, "since": moment(switch.at), "by": switch.actor, "reason": reason}


def alerts(session: Session) -> list[AlertView]:
    """The latest first."""
    return [alert_json(one) for one in session.scalars(select(Alert).order_by(Alert.created_at.desc()).limit(SHOWN))]


def alert_json(alert: Alert) -> AlertView:
    return {
        "id": str(alert.id),
        "kind": alert.kind,
        "actor": alert.actor,
        "reason": alert.reason,
        "details": alert.details,
        "created_at": moment(alert.created_at),
        "ended_at": moment(alert.ended_at),
        "saving_ended_at": moment(alert.saving_ended_at),
        "saving_ended_by": alert.saving_ended_by,
    }


def classes(session: Session) -> list[PaidClass]:
    """Those that have handed something in lately, and those that ops pay for, by name."""
    active = exists().where(
        Essay.assignment_id == Assignment.id,
        Assignment.class_id == Class.id,
        Essay.created_at > func.now() - saving.LATELY,
    )
    found = session.scalars(select(Class).where(or_(Class.pays_while_saving, active)).order_by(Class.name, Class.id))
    return [paid_json(school_class) for school_class in found]


def paid_json(school_class: Class) -> PaidClass:
    return {
        "id": str(school_class.id),
        "name": school_class.name,
        "pays_while_saving": school_class.pays_while_saving,
    }


def concerning(session: Session, user: User) -> Switch | None:
    """The switch, where it touches this user: ops, teachers of a class that nobody pays for, and students whose essay
    waits because of it."""
    switch = saving.since(session)
    if switch is None or user.role is Role.ops:
        return switch
    if not settings().hosted_tiers:
        return None
    if user.role is Role.teacher:
        touched = select(Membership.class_id).join(Class).where(Membership.user_id == user.id, ~Class.pays_while_saving)
    else:
        waits = or_(
            (Essay.state == EssayState.needs_review) & Essay.route["put_off"].as_boolean(),
            (Essay.state == EssayState.queued) & (Essay.queue == queues.BATCHES),
        )
        touched = (
            select(Essay.id)
            .join(Assignment, Assignment.id == Essay.assignment_id)
            .join(Class, Class.id == Assignment.class_id)
            .where(Essay.student_id == user.id, waits, ~Class.pays_while_saving)
        )
    return switch if session.scalar(touched.limit(1)) else None


def turn_on(actor: User, data: object) -> None:
    """By hand (`SavingReason`), until it is turned off by hand."""
    saving.turn_on(db(), actor, validated(SavingReason, data).reason)
    _tell()


def turn_off(actor: User) -> None:
    """By hand; nothing happens where it is off."""
    saving.turn_off(db(), actor)
    _tell()


def pay_for(class_id: uuid.UUID, pays: bool) -> Class:
    """Whether essays of this class go to paid models in saving mode too. Raises `Problem` 404."""
    school_class = db().get(Class, class_id)
    if school_class is None:
        raise Problem(404)
    school_class.pays_while_saving = pays
    db().commit()
    return school_class


def _tell() -> None:
    db().commit()
    progress.notify(notices.left(db()))
