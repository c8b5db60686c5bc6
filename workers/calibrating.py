"""Calibrations at work: trained in the upkeep worker, and used where a model has given a grade.

scikit-learn is imported when it is first needed, so that a worker whose assignments have no calibration never pays for
it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from grading import notices, progress
from grading.grader import Grade
from grading.injection import honest
from models import Assignment, Essay, Grading
from models.session import engine, session
from workers.outcome import Opinion
from workers.patience import patiently
from workers.queue import celery_app

if TYPE_CHECKING:
    from grading.calibrations import Loaded

log = logging.getLogger(__name__)

LOCK = 7302
"""Of the advisory lock under which one process trains at a time."""


@celery_app.task(name="upkeep.calibrate")
def calibrate() -> None:
    """Train what is due, and say which essays to mark. Doing it twice, or not to its end, loses nothing."""
    from grading import calibrations

    with alone() as mine:
        if not mine:
            return
        with session() as db:
            due, unadvised = calibrations.due(db), calibrations.unadvised(db)
        for assignment_id in dict.fromkeys([*due, *unadvised]):
            try:
                train(assignment_id, only_advise=assignment_id not in due)
            except SQLAlchemyError as error:
                log.warning("calibration: %s; next time", error)
            except Exception:
                log.exception("the assignment %s could not be calibrated; next time", assignment_id)
        recalibrate_wanted()


def recalibrate_wanted() -> None:
    """Give the points of the calibration in use to grades from before it, where a teacher wants that; each essay is a
    transaction, so that what is done stays done."""
    with session() as db:
        wanted = db.scalars(select(Assignment).filter_by(recalibrate=True)).all()
    for assignment in wanted:
        try:
            recalibrate(assignment)
        except SQLAlchemyError as error:
            log.warning("recalibration: %s; next time", error)
        except Exception:
            log.exception("the grades of the assignment %s could not be recalibrated", assignment.id)


def recalibrate(assignment: Assignment) -> None:
    from grading import recalibration

    loaded = in_use(assignment)
    changed = 0
    if loaded:
        with session() as db:
            essays = db.scalars(recalibration.earlier(assignment).order_by(Essay.created_at, Essay.id)).all()
        for essay_id in essays:
            with session() as db:
                grading = recalibration.recalibrate(db, essay_id, assignment, loaded)
                db.commit()
                progress.notify(notices.left(db))
            if grading and grading.accepted:
                changed += 1
    with session() as db:
        db.execute(update(Assignment).where(Assignment.id == assignment.id).values(recalibrate=False))
        db.commit()
    log.info("recalibrated %d grades of the assignment %s", changed, assignment.id)


def train(assignment_id: uuid.UUID, *, only_advise: bool = False) -> bool | None:
    """Train one assignment and keep the version; returns whether it is used now. Raises `ValueError` when its marks
    teach nothing. With `only_advise` only the essays that are to be marked next are found: None."""
    from grading import calibrations

    with session() as db:
        assignment = db.get_one(Assignment, assignment_id)
        lesson = calibrations.lesson(db, assignment)
    with session() as db:
        calibrations.suggest(db, assignment, lesson.marked)
        db.commit()
    if only_advise:
        return None
    row = calibrations.train(lesson)
    with session() as db:
        used = calibrations.keep(db, row, lesson.marked)
        db.commit()
    log.info("calibration of %s on %d marks: %s", assignment_id, row.marks, "in use" if used else "kept, not used")
    return used


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other process trains; none begins inside the block. A process that dies lets go of it."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = bool(connection.scalar(select(func.pg_try_advisory_lock(LOCK))))
        try:
            yield mine
        finally:
            if mine:
                connection.execute(select(func.pg_advisory_unlock(LOCK)))


def calibrated(essay: Essay, opinion: Opinion) -> Opinion:
    """The opinion with the points of the calibration in use; as it is where that fails, for no grade is lost to it."""
    assignment, grade = essay.assignment, opinion.grade
    if assignment.calibration_in_use is None or not isinstance(grade, Grade):
        return opinion
    former = patiently(lambda: _former(essay))
    loaded = in_use(assignment)
    if loaded is None:
        return opinion
    try:
        from grading.calibration.sample import Sample

        said = former | {grade.model: tuple(float(criterion["level"]) for criterion in grade.criteria)}
        points, oddity = loaded.judge(Sample(str(essay.id), honest(essay.text), said))
        tolerance = None if assignment.tolerance is None else float(assignment.tolerance)
        made = replace(loaded.yardstick.grade(points, grade.criteria, grade.total, tolerance), oddity=oddity)
    except Exception:
        log.exception("the calibration failed for this essay; it has the rubric's points")
        return opinion
    return replace(opinion, calibrated=made)


def in_use(assignment: Assignment) -> Loaded | None:
    """The version in use; None where there is none for the present rubric, or, with a line in the log, where it cannot
    be read."""
    calibration_id = assignment.calibration_in_use
    if calibration_id is None:
        return None
    try:
        loaded = _loaded(calibration_id)
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.error("the calibration %s is not used: %s", calibration_id, error)
        return None
    return loaded if loaded.rubric_id == assignment.rubric_id else None


@lru_cache(maxsize=32)
def _loaded(calibration_id: uuid.UUID) -> Loaded:
    from grading import calibrations

    with session() as db:
        row = calibrations.whole(db, calibration_id)
    return calibrations.load(row)


def _former(essay: Essay) -> dict[str, tuple[float, ...]]:
    """What other models have said of this essay by the present rubric."""
    from grading.marks import opinions

    with session() as db:
        rubric_id = essay.assignment.rubric_id
        rows = select(Grading).filter_by(essay_id=essay.id, rubric_id=rubric_id).order_by(Grading.created_at)
        return opinions(db.scalars(rows))
