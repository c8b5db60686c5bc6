"""What people are told of an essay: rows that are left with the change and sent once it is committed."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models import Assignment, Essay, EssayState, Membership, Notice, Release, Role, User
from models.base import now

TEACHERS_ONLY = ("appeal", "copy")


def leave(session: Session, essay_id: uuid.UUID, kind: str) -> None:
    """A notice for the student, once they may see the grade; and one for each teacher when a person is needed.

    Of an appeal only the teachers are told: it is the student's own; and of words that two essays share.
    """
    student_id, assignment = session.execute(
        select(Essay.student_id, Assignment)
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .where(Essay.id == essay_id)
    ).one()
    readers = []
    if kind in ("needs_review", "failed", *TEACHERS_ONLY):
        readers = list(
            session.scalars(
                select(User.id)
                .join(Membership, Membership.user_id == User.id)
                .where(Membership.class_id == assignment.class_id, User.role == Role.teacher)
            )
        )
    if kind not in TEACHERS_ONLY and (readers or assignment.grades_visible()):
        readers.append(student_id)
    add(
        session,
        [
            Notice(user_id=reader, essay_id=essay_id, kind=kind, details={"assignment": assignment.title})
            for reader in readers
        ],
    )


def add(session: Session, notices: list[Notice]) -> None:
    """Leave these; they are told of once they are committed."""
    session.add_all(notices)
    session.info.setdefault("notices", []).extend(notices)


def left(session: Session) -> list[Notice]:
    """The notices left in this session since the last call; once they are committed, `progress.notify` sends them."""
    notices: list[Notice] = session.info.pop("notices", [])
    return notices


def leave_released(session: Session, limit: int = 500) -> list[Notice]:
    """Leave the notices of grades that were held back and may be seen by now; returns them."""
    noticed = exists().where(Notice.essay_id == Essay.id, Notice.user_id == Essay.student_id)
    lately = Assignment.release_at.between(now() - timedelta(days=7), now())
    essays = session.execute(
        select(Essay.id, Essay.student_id, Assignment.title)
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .where(Essay.state == EssayState.graded, Assignment.release != Release.at_once, lately, ~noticed)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Essay)
    )
    notices = [
        Notice(user_id=student_id, essay_id=essay_id, kind="graded", details={"assignment": title})
        for essay_id, student_id, title in essays
    ]
    add(session, notices)
    return notices
