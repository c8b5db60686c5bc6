"""An essay that was handed in and graded before, word for word, is graded the moment it comes."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from grading import lifecycle, notices, progress, queues, resubmission, routing
from grading.costs import savings
from models import Assignment, Essay, EssayState, Grading
from models.session import session
from settings import settings
from workers.conditions import conditions
from workers.facts import facts
from workers.turn import task_of

log = logging.getLogger(__name__)


def serve(essay_id: uuid.UUID) -> bool:
    """Give the essay the grade that its student's same words have already; False where none still holds."""
    with session() as db:
        essay = db.get(Essay, essay_id)
        if essay is None or essay.state is not EssayState.submitted or queues.is_paused(db, queues.TRIAGE):
            return False
        # Whoever changes the assignment waits until this grade is written, or is seen here.
        db.get(Assignment, essay.assignment_id, with_for_update={"read": True}, populate_existing=True)
        secret = settings().secret_key.get_secret_value()
        known = resubmission.repeatable(
            db, essay, task_of(essay.assignment), secret, partial(_made_with_now, db, essay)
        )
        grading = known and lifecycle.repeat(db, essay_id, resubmission.repeated(known))
        if not grading:
            return False
        student_id, grading_id = essay.student_id, grading.id
        savings.record_repeat(db, essay, grading)
        db.commit()
        progress.notify(notices.left(db))
    log.info("graded before in the same words")
    data = {"status": EssayState.graded.value, "grading_id": str(grading_id)}
    progress.announce(essay_id, student_id, "graded", data)
    return True


def _made_with_now(db: Session, essay: Essay, grading: Grading) -> Mapping[str, Any] | None:
    """What a grade by the tier of that grading would be made with now; None where its model is not asked any more, or
    where a better one could be asked by now."""
    tier = next((tier for tier in settings().present_tiers if tier.name == grading.tier), None)
    if tier is None or (tier.engine == "openai" and tier.model != grading.model):
        return None
    known = facts(db, essay)
    if grading.calibration_id is None:
        known = replace(known, tolerance=None)
    if routing.next_route(known, tier.name, grading.confidence or 0.0):
        return None
    return conditions(essay.assignment, tier.name)
