"""What teachers do to assignments, whether by API or by page. As in `app.submissions`, each function checks, changes
the row, commits, and only then tells others.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import func, select

from app.bodies import (
    MAX_ERRORS,
    AssignmentBody,
    ChangedAssignment,
    NewAssignment,
    Routing,
    Tolerance,
    validated,
)
from app.extensions import db
from app.problems import Problem, invalid, wrong
from grading import drifts, notices, progress
from grading.cache.chain import chain
from grading.engines.engine import RequestRefused
from grading.engines.grammar import check_schema
from grading.reply import schema
from grading.rubric import Rubric, RubricError, number
from grading.task import Task
from models import Assignment, Membership, Release, RubricVersion, User
from models.base import now
from settings import settings

log = logging.getLogger(__name__)


def create_assignment(teacher: User, data: object) -> Assignment:
    """A new assignment (`NewAssignment`) in one of the teacher's classes."""
    wanted = validated(NewAssignment, data)
    if db().get(Membership, (wanted.class_id, teacher.id)) is None:
        raise wrong("class_id", "You have no such class.")
    return _save(Assignment(class_id=wanted.class_id), wanted)


def change_assignment(assignment: Assignment, data: object) -> Assignment:
    """Change an assignment (`ChangedAssignment`). Grades that were given keep the rubric they were given by."""
    wanted = validated(ChangedAssignment, data)
    if wanted.class_id not in (None, assignment.class_id):
        raise wrong("class_id", "An assignment stays in its class; make a new one in the other.")
    saved = _save(assignment, wanted)
    try:
        chain().invalidate(f"assignment:{saved.id}")
    except RedisError as error:
        # Answers are kept under hashes of what they were asked with, too, so that nobody gets one to the former task.
        log.warning("what was answered to the former assignment is still kept: %s", error)
    return saved


def _check_tolerance(tolerance: Decimal | None, rubric: Rubric) -> None:
    if tolerance is not None and tolerance > rubric.max:
        raise wrong("tolerance", f"Must not exceed the {number(rubric.max)} points of the rubric.")


def _save(assignment: Assignment, wanted: AssignmentBody) -> Assignment:
    task = _task(wanted)
    _check_tolerance(wanted.tolerance, task.rubric)
    if wanted.release is Release.from_date and wanted.release_at is None:
        raise wrong("release_at", "Say from which day on grades may be seen.")
    if wanted.release is not Release.from_date and wanted.release_at is not None:
        raise wrong("release_at", "Only goes with `release: from_date`.")
    routing = _routing(wanted.routing)
    if wanted.release_at and wanted.appeal_until and wanted.appeal_until <= wanted.release_at:
        raise wrong("appeal_until", "Nobody could appeal: grades are not seen before then.")
    known = assignment.id is not None
    if known:
        # Of two who change it at the same moment, the second sees the first one's rubric.
        db().refresh(assignment, with_for_update=True)
    if not (known and wanted.release is assignment.release is Release.on_release):
        assignment.release_at = wanted.release_at
    assignment.title, assignment.prompt, assignment.language = task.title, task.prompt, task.language
    assignment.deadline, assignment.tolerance, assignment.release = wanted.deadline, wanted.tolerance, wanted.release
    if "routing" in wanted.model_fields_set:
        assignment.routing = routing
    assignment.appeal_until = wanted.appeal_until
    db().add(assignment)
    db().flush()
    _keep_rubric(assignment, task.rubric)
    db().commit()
    return assignment


def _routing(wanted: Routing | None) -> dict[str, Any] | None:
    """As an assignment keeps it. Raises `Problem` for a tier that there is not."""
    if wanted is None:
        return None
    tiers = [tier.name for tier in settings().tiers]
    unknown = [name for name in wanted.accept if name not in tiers]
    if unknown:
        message = f"There is no tier of this name; there are {', '.join(tiers)}."
        raise invalid(*({"field": f"routing.accept.{name[:50]}", "message": message} for name in unknown[:MAX_ERRORS]))
    return wanted.model_dump(exclude_none=True, exclude_defaults=True) or None


def _task(wanted: AssignmentBody) -> Task:
    """The task as the grader sees it. Raises `Problem` for what no grader can work with."""
    try:
        task = Task.parse(
            {"title": wanted.title, "prompt": wanted.prompt, "language": wanted.language, "rubric": wanted.rubric}
        )
    except RubricError as error:
        raise invalid(*error.errors) from None
    db().commit()  # nothing is written yet; it gives the connection back while the compiler is at work
    try:
        check_schema(schema(task.rubric, task.language))
    except RequestRefused as error:
        raise wrong("rubric", f"No model could be held to this rubric: {error}") from None
    return task


def _keep_rubric(assignment: Assignment, rubric: Rubric) -> None:
    """Make the next version of the rubric if it says anything new."""
    if assignment.rubric_id and assignment.rubric.content_hash == rubric.content_hash:
        return
    last = db().scalar(select(func.max(RubricVersion.version)).filter_by(assignment_id=assignment.id))
    version = RubricVersion(
        assignment_id=assignment.id,
        version=(last or 0) + 1,
        criteria=rubric.to_json()["criteria"],
        content_hash=rubric.content_hash,
    )
    db().add(version)
    db().flush()
    assignment.rubric = version


def use_rubric_only(assignment: Assignment, alone: bool) -> None:
    """Have the rubric's points alone count in grades to come, or what was learned from the teacher's marks again."""
    assignment.rubric_only = alone
    db().commit()


def recalibrate(assignment: Assignment) -> None:
    """Have grades that were given before it get the points of the calibration in use, by upkeep's next turn. Raises
    `Problem` without one."""
    if assignment.calibration_in_use is None:
        raise Problem(409, "Nothing that was learned from your marks is in use here.")
    assignment.recalibrate = True
    db().commit()


def set_tolerance(assignment: Assignment, data: object) -> None:
    """How far a grade may be from the teacher's mark (`Tolerance`), from the next essay on."""
    tolerance = validated(Tolerance, data).tolerance
    _check_tolerance(tolerance, Rubric.parse({"criteria": assignment.rubric.criteria}))
    assignment.tolerance = tolerance
    db().commit()


def accept_marks(assignment: Assignment) -> None:
    """The model marks differently, and that is right: from today on, marks are compared with these."""
    drifts.accept(db(), assignment.id)
    db().commit()


def release_grades(assignment: Assignment) -> None:
    """Let students see the grades from now on, those still to come included."""
    if assignment.grades_visible():
        return
    assignment.release_at = now()
    notices.leave_released(db())
    db().commit()
    progress.notify(notices.left(db()))
