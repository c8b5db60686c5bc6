"""Drifts in the database: what the anchors of an assignment were given is judged; an alert for each, until it is over.

Doing any of it twice changes nothing, and the caller commits: whoever runs it again after a crash goes on.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, contains_eager

from grading import notices, sentinel
from grading.anchors import anchors_of
from grading.regrading import changes
from models import Anchor, Assignment, Drift, Membership, Notice, Regrade, Role, User
from models.base import now

KIND = "drift"
"""Of a notice."""
_OF_THE_ESSAY = ("hashes.prompt", "hashes.essay")
"""Inputs that differ from essay to essay; `hashes.prompt` follows from the others."""


def judge(session: Session, assignment: Assignment) -> Drift | None:
    """Look at the latest day whose regrades are all over; returns the drift that was found now, if any was.

    Its notices are left in the session (`notices.left`). A drift that is over is closed.
    """
    rows = _rows(session, assignment.id)
    unfinished = {row.day for row in rows if row.finished_at is None}
    days = {row.day for row in rows if row.day is not None and row.grade is not None} - unfinished
    if not days:
        return None
    today = max(days)
    drifts = list(session.scalars(select(Drift).filter_by(assignment_id=assignment.id)))
    found = sentinel.shift(_marks(rows), today, _drifting(rows, drifts))
    open_ = next((drift for drift in drifts if drift.ended_at is None), None)
    if found is None:
        return None
    if open_ is not None:
        if not found.drifted and today > open_.day:
            open_.ended_at = now()
        return None
    if not found.drifted or any(drift.day == today for drift in drifts):
        return None
    drift_id = session.scalar(
        upsert(Drift)
        .values(
            id=uuid.uuid4(),
            assignment_id=assignment.id,
            day=today,
            shift=round(found.levels, 3),
            p_value=found.p_value,
            anchors=found.anchors,
            changed=_changed(rows, today),
        )
        .on_conflict_do_nothing()
        .returning(Drift.id)
    )
    if drift_id is None:
        return None
    _leave_notices(session, assignment)
    return session.get(Drift, drift_id)


def open_drifts(session: Session, *assignment_ids: uuid.UUID) -> list[Drift]:
    """Those that are neither over nor accepted, the latest first; of these assignments, or of all."""
    found = select(Drift).join(Assignment).where(Drift.ended_at.is_(None)).options(contains_eager(Drift.assignment))
    if assignment_ids:
        found = found.where(Assignment.id.in_(assignment_ids))
    return list(session.scalars(found.order_by(Drift.day.desc(), Drift.id)))


def accept(session: Session, assignment_id: uuid.UUID) -> None:
    """A person says that the marks of today are the right ones: the baseline begins anew, and no drift is open."""
    for anchor in anchors_of(session, assignment_id):
        anchor.since = now().date()
    for drift in open_drifts(session, assignment_id):
        drift.ended_at = now()


def _rows(session: Session, assignment_id: uuid.UUID) -> list[Any]:
    """What the live anchors were given, or are to be, since they count; oldest first."""
    columns = (Regrade.anchor_id, Regrade.day, Regrade.grade, Regrade.finished_at)
    return list(
        session.execute(
            select(*columns)
            .join(Anchor, Anchor.id == Regrade.anchor_id)
            .where(Anchor.assignment_id == assignment_id, Anchor.retired_at.is_(None), Regrade.day >= Anchor.since)
            .order_by(Regrade.day, Regrade.created_at)
        )
    )


def _marks(rows: list[Any]) -> Mapping[uuid.UUID, dict[date, float]]:
    marks: dict[uuid.UUID, dict[date, float]] = defaultdict(dict)
    for row in rows:
        if row.grade is not None:
            marks[row.anchor_id][row.day] = sentinel.mark(row.grade["criteria"])
    return marks


def _drifting(rows: list[Any], drifts: list[Drift]) -> set[date]:
    """The days on which marks were known to have moved."""
    return {
        row.day
        for row in rows
        for drift in drifts
        if drift.day <= row.day and (drift.ended_at is None or row.day < drift.ended_at.date())
    }


def _changed(rows: list[Any], today: date) -> list[list[Any]]:
    """What the grades of today came from, where it is something else than before; of an anchor that has both."""
    for row in rows:
        if row.day == today and row.grade:
            before = [one.grade for one in rows if one.anchor_id == row.anchor_id and one.day < today and one.grade]
            if before:
                differs = changes(before[-1], row.grade)
                return [[each.name, each.before, each.after] for each in differs if each.name not in _OF_THE_ESSAY]
    return []


def _leave_notices(session: Session, assignment: Assignment) -> None:
    """For the teachers of the class, and for ops."""
    teaches = exists().where(Membership.user_id == User.id, Membership.class_id == assignment.class_id)
    readers = session.scalars(select(User.id).where((User.role == Role.ops) | (User.role == Role.teacher) & teaches))
    details = {"assignment": assignment.title, "assignment_id": str(assignment.id)}
    notices.add(session, [Notice(user_id=reader, kind=KIND, details=details) for reader in readers])
