"""Words that an essay shares with another student's: looked for in the background, a few seconds after it came.

A task of the upkeep queue. It looks for what has not been done, so nobody need ring it, and a crash loses nothing.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from grading import notices, progress
from grading.copies import search
from models.session import session
from workers.queue import COPIES_INTERVAL, celery_app

log = logging.getLogger(__name__)

AT_A_TIME = 200
"""Essays that are looked up at once."""
LONGEST = COPIES_INTERVAL / 2
"""Seconds after which the rest waits for the next turn, so that upkeep gets to its other work."""


@celery_app.task(name="upkeep.copies")
def look_for_copies() -> None:
    """Sign what is not signed, then compare what is not compared. Doing it twice at once does no harm."""
    until = time.monotonic() + LONGEST
    for find, step in ((search.unsigned, search.sign), (search.uncompared, search.compare)):
        while essays := _found(find):
            for essay_id in essays:
                if time.monotonic() > until:
                    return
                _do(step, essay_id)


def _found(find: Callable[[Session, int], list[uuid.UUID]]) -> list[uuid.UUID]:
    with session() as db:
        return find(db, AT_A_TIME)


def _do(step: Callable[[Session, uuid.UUID], object], essay_id: uuid.UUID) -> None:
    with session() as db:
        try:
            step(db, essay_id)
        except SQLAlchemyError:
            raise  # the database, not the essay: next time
        except Exception:  # one essay must not keep all others from being compared
            log.exception("essay %s cannot be compared", essay_id)
            db.rollback()
            search.give_up(db, essay_id)
        db.commit()
        progress.notify(notices.left(db))
