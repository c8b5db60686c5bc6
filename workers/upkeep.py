"""What is done every few seconds so that nothing stays lying: the sweeper."""

from __future__ import annotations

import logging
from collections import defaultdict

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from grading import lifecycle, notices, progress, queues
from grading.costs import budget, ledger, rollup
from models import Essay
from models.session import session
from settings import settings
from workers import asking, budgets, put_off, regrading, webhook
from workers.notify import send_due
from workers.patience import LEASES
from workers.queue import TASK_OF_QUEUE, celery_app, enqueue, messages_waiting

log = logging.getLogger(__name__)


@celery_app.task(name="upkeep.sweep")
def sweep() -> None:
    """Take back what dead workers held, ring for what waits unrung, send what has not been sent, count what is lost."""
    steps = (
        take_back,
        ring_again,
        regrading.ring_again,
        asking.ring_again,
        notice_released,
        put_off.take_up,
        budgets.warn,
        send_due,
        webhook.send_due,
        count_lost,
    )
    for step in steps:
        try:
            step()
        except (SQLAlchemyError, RedisError) as error:
            log.warning("%s: %s; next time", step.__name__, error)
        except Exception:
            log.exception("%s failed; next time", step.__name__)


@celery_app.task(name="upkeep.roll_up")
def roll_up() -> None:
    """Add up what the ledger has more than its sums, a day at a time; what is done stays done."""
    more = True
    while more:
        with session() as db:
            more = rollup.roll_up(db)
            db.commit()


@celery_app.task(name="upkeep.forget")
def forget() -> None:
    """Drop sums that nobody looks at any more; the ledger itself keeps every call."""
    with session() as db:
        rollup.forget(db)
        budget.forget(db)
        db.commit()


def take_back() -> None:
    """Essays whose lease has run out go back to their queue, or fail."""
    with session() as db:
        changed = lifecycle.expire_leases(db, settings().max_attempts)
        db.commit()
        if not changed:
            return
        progress.notify(notices.left(db))
        essays = db.scalars(select(Essay).where(Essay.id.in_(changed))).all()
    for essay in essays:
        log.warning("its worker was lost; now %s", essay.state.value, extra={"essay": str(essay.id)})
        data = {"status": essay.state.value, "queue": essay.queue, "reason": essay.reason}
        progress.announce(essay.id, essay.student_id, "state", data)


def ring_again() -> None:
    """Tell the broker of essays that wait and that it knows nothing of."""
    lost = [queue for queue in TASK_OF_QUEUE if messages_waiting(queue) == 0]
    with session() as db:
        waiting = queues.untold(db, older_than=settings().requeue_after, lost_queues=lost)
        db.commit()
    by_queue = defaultdict(list)
    for essay in waiting:
        by_queue[essay.queue].append(essay.essay_id)
    for queue, essays in by_queue.items():
        log.info("%s: told again of %d essays", queue, len(essays))
        enqueue(queue, essays)


def notice_released() -> None:
    """Tell students of grades that may be seen by now."""
    with session() as db:
        left = notices.leave_released(db)
        db.commit()
    progress.notify(left)


def count_lost() -> None:
    """Calls to a model whose worker died cost what was reserved for them.

    A worker that lives has settled its call by then: a reply takes no longer than its deadline, and writing it down no
    longer than patience lasts.
    """
    longest = settings().grade_deadline + (LEASES + 1) * settings().lease
    with session() as db:
        lost = ledger.mark_lost(db, older_than=longest)
        db.commit()
    if lost:
        log.warning("%d calls to a model never ended; they count with their estimated cost", lost)
