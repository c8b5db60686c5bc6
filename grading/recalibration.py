"""Grades that were given before a calibration get its points too, when the teacher wants it: no model is asked again.

Most of a class has handed in and is graded before its teacher has marked twenty essays, so that without this the
calibration would be for nobody. As ever a grading is added and none is changed; what a teacher gave stays.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, exists, func, literal, select
from sqlalchemy.orm import Session, aliased

from grading import lifecycle
from grading.injection import honest
from grading.rubric import number, points
from models import Assignment, Essay, EssayState, Grading, Source

if TYPE_CHECKING:
    from grading.calibrations import Loaded

WHY = "Points as the teacher's marks have taught them."
_OWN = {"id", "created_at"}
"""Columns that no copy of a grading shares with it."""


def earlier(assignment: Assignment) -> Select[uuid.UUID]:
    """Essays whose grade is a model's, by the present rubric, and that the calibration in use has said nothing of."""
    in_use = assignment.calibration_in_use
    any_of_it = aliased(Grading)
    judged = exists().where(any_of_it.essay_id == Essay.id, any_of_it.calibration_id == in_use)
    return (
        select(Essay.id)
        .join(Grading, Grading.id == Essay.current_grading_id)
        .where(
            Essay.assignment_id == assignment.id,
            Essay.state == EssayState.graded,
            Grading.source != Source.teacher,
            Grading.rubric_id == assignment.rubric_id,
            literal(in_use is not None),
            ~judged,
        )
    )


def count_earlier(session: Session, assignment: Assignment) -> int:
    return session.scalar(select(func.count()).select_from(earlier(assignment).subquery())) or 0


def recalibrate(session: Session, essay_id: uuid.UUID, assignment: Assignment, loaded: Loaded) -> Grading | None:
    """Give one essay the points of the calibration in use; None when its grade is not a model's any more.

    An essay like none of its class keeps its grade, and what was made of it is kept beside. The caller commits.
    """
    essay = session.get_one(Essay, essay_id)
    former = essay.current_grading
    if former is None or former.source is Source.teacher:
        return None
    from grading.calibration.sample import Sample
    from grading.marks import opinions

    said = opinions(one for one in essay.gradings if one.rubric_id == assignment.rubric_id)
    foretold, oddity = loaded.judge(Sample(str(essay.id), honest(essay.text), said))
    by_rubric = criteria_of(former)
    total = sum((Decimal(str(criterion["points"])) for criterion in by_rubric), Decimal(0))
    tolerance = None if assignment.tolerance is None else float(assignment.tolerance)
    made = loaded.yardstick.grade(foretold, by_rubric, total, tolerance)
    values = {column.key: getattr(former, column.key) for column in Grading.__mapper__.column_attrs}
    values = {name: value for name, value in values.items() if name not in _OWN} | made.columns()
    grading = Grading(**values | {"accepted": oddity is None})
    return grading if lifecycle.replace_points(session, former, grading, WHY) else None


def criteria_of(grading: Grading) -> list[dict[str, Any]]:
    """The criteria with the points that the rubric alone makes of their levels."""
    return [
        criterion | {"points": number(points(criterion["level"], Decimal(str(criterion["max"]))))}
        for criterion in grading.criteria
    ]
