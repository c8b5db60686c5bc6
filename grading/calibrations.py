"""The versions of an assignment's calibration: when one is due, how it is trained, kept, taken into use and read again.

A version is trained at 20, 50 and 100 marks, and then whenever there are a quarter more. It takes the place of what was
in use (a version before it, or the rubric's points alone) only when it is no worse on the marks there are now: each
essay's points by a model that had not seen its mark, beside the rival's points of the same essay, which its rival had
not learned from either; so the two mean errors are of the same essays and both are honest. Else it is kept, not used.

What is read back is a program's memory, so it is signed: a row that somebody changed is refused, and one that another
scikit-learn wrote is trained anew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib.metadata import version as version_of
from typing import Any

import numpy as np
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from grading import marks
from grading.calibrated import Yardstick
from grading.calibration.calibrator import Calibrator, fit
from grading.calibration.marking import to_mark
from grading.calibration.oddity import Oddity
from grading.calibration.prior import Prior
from grading.calibration.sample import Labelled, Sample
from grading.marks import Marked
from grading.stages import GROWTH, STAGES, next_stage
from models import Assignment, Calibration, Essay, EssayState, Grading
from models.base import now
from settings import settings

ENOUGH_FOR_PRIOR = 10
"""Marks from which on another assignment teaches something."""
SUGGESTED = 10
"""Essays that are named to the teacher at a time."""
RECENT = timedelta(days=90)
"""An assignment that nobody has written for so long is left alone."""


class Unusable(Exception):
    """A calibration that cannot be read; the message says why."""


def due(session: Session) -> list[uuid.UUID]:
    """Assignments that are to be trained now, those with most marks first; marks all the same teach nothing."""
    trained = (
        select(Calibration.rubric_id, func.max(Calibration.marks)).group_by(Calibration.rubric_id).subquery("trained")
    )
    rows = session.execute(
        marks.counts()
        .add_columns(func.max(trained.c[1]))
        .outerjoin(trained, trained.c.rubric_id == Assignment.rubric_id)
        .having(STAGES[0] <= marks.COUNT, func.count(Grading.total.distinct()) > 1)
        .order_by(marks.COUNT.desc())
    ).all()
    unreadable = {row.assignment_id for row in _in_use(session) if _why_unusable(row)}
    return [key for key, count, last in rows if count >= next_stage(last or 0) or key in unreadable]


def suggest(session: Session, assignment: Assignment, marked: Marked) -> None:
    """Keep which essays the teacher should mark next. The caller commits."""
    chosen = to_mark(list(marked.samples.values()), set(marked.marks), SUGGESTED, marked.language)
    made = {"essays": chosen, "of": len(marked.samples), "marks": len(marked.marks)}
    session.execute(update(Assignment).where(Assignment.id == assignment.id).values(to_mark=made))


def unadvised(session: Session, at_least: int = STAGES[0]) -> list[uuid.UUID]:
    """Assignments with so many essays whose teacher is to be told anew which to mark: they have a quarter more essays,
    or half of what was suggested is marked."""
    marked = marks.counts().subquery("marked")
    rows = session.execute(
        select(Assignment.id, func.count(Essay.id), func.max(marked.c[1]), Assignment.to_mark)
        .join(Essay, Essay.assignment_id == Assignment.id)
        .outerjoin(marked, marked.c.id == Assignment.id)
        .where(Essay.state != EssayState.cancelled, Essay.created_at > now() - RECENT)
        .group_by(Assignment.id)
        .having(func.count(Essay.id) >= at_least)
    )
    return [key for key, essays, done, said in rows if not said or _stale(said, essays, done or 0)]


def _stale(said: Mapping[str, Any], essays: int, done: int) -> bool:
    return bool(essays >= GROWTH * said["of"] or done >= said["marks"] + SUGGESTED // 2)


@dataclass(frozen=True)
class Lesson:
    """What a version is trained on; read at once, so that no connection is held while it is trained."""

    marked: Marked
    others: list[Labelled]


def lesson(session: Session, assignment: Assignment) -> Lesson:
    return Lesson(marks.marked(session, assignment), marks.others(session, assignment, ENOUGH_FOR_PRIOR))


def train(lesson: Lesson) -> Calibration:
    """A version that is not stored yet, after some seconds. Raises `ValueError` where the marks teach nothing."""
    labelled, marked = lesson.marked.labelled, lesson.marked
    if len(set(labelled.marks)) < 2:
        raise ValueError("every mark is the same")
    prior = Prior.learn(lesson.others) if lesson.others else None
    found = fit(labelled, prior)
    foretold = found.predict(labelled.unmarked)
    seen = zip(labelled.samples, labelled.marks, found.out_of_fold, strict=True)
    row = Calibration(
        id=uuid.uuid4(),
        assignment_id=marked.assignment_id,
        rubric_id=marked.rubric_id,
        version=found.version,
        marks=found.marks,
        dump=found.dump(),
        library=_library(),
        scale=asdict(marked.scale),
        quality=found.quality and {"qwk": found.quality.qwk, "mean_error": found.quality.mean_error},
        graders=dict(found.graders),
        evidence=[{"essay": sample.id, "mark": mark, "predicted": _rounded(points)} for sample, mark, points in seen],
        predictions={sample.id: _rounded(points) for sample, points in zip(labelled.unmarked, foretold, strict=True)},
    )
    row.digest = _digest(row)
    row.signature = _signature(row)
    return row


def keep(session: Session, row: Calibration, marked: Marked) -> bool:
    """Store a version and take it into use if it is no worse than what is in use; returns whether it was.

    The caller commits. Of an assignment that has another rubric by now it is kept only.
    """
    assignment = session.get_one(Assignment, row.assignment_id, with_for_update=True, populate_existing=True)
    row.comparison = _comparison(session, assignment, row, marked)
    session.add(row)
    session.flush()
    if row.comparison["used"]:
        assignment.calibration_id = row.id
    return bool(row.comparison["used"])


def _comparison(session: Session, assignment: Assignment, row: Calibration, marked: Marked) -> dict[str, Any]:
    points = {item["essay"]: item["predicted"] for item in row.evidence}
    rival, rivals = _rival(session, assignment, marked)
    both = [essay for essay in points if essay in rivals]
    error, rival_error = (
        float(np.mean([abs(given[essay] - marked.marks[essay]) for essay in both])) if both else None
        for given in (points, rivals)
    )
    no_worse = error is None or rival_error is None or error <= rival_error
    return {
        "used": no_worse and assignment.rubric_id == row.rubric_id,
        "rival": rival,
        "essays": len(both),
        "error": error,
        "rival_error": rival_error,
    }


def _rival(session: Session, assignment: Assignment, marked: Marked) -> tuple[str, Mapping[str, float]]:
    """What is in use now, and its points of the marked essays, none of them learned from the essay's own mark."""
    in_use = whole(session, assignment.calibration_id) if assignment.calibration_id else None
    if not in_use or in_use.rubric_id != marked.rubric_id:
        return "rubric", marked.rubric_points
    try:
        loaded = load(in_use)
    except Unusable:
        return "none", {}
    seen = {item["essay"]: item["predicted"] for item in in_use.evidence}
    new = [sample for essay, sample in marked.samples.items() if essay in marked.marks and essay not in seen]
    foretold = loaded.calibrator.predict(new)
    return str(in_use.id), seen | {sample.id: float(p) for sample, p in zip(new, foretold, strict=True)}


