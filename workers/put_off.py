"""Essays that were put before a teacher only because there was no money for a model are graded once there is.

Saving mode is over, or a budget has a new day, month or limit: nobody tells of all that, so the sweeper looks. An essay
that finds the door closed again goes back to its teacher.
"""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from grading import lifecycle, progress, queues, saving
from grading.costs.budget import why_spent_each
from grading.lifecycle import PutOff
from models import EssayState
from models.session import session
from workers.queue import enqueue

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Essays in a turn, so that few have come for nothing when a budget is spent again."""


def take_up() -> None:
    """Send those on that can be paid for, the oldest first; a step of the sweeper."""
    with session() as db:
        found = affordable(db, lifecycle.put_off(db))[:AT_ONCE]
        moved = [one for one in found if lifecycle.take_up(db, one.essay_id)]
        db.commit()
    if not moved:
        return
    log.info("there is money again for %d essays that had been put off", len(moved))
    for one in moved:
        progress.announce(one.essay_id, one.student_id, "state", {"status": EssayState.submitted.value})
    enqueue(queues.TRIAGE, [one.essay_id for one in moved])


def affordable(db: Session, waiting: list[PutOff]) -> list[PutOff]:
    """Those of them for whose class and student neither saving mode nor a budget closes anything now."""
    closed = {class_id: saving.closes(db, class_id) for class_id in {one.class_id for one in waiting}}
    open_ = [one for one in waiting if not closed[one.class_id]]
    spent = why_spent_each(db, [(one.class_id, one.student_id) for one in open_])
    return [one for one, why in zip(open_, spent, strict=True) if why is None]
