"""Tells triage of new essays, beside the requests: a broker that is slow or down holds up no student.

What rings here may be lost with the process. The rows are there, so the sweeper rings for them.
"""

from __future__ import annotations

import logging
import threading
import uuid
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue

from grading.queues import TRIAGE
from workers.queue import enqueue

log = logging.getLogger(__name__)

_waiting: SimpleQueue[uuid.UUID] = SimpleQueue()


def ring(essay_id: uuid.UUID) -> None:
    """Have triage told of a committed essay, soon."""
    _waiting.put(essay_id)
    _ringer()


@cache
def _ringer() -> threading.Thread:
    """Started with the first essay, so in the process that serves and not in one that it was forked from."""
    thread = threading.Thread(target=_ring_for_ever, name="doorbell", daemon=True)
    thread.start()
    return thread


def _ring_for_ever() -> None:
    while True:
        essays = [_waiting.get()]
        with suppress(Empty):
            while True:
                essays.append(_waiting.get_nowait())
        try:
            enqueue(TRIAGE, essays)
        except Exception:  # whatever it is, the next essays are not to blame
            log.exception("triage was not told of %d essays", len(essays))
