"""The one way in: what people do to essays, classes and assignments, whether by API or by page.

Each function checks what it was given, has the row changed, commits, and only then tells others. It raises `Problem`
for what it refuses; who may call it at all is the routes' to say (`app.auth`).
"""

from __future__ import annotations

import logging
import re
import uuid
from decimal import Decimal
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from app import doorbell
from app.bodies import (
    MAX_ERRORS,
    AssignmentBody,
    ChangedAssignment,
    HandGrade,
    JoinClass,
    NewAppeal,
    NewAssignment,
    NewClass,
    Routing,
    Tolerance,
    validated,
)
from app.extensions import db
from app.problems import Problem, invalid, wrong
from app.queues import ESSAY_QUEUES
from grading import drifts, lifecycle, notices, progress, queues, second_looks
from grading.cache.chain import chain
from grading.copies import dismissal
from grading.engines.engine import RequestRefused
from grading.engines.grammar import check_schema
from grading.lifecycle import NotAllowed, Outdated
from grading.reply import schema
from grading.rubric import Rubric, RubricError, number
from grading.rule_notes import rule_notes
from grading.task import Task
from grading.text import TextError
from models import (
    Appeal,
    Assignment,
    Class,
    Essay,
    EssayState,
    Grading,
    Membership,
    Overlap,
    Release,
    RubricVersion,
    User,
)
from models.base import now
from settings import settings

log = logging.getLogger(__name__)

KEY = re.compile(r"[\x21-\x7e]{1,255}")
"""What an Idempotency-Key may be."""

# --- essays ----------------------------------------------------------------------------------------------------------


def submit_essay(student: User, assignment: Assignment, text: str, key: str | None) -> tuple[Essay, bool]:
    """Hand in an essay; returns it and whether it is new. The same key again returns the essay it made before.

    An essay after the deadline is taken too, and shown as late.
    """
    if key is not None and not KEY.fullmatch(key):
        raise wrong("Idempotency-Key", "Must be 1 to 255 visible ASCII characters.")
    try:
        essay, created = lifecycle.submit(db(), student=student, assignment=assignment, text=text, key=key)
    except TextError as error:
        raise wrong("text", error.message) from None
    except NotAllowed as error:
        raise wrong("Idempotency-Key", str(error)) from None
    db().commit()
    if created:
        doorbell.ring(essay.id)
    return essay, created


def cancel_essay(essay: Essay, user: User) -> None:
    """Withdraw an essay that no grade was found for yet; whoever is grading it stops. Doing it twice is no error."""
    if lifecycle.cancel(db(), essay.id, user):
        db().commit()
        progress.cancel(essay.id)
        _announce(essay, EssayState.cancelled)
        return
    db().refresh(essay)
    if essay.state is not EssayState.cancelled:
        raise Problem(409, "Too late", f"The essay is {essay.state.value} and cannot be withdrawn any more.")


def retry_essay(essay: Essay, teacher: User) -> None:
    """Have an essay graded anew that failed or waits for a teacher."""
    if not lifecycle.retry(db(), essay.id, teacher):
        db().refresh(essay)
        raise Problem(
            409,
            "Nothing to try again",
            f"The essay is {essay.state.value}; only one that failed or needs review is graded again.",
        )
    db().commit()
    _announce(essay, EssayState.submitted)
    doorbell.ring(essay.id)


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


def appeal_grade(essay: Essay, student: User, data: object) -> Appeal:
    """Ask the teachers to look at the current grade again (`NewAppeal`); their next grade is the answer."""
    wanted = validated(NewAppeal, data)
    try:
        appeal = lifecycle.appeal(db(), essay.id, student, wanted.reason)
    except NotAllowed as error:
        raise Problem(409, "No appeal", str(error)) from None
    db().commit()
    progress.notify(notices.left(db()))
    return appeal


def dismiss_copy(pair: Overlap, teacher: User) -> None:
    """Show no teacher any more that these two essays share words; doing it twice is no error."""
    dismissal.dismiss(db(), pair, teacher)
    db().commit()


def restore_copy(pair: Overlap) -> None:
    """Take back what `dismiss_copy` did; doing it twice is no error."""
    dismissal.take_back(db(), pair)
    db().commit()


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


def _announce(essay: Essay, state: EssayState) -> None:
    progress.announce(essay.id, essay.student_id, "state", {"status": state.value})


# --- queues ----------------------------------------------------------------------------------------------------------


def pause_queue(name: str, actor: User) -> None:
    """Have nothing more taken from a queue until it is resumed."""
    _check_queue(name)
    queues.pause(db(), name, actor)
    db().commit()


def resume_queue(name: str) -> None:
    """Let a queue go on; the sweeper tells its workers within seconds of what waits."""
    _check_queue(name)
    queues.resume(db(), name)
    db().commit()


def _check_queue(name: str) -> None:
    if name not in ESSAY_QUEUES:
        raise Problem(404, detail=f"No essay waits in a queue of that name; there are {' and '.join(ESSAY_QUEUES)}.")


# --- classes ---------------------------------------------------------------------------------------------------------


def create_class(teacher: User, data: object) -> Class:
    """A new class (`NewClass`) with this teacher in it."""
    school_class = Class(name=validated(NewClass, data).name)
    db().add(school_class)
    db().flush()
    db().add(Membership(class_id=school_class.id, user_id=teacher.id))
    db().commit()
    return school_class


def join_class(student: User, data: object) -> Class:
    """Become a member of the class with that code (`JoinClass`); doing it twice is no error."""
    code = "".join(validated(JoinClass, data).join_code.split()).upper()
    school_class = None
    if code.isascii() and code.isalnum():
        school_class = db().scalars(select(Class).filter_by(join_code=code)).one_or_none()
    if school_class is None:
        raise wrong("join_code", "No class has this code. Please compare it with what your teacher gave you.")
    db().execute(
        upsert(Membership)
        .values(class_id=school_class.id, user_id=student.id, joined_at=now())
        .on_conflict_do_nothing()
    )
    db().commit()
    return school_class


# --- assignments -----------------------------------------------------------------------------------------------------


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
