"""Second looks: a teacher's correction of one essay asks for another look at those that are most like it.

They are found in the transaction of the correction, by `grading.likeness`, from what is stored of each essay, so that
neither can be there without the other. An essay's state and grade stay as they are; a teacher's grade, the same or
another, settles the look.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, insert, select
from sqlalchemy.orm import Session, aliased

from grading.likeness import Judged, alike
from grading.rubric import LEVELS
from models import Assignment, Essay, EssayState, Grading, SecondLook, Source

MOST_COMPARED = 1000
"""Essays of an assignment that a correction is compared with, the latest."""

_CORRECTED, _CURRENT, _LOOK = aliased(Essay), aliased(Grading), aliased(SecondLook)


def is_open() -> ColumnElement[bool]:
    """Of a `SecondLook` beside its `Essay` in a query: nobody has looked, and the correction is still the grade."""
    model_s = exists().where(_CURRENT.id == Essay.current_grading_id, _CURRENT.source != Source.teacher)
    stands = exists().where(_CORRECTED.current_grading_id == SecondLook.grading_id)
    return (Essay.state == EssayState.graded) & model_s & stands


def ask(session: Session, correction: Grading) -> int:
    """Have the essays looked at that this teacher's grade touches; returns how many there are. The caller commits.

    None where the teacher is no farther from the model than the assignment's tolerance, or a level of all criteria
    where it states none.
    """
    essay = session.get_one(Essay, correction.essay_id)
    said = _said(session, correction)
    if said is None:
        return 0
    points = correction.total - said.total
    if abs(points) <= bar(essay.assignment, correction.max):
        return 0
    judged = _judged(essay.id, essay.route, said)
    touched = alike(judged, float(points), _others(session, essay, said))
    if touched:
        session.flush()
        session.execute(
            insert(SecondLook),
            [
                {"grading_id": correction.id, "essay_id": essay_id, "points": points, "distance": distance}
                for essay_id, distance in touched
            ],
        )
    return len(touched)


def bar(assignment: Assignment, maximum: Decimal) -> Decimal:
    """Points by which a teacher may differ from a model without a word on others."""
    return maximum / (LEVELS[-1] - LEVELS[0]) if assignment.tolerance is None else assignment.tolerance


def touched(session: Session, essay_id: uuid.UUID) -> int:
    """How many essays the correction of this one still touches."""
    looks = select(func.count(SecondLook.essay_id.distinct())).join(Essay, Essay.id == SecondLook.essay_id)
    return session.scalar(looks.where(is_open(), Essay.id.in_(touched_by(essay_id)))) or 0


def touched_by(essay_id: uuid.UUID) -> Select[uuid.UUID]:
    """The essays that the correction of this one asks to look at, whether somebody has or not."""
    looks = select(_LOOK.essay_id).join(_CORRECTED, _CORRECTED.current_grading_id == _LOOK.grading_id)
    return looks.where(_CORRECTED.id == essay_id)


def _said(session: Session, correction: Grading) -> Grading | None:
    """What a model had given that essay by the same rubric: the last that stood, else the last that was not trusted."""
    said = (
        select(Grading)
        .filter_by(essay_id=correction.essay_id, rubric_id=correction.rubric_id)
        .where(Grading.source != Source.teacher)
        .order_by(Grading.accepted.desc(), Grading.created_at.desc())
    )
    return session.scalars(said.limit(1)).first()


def _others(session: Session, essay: Essay, said: Grading) -> list[Judged]:
    """The other essays of the assignment whose grade is that model's by that rubric, and was looked at by nobody."""
    rows = session.execute(
        select(Essay.id, Essay.route, Grading.total, Grading.max, Grading.criteria)
        .join(Grading, Grading.id == Essay.current_grading_id)
        .where(Essay.assignment_id == essay.assignment_id, Essay.state == EssayState.graded, Essay.id != essay.id)
        .where(Grading.rubric_id == said.rubric_id, Grading.model == said.model, Grading.source != Source.teacher)
        .order_by(Essay.created_at.desc())
        .limit(MOST_COMPARED)
    )
    return [_judged(row.id, row.route, row) for row in rows]


def _judged(essay_id: uuid.UUID, route: dict[str, Any] | None, grading: Any) -> Judged:
    """What is known of an essay, from its route and its grading or the row of one."""
    parts = (route or {}).get("parts")
    return Judged(
        essay_id,
        total=float(grading.total / grading.max),
        levels=tuple(float(criterion["level"]) for criterion in grading.criteria),
        parts=tuple(parts[name] for name in sorted(parts)) if isinstance(parts, dict) else (),
    )
