"""Triage: where does this essay go?"""

from __future__ import annotations

import uuid

from grading import lifecycle, progress, routing
from models import Essay, EssayState
from models.session import session
from settings import settings
from workers.queue import celery_app, enqueue


@celery_app.task(name="triage.triage")
def triage(essay_id: str) -> None:
    """Put a submitted essay in the queue of its route, or before a teacher. Doing it twice does nothing."""
    key = uuid.UUID(essay_id)
    with session() as db:
        essay = db.get(Essay, key)
        if essay is None or essay.state is not EssayState.submitted:
            return
        facts = routing.Facts(
            characters=len(essay.text), local_model=settings().local_model if settings().has_local_model else None
        )
        route = routing.route(facts)
        if route.queue:
            moved = lifecycle.put_in_queue(db, key, route)
        else:
            moved = lifecycle.give_to_teacher(db, key, route.reason)
        student_id = essay.student_id
        db.commit()
    if not moved:
        return
    state = EssayState.queued if route.queue else EssayState.needs_review
    progress.announce(key, student_id, "state", {"status": state.value, "queue": route.queue, "reason": route.reason})
    if route.queue:
        enqueue(route.queue, [key])
