"""What the queues hold: for a student the place in the line, for ops the whole of it."""

from __future__ import annotations

from redis.exceptions import RedisError
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from app.extensions import db
from app.problems import Problem
from grading import queues
from models import Essay, EssayState, Switch, User
from models.base import now
from settings import settings
from workers.heartbeat import live_workers
from workers.queue import QUEUES, TASK_OF_QUEUE, messages_waiting

ESSAY_QUEUES = (*TASK_OF_QUEUE, queues.BATCHES)
"""The queues that essays wait in; only these can be paused."""

WAITING = (EssayState.submitted, EssayState.queued)


class QueueView(TypedDict):
    """One queue. None stands for what does not apply or cannot be known while the broker is down."""

    name: str
    depth: int | None
    oldest_wait_s: float | None
    in_flight: int | None
    paused: bool
    paused_by: str | None
    workers: int | None
    messages: int | None


def queue_of(essay: Essay) -> str | None:
    """The queue that the essay is in; None once it is in none."""
    if essay.state is EssayState.submitted:
        return queues.TRIAGE
    return None if essay.state.is_final else essay.queue


def position(db: Session, essay: Essay) -> int | None:
    """How many essays are ahead of it in its queue; None when it does not wait."""
    if essay.state is EssayState.submitted:
        ahead = tuple_(Essay.created_at, Essay.id) < (essay.created_at, essay.id)
    elif essay.state is EssayState.queued:
        ahead = (Essay.queue == essay.queue) & (tuple_(Essay.queued_at, Essay.id) < (essay.queued_at, essay.id))
    else:
        return None
    return db.scalar(select(func.count()).where(Essay.state == essay.state, ahead))


def overview(db: Session) -> list[QueueView]:
    """Every queue, in the order in which an essay meets them."""
    queue = func.coalesce(Essay.queue, queues.TRIAGE)
    waits = Essay.state.in_(WAITING)
    counts = {
        name: (depth, oldest, in_flight)
        for name, depth, oldest, in_flight in db.execute(
            select(
                queue,
                func.count().filter(waits),
                func.min(func.coalesce(Essay.queued_at, Essay.created_at)).filter(waits),
                func.count().filter(Essay.state == EssayState.grading),
            )
            .where(Essay.state.in_([*WAITING, EssayState.grading]))
            .group_by(queue)
        )
    }
    paused = {name: actor for name, actor in db.execute(select(Switch.name, Switch.actor))}  # noqa: C416 -- not rows
    workers, messages = _broker()
    views = []
    idle = settings().idle_queues
    for name in QUEUES:
        if name in idle and name not in counts:
            continue  # there is no such model, and so nobody's business
        depth, oldest, in_flight = counts.get(name, (0, None, 0))
        holds_essays = name in ESSAY_QUEUES
        switch = queues.pause_switch(name)
        views.append(
            QueueView(
                name=name,
                depth=depth if holds_essays else None,
                oldest_wait_s=round((now() - oldest).total_seconds(), 1) if oldest else None,
                in_flight=in_flight if holds_essays else None,
                paused=switch in paused,
                paused_by=paused.get(switch),
                workers=workers.get(name),
                messages=messages.get(name),
            )
        )
    return views


def _broker() -> tuple[dict[str, int], dict[str, int]]:
    """Live workers and waiting messages by queue; nothing when the broker is down."""
    try:
        return live_workers(), {name: messages_waiting(name) for name in QUEUES}
    except RedisError:
        return {}, {}


def pause(name: str, actor: User) -> None:
    """Have nothing more taken from a queue until it is resumed."""
    _check_queue(name)
    queues.pause(db(), name, actor)
    db().commit()


def resume(name: str) -> None:
    """Let a queue go on; the sweeper tells its workers within seconds of what waits."""
    _check_queue(name)
    queues.resume(db(), name)
    db().commit()


def _check_queue(name: str) -> None:
    if name not in ESSAY_QUEUES:
        raise Problem(404, detail=f"No essay waits in a queue of that name; there are {' and '.join(ESSAY_QUEUES)}.")
