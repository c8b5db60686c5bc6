"""The queues that essays wait in: which of them the broker is to be told of, and which are paused.

What waits is a row; a message about it only says that it is worth looking. Nothing here changes an essay's state.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from models import Essay, EssayState, Switch, User
from models.base import now

TRIAGE = "triage"
"""The queue of essays that have no route yet."""
BATCHES = "batches"
"""The queue that nobody is told of: whoever makes batches looks there now and then."""


@dataclass(frozen=True)
class Waiting:
    """An essay whose queue is to be told of it."""

    essay_id: uuid.UUID
    queue: str


def untold(session: Session, *, older_than: float, lost_queues: Sequence[str], limit: int = 500) -> list[Waiting]:
    """Essays that wait although no message about them is on its way, oldest first; they count as told from now on.

    Those are the ones the broker could not be told of, and those it was told of more than `older_than` seconds ago in
    a queue where it holds no message any more (`lost_queues`). Paused queues are left alone.
    """
    queue = func.coalesce(Essay.queue, TRIAGE)
    paused = exists().where(Switch.name == func.concat("pause:", queue))
    lost = (Essay.enqueued_at < now() - timedelta(seconds=older_than)) & queue.in_(lost_queues)
    waiting = session.execute(
        select(Essay.id, queue)
        .where(
            Essay.state.in_([EssayState.submitted, EssayState.queued]),
            Essay.enqueued_at.is_(None) | lost,
            queue != BATCHES,
            ~paused,
        )
        .order_by(Essay.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Essay)
    ).all()
    _set_enqueued(session, [essay_id for essay_id, _ in waiting], now())
    return [Waiting(essay_id, name) for essay_id, name in waiting]


def mark_untold(session: Session, essay_ids: Sequence[uuid.UUID]) -> None:
    """The broker could not be told of these essays: the sweeper is to try again."""
    _set_enqueued(session, essay_ids, None)


def _set_enqueued(session: Session, essay_ids: Sequence[uuid.UUID], at: datetime | None) -> None:
    if essay_ids:
        session.execute(
            update(Essay)
            .where(Essay.id.in_(essay_ids))
            .values(enqueued_at=at)
            .execution_options(synchronize_session=False)
        )


def pause_switch(queue: str) -> str:
    """Name of the switch whose row pauses a queue."""
    return f"pause:{queue}"


def pause(session: Session, queue: str, actor: User) -> None:
    """From the commit on nothing of that queue is claimed; what is being graded is finished."""
    switch = {"name": pause_switch(queue), "actor": actor.email}
    session.execute(upsert(Switch).values(switch).on_conflict_do_nothing())


def is_paused(session: Session, queue: str) -> bool:
    return session.get(Switch, pause_switch(queue)) is not None


def resume(session: Session, queue: str) -> None:
    """Let the queue go on. Messages that came in the meantime are gone; everything waiting counts as untold."""
    switch = session.get(Switch, pause_switch(queue))
    if switch is None:
        return
    session.delete(switch)
    session.execute(
        update(Essay)
        .where(Essay.state.in_([EssayState.submitted, EssayState.queued]), func.coalesce(Essay.queue, TRIAGE) == queue)
        .values(enqueued_at=None)
        .execution_options(synchronize_session=False)
    )
