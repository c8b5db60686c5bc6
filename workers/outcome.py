"""How a claim ends: with a grade, before a teacher, or given back. Each is committed first and then told."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from grading import lifecycle, progress
from grading.grader import Grade
from grading.lifecycle import Claim
from models import Essay, EssayState, Grading, Source
from models.session import session
from workers.patience import patiently

log = logging.getLogger(__name__)


def finish(claim: Claim, essay: Essay, result: Grade) -> None:
    """Store the grade and tell the student, unless the claim was lost in the meantime.

    A finished grade outlives a restart of Postgres.
    """
    grading_id = uuid.uuid4()
    values = _columns(result) | {"rubric_id": essay.assignment.rubric_id, "source": Source.local}

    def store() -> bool:
        with session() as db:
            if lifecycle.complete(db, claim, Grading(id=grading_id, **values)):
                db.commit()
                progress.notify(lifecycle.notices_left(db))
                return True
            # A commit before this one may have taken effect although its answer was lost.
            return db.get(Grading, grading_id) is not None

    if not patiently(store):
        log.info("the grade came too late and is dropped")
        return
    log.info("graded by %s, attempt %d", result.model, claim.attempts)
    data = {"status": EssayState.graded.value, "grading_id": str(grading_id)}
    progress.announce(claim.essay_id, essay.student_id, "graded", data)


def give_up(claim: Claim, essay: Essay, reason: str) -> None:
    """No model could: a teacher grades it."""

    def store() -> bool:
        with session() as db:
            if lifecycle.give_to_teacher(db, claim.essay_id, reason, claim):
                db.commit()
                progress.notify(lifecycle.notices_left(db))
                return True
            return db.get_one(Essay, claim.essay_id).state is EssayState.needs_review

    if patiently(store):
        log.info("before a teacher: %s", reason)
        data = {"status": EssayState.needs_review.value, "reason": reason}
        progress.announce(claim.essay_id, essay.student_id, "state", data)


def give_back(claim: Claim, essay: Essay) -> None:
    """Let another worker grade it; nothing happens when it was cancelled or taken away."""
    try:
        with session() as db:
            released = lifecycle.release(db, claim, "the worker was stopped")
            db.commit()
    except SQLAlchemyError as error:
        log.warning("not given back, the lease will run out: %s", error)
        return
    if released:
        data = {"status": EssayState.queued.value, "queue": essay.queue}
        progress.announce(claim.essay_id, essay.student_id, "state", data)


def _columns(result: Grade) -> dict[str, Any]:
    """The grade as columns of `Grading`; what a call took goes into `usage`."""
    values = result.to_json() | {"total": result.total, "max": result.max}
    for name in ("first_token_s", "attempts", "dropped_quotes"):
        values["usage"][name] = values.pop(name)
    return values