# --- reading one again -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loaded:
    """A version that is ready to be used."""

    rubric_id: uuid.UUID
    calibrator: Calibrator
    yardstick: Yardstick

    def judge(self, sample: Sample) -> tuple[float, Oddity | None]:
        """Points of one essay, not rounded, and what is odd about it. Raises whatever scikit-learn does."""
        [points], [oddity] = self.calibrator.judge([sample])
        return float(points), oddity


def load(row: Calibration) -> Loaded:
    """The version as it was stored. Raises `Unusable` when it was changed, or cannot be read by this library."""
    if why := _why_unusable(row):
        raise Unusable(why)
    if not hmac.compare_digest(row.digest, _digest(row)):
        raise Unusable("somebody changed it after it was stored")
    try:
        return Loaded(row.rubric_id, Calibrator.load(row.dump), Yardstick.of(row))
    except Exception as error:
        raise Unusable(f"it cannot be read: {error}") from error


def whole(session: Session, calibration_id: uuid.UUID) -> Calibration:
    """The row with all that is read only when it is used."""
    return session.get_one(Calibration, calibration_id, options=_WHOLE)


_WHOLE = [undefer(Calibration.dump), undefer(Calibration.evidence), undefer(Calibration.predictions)]


def _in_use(session: Session) -> list[Calibration]:
    return list(session.scalars(select(Calibration).join(Assignment, Assignment.calibration_id == Calibration.id)))


def _why_unusable(row: Calibration) -> str | None:
    """What can be said without reading the dump."""
    if row.library != _library():
        return f"scikit-learn {row.library} wrote it, and here is {_library()}"
    if not hmac.compare_digest(row.signature, _signature(row)):
        return "its signature is not this installation's"
    return None


def _library() -> str:
    return version_of("scikit-learn")


def _digest(row: Calibration) -> str:
    """SHA-256 of what makes the points."""
    return hashlib.sha256(row.dump + _canonical([row.evidence, row.predictions])).hexdigest()


def _signature(row: Calibration) -> str:
    signed = [str(row.assignment_id), str(row.rubric_id), row.version, row.library, row.scale, row.digest]
    return hmac.new(settings().secret_key.get_secret_value().encode(), _canonical(signed), hashlib.sha256).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _rounded(points: float) -> float:
    return round(float(points), 4)
