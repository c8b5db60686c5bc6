"""What a teacher is told of an assignment's calibration: how many marks it has, what they taught, what to mark next."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import Assignment, Calibration, Essay, EssayState, Grading, Source, User

FIRST_STAGE = 20
"""Marks from which on something is learned."""


@dataclass(frozen=True)
class CalibrationView:
    """By the present rubric. `versions` are all there are, the newest first; `in_use` is one of them or None."""

    marks: int
    wanted: int
    """Marks that are missing before anything is learned."""
    rubric_only: bool
    in_use: Calibration | None
    versions: Sequence[Calibration]
    to_mark: Sequence[tuple[uuid.UUID, str]]
    """Essays whose marks would teach most, with their students' names; those that have no mark yet."""


def calibration_of(session: Session, assignment: Assignment) -> CalibrationView:
    """How things stand now; nothing is trained or read back."""
    versions = session.scalars(
        select(Calibration)
        .filter_by(assignment_id=assignment.id, rubric_id=assignment.rubric_id)
        .order_by(Calibration.created_at.desc())
    ).all()
    marked = _marked(assignment)
    count = session.scalar(select(func.count()).select_from(marked.subquery())) or 0
    in_use = next((one for one in versions if one.id == assignment.calibration_in_use), None)
    chosen = [uuid.UUID(one) for one in (assignment.to_mark or {}).get("essays", [])]
    names = dict(
        session.execute(
            select(Essay.id, User.name)
            .join(User, User.id == Essay.student_id)
            .where(
                Essay.id.in_(chosen),
                Essay.assignment_id == assignment.id,
                Essay.state != EssayState.cancelled,
                Essay.id.not_in(marked),
            )
        ).all()
    )
    return CalibrationView(
        marks=count,
        wanted=max(0, FIRST_STAGE - count),
        rubric_only=assignment.rubric_only,
        in_use=in_use,
        versions=versions,
        to_mark=[(one, names[one]) for one in chosen if one in names],
    )


def _marked(assignment: Assignment) -> Select[uuid.UUID]:
    return (
        select(Grading.essay_id)
        .join(Essay, Essay.id == Grading.essay_id)
        .where(
            Essay.assignment_id == assignment.id,
            Essay.state != EssayState.cancelled,
            Grading.source == Source.teacher,
            Grading.rubric_id == assignment.rubric_id,
        )
        .distinct()
    )
