"""Which workers live, and whether they still take what waits for them."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from typing import Any

from celery.signals import task_prerun, worker_ready
from redis.exceptions import RedisError

from grading.progress import connection
from settings import settings
from workers.queue import QUEUES, messages_waiting

log = logging.getLogger(__name__)

PREFIX = "pizhu:worker:"
INTERVAL = 5.0
LIFE = 20
"""Seconds after which a silent worker counts as dead."""
STALLED = 71
"""Exit status of a worker that takes nothing although messages wait."""


def live_workers() -> dict[str, int]:
    """Live workers of each queue. Raises `redis.RedisError` when the broker is down."""
    keys = connection().scan_iter(match=f"{PREFIX}*", count=500)
    found = Counter(key.removeprefix(PREFIX).split(":", 1)[0] for key in keys)
    return {queue: found[queue] for queue in QUEUES}


class Watch:
    """Whether a worker still takes messages.

    A Celery worker can outlive a restart of its broker without consuming any more (celery/celery#8030), so being up
    proves nothing: the sign of life is that it takes something while something waits and it has a free hand.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._idle_since: float | None = None

    def is_stalled(self, *, waiting: bool, busy: bool, took: bool, at: float) -> bool:
        """Report of one moment: messages wait, all hands are busy, something was taken since the last report."""
        if took or busy or not waiting:
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = at
        return at - self._idle_since >= self._patience


class _Tasks:
    def __init__(self) -> None:
        self.taken = 0


_tasks = _Tasks()


@task_prerun.connect
def _count(**_: Any) -> None:
    _tasks.taken += 1


@worker_ready.connect
def start(sender: Any, **_: Any) -> None:
    """Begin to beat as soon as the worker consumes."""
    queues = list(sender.app.amqp.queues.consume_from)
    threading.Thread(target=_beat, args=(queues, sender.controller), name="heartbeat", daemon=True).start()


def _beat(queues: list[str], worker: Any) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    watch, seen, pause = Watch(settings().stall_exit), 0, threading.Event()
    while True:
        try:
            with connection().pipeline(transaction=False) as pipe:
                for queue in queues:
                    pipe.set(f"{PREFIX}{queue}:{name}", int(time.time()), ex=LIFE)
                pipe.execute()
            taken, seen = _tasks.taken - seen, _tasks.taken
            stalled = watch.is_stalled(
                waiting=any(messages_waiting(queue) for queue in queues),
                busy=len(worker.state.active_requests) >= worker.concurrency,
                took=taken > 0,
                at=time.monotonic(),
            )
            if stalled:
                log.critical("messages wait in %s and this worker takes none; ending it", ", ".join(queues))
                os._exit(STALLED)
        except RedisError as error:
            log.warning("no heartbeat: %s", error)
        pause.wait(INTERVAL)
