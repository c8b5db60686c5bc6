"""Triage: where does this essay go?"""

from __future__ import annotations

import logging
import uuid

from grading import complexity, lifecycle, notices, progress, queues, routing
from grading.complexity import Complexity
from grading.routing import Route
from models import Essay, EssayState
from models.session import session
from workers import log as logs
from workers import resubmission
from workers.facts import facts
from workers.patience import patiently
from workers.queue import celery_app, enqueue

log = logging.getLogger(__name__)


@celery_app.task(name="triage.triage")
def triage(*essay_ids: str) -> None:
    """Put submitted essays in the queues of their routes, or before a teacher. Doing it twice does nothing."""
    for essay_id in essay_ids:
        with logs.about(essay=essay_id):
            send_on(uuid.UUID(essay_id))


def send_on(essay_id: uuid.UUID) -> None:
    """Route one essay, unless it has its grade already, and tell those whom it concerns."""
    if patiently(lambda: resubmission.serve(essay_id)):
        return
    moved = patiently(lambda: move(essay_id))
    if moved is None:
        return
    student_id, route = moved
    log.info("%s: %s", route.tier, route.reason)
    state = EssayState.queued if route.queue else EssayState.needs_review
    data = {"status": state.value, "queue": route.queue, "reason": route.reason}
    progress.announce(essay_id, student_id, "state", data)
    if route.queue:
        enqueue(route.queue, [essay_id])


def move(essay_id: uuid.UUID) -> tuple[uuid.UUID, Route] | None:
    """Route the essay; returns whose it is and where it went, or None when it does not wait for a route any more."""
    with session() as db:
        essay = db.get(Essay, essay_id)
        if essay is None or essay.state is not EssayState.submitted or queues.is_paused(db, queues.TRIAGE):
            return None
        db.commit()  # nothing is written yet; it gives the connection back while the text is measured
        complexity = measured(essay.text)
        route = routing.route(facts(db, essay, complexity))
        if route.queue:
            moved = lifecycle.put_in_queue(db, essay_id, route)
        else:
            moved = lifecycle.give_to_teacher(db, essay_id, route.reason, route=route)
        student_id = essay.student_id
        db.commit()
        progress.notify(notices.left(db))
        return (student_id, route) if moved else None


def measured(text: str) -> Complexity | None:
    """The complexity of the text; None, and a line in the log, where measuring fails: no essay waits for that."""
    try:
        return complexity.measure(text)
    except Exception:
        log.exception("The complexity of this essay could not be measured; it is routed without.")
        return None
