"""A teacher's own grade: what it says, and what it leaves as a former one has it."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.bodies import HandGrade, validated
from app.extensions import db
from app.problems import Problem, invalid, wrong
from grading import lifecycle, notices, progress, second_looks
from grading.lifecycle import NotAllowed, Outdated
from grading.rubric import Rubric, number
from grading.rule_notes import rule_notes
from models import Essay, EssayState, Grading, User


def grade_by_hand(essay: Essay, teacher: User, data: object) -> Grading:
    """Store a teacher's own grade (`HandGrade`, or a mapping that is one) and make it the current one.

    Criteria that it says nothing of, and the margin notes, stay as the current grade has them, or as `from_grading`
    has; so one that says nothing at all confirms that grade. An open appeal is answered by it. Where it corrects a
    model, the essays most like this one are put before the teacher too (`grading.second_looks`).
    """
    wanted = validated(HandGrade, data)
    rubric = Rubric.parse({"criteria": essay.assignment.rubric.criteria})
    grading = _hand_grading(wanted, rubric, essay)
    try:
        lifecycle.override(db(), essay.id, teacher, grading, wanted.seen)
    except Outdated as error:
        told = [{"field": "seen", "message": str(error)}]
        raise Problem(409, "Not up to date", str(error), told) from None
    except NotAllowed as error:
        raise Problem(409, "Withdrawn", str(error)) from None
    second_looks.ask(db(), grading)
    db().commit()
    progress.cancel(essay.id)
    news = {"status": EssayState.graded.value, "grading_id": str(grading.id)}
    progress.announce(essay.id, essay.student_id, "graded", news)
    progress.notify(notices.left(db()))
    return grading


def _hand_grading(wanted: HandGrade, rubric: Rubric, essay: Essay) -> Grading:
    base = _base_grading(wanted, essay)
    before = {criterion["key"]: criterion for criterion in base.criteria} if base else {}
    errors = [
        {"field": f"{field}.{key}", "message": f"The rubric has no criterion “{key}”."}
        for field, given in (("points", wanted.points), ("comments", wanted.comments))
        for key in given
        if key not in rubric.keys
    ]
    criteria: list[dict[str, Any]] = []
    total = Decimal(0)
    for criterion in rubric.criteria:
        kept = before.get(criterion.key)
        if kept and Decimal(str(kept["max"])) != criterion.max:
            kept = None  # from a former version of the rubric, whose points mean something else
        points = wanted.points.get(criterion.key)
        if points is None and kept:
            points = Decimal(str(kept["points"]))
        if points is None:
            errors.append({"field": f"points.{criterion.key}", "message": f"“{criterion.name}” needs points."})
            continue
        if not 0 <= points <= criterion.max or points != round(points, 2):
            message = f"“{criterion.name}” takes 0 to {number(criterion.max)} points, with at most two decimals."
            errors.append({"field": f"points.{criterion.key}", "message": message})
            continue
        total += points
        same = kept is not None and Decimal(str(kept["points"])) == points
        criteria.append(
            {
                "key": criterion.key,
                "name": criterion.name,
                "level": kept["level"] if kept and same else None,
                "points": number(points),
                "max": number(criterion.max),
                "comment": wanted.comments.get(criterion.key, kept["comment"] if kept else ""),
                "confidence": kept["confidence"] if kept and same else None,
            }
        )
    if errors:
        raise invalid(*errors)
    return Grading(
        id=uuid.uuid4(),
        rubric_id=essay.assignment.rubric_id,
        total=total,
        max=rubric.max,
        criteria=criteria,
        annotations=base.annotations if base else rule_notes(essay.text),
        strengths=base.strengths if base else [],
        suggestions=base.suggestions if base else [],
        comment=(wanted.comment or "").strip() or None,
    )


def _base_grading(wanted: HandGrade, essay: Essay) -> Grading | None:
    """The grading that holds where the teacher says nothing else."""
    if wanted.from_grading is None:
        return essay.current_grading
    found = db().scalars(select(Grading).filter_by(id=wanted.from_grading, essay_id=essay.id)).one_or_none()
    if found is None:
        raise wrong("from_grading", "The essay has no such grading.")
    return found
