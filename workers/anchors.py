"""The sentinel at work: once a day the anchors of each assignment are graded again, and what came of it is judged."""

from __future__ import annotations

import logging
import uuid

from sqlalchemy.exc import SQLAlchemyError

from grading import anchors, drifts, notices, progress
from models import Assignment
from models.base import now
from models.session import session
from workers import regrading
from workers.queue import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name="upkeep.anchors")
def watch() -> None:
    """Appoint, ask for and judge the anchors of every assignment; comes often, and asks once a day."""
    with session() as db:
        watched = [assignment.id for assignment in anchors.watched(db)]
    for assignment_id in watched:
        try:
            watch_one(assignment_id)
        except SQLAlchemyError as error:
            log.warning("anchors: %s; next time", error)
        except Exception:
            log.exception("the anchors of %s could not be looked at; next time", assignment_id)


def watch_one(assignment_id: uuid.UUID) -> None:
    """One assignment's turn."""
    with session() as db:
        assignment = db.get_one(Assignment, assignment_id)
        appointed = anchors.appoint(db, assignment)
        asked = anchors.ask(db, appointed, now().date(), regrading.queue_of_tier)
        db.commit()  # lets go of the assignment
        drift = drifts.judge(db, assignment)
        db.commit()
        progress.notify(notices.left(db))
    for regrade_id, queue in asked:
        regrading.ring(regrade_id, queue)
    if drift:
        log.warning("the marks of %s have moved by %+.2f levels (p = %.2g)", assignment_id, drift.shift, drift.p_value)
