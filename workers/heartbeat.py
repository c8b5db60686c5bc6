"""Which workers live, and whether they still take what waits for them."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from redis.exceptions import RedisError

from grading.progress import connection
from settings import settings
from workers.queue import QUEUES, messages_waiting

log = logging.getLogger(__name__)

PREFIX = "pizhu:worker:"
INTERVAL = 5.0
LIFE = 15
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
        self._taken = 0
        self._idle_since: float | None = None

    def is_stalled(self, *, waiting: bool, busy: bool, taken: int, at: float) -> bool:
        """Look at one moment: whether messages wait and all hands are busy, and how many were taken since the start."""
        took, self._taken = taken > self._taken, taken
        if took or busy or not waiting:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = at
        return self._idle_since is not None and at - self._idle_since >= self._patience


class Heartbeat:
    """Says every few seconds that this worker lives, and ends it when it has stalled."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._queues = list(worker.app.amqp.queues.consume_from)
        name = f"{socket.gethostname()}:{os.getpid()}"
        self._keys = [f"{PREFIX}{queue}:{name}" for queue in self._queues]
        self._watch = Watch(settings().stall_exit)
        self._over = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Say that this worker lives no more."""
        self._over.set()
        try:
            connection().delete(*self._keys)
        except RedisError as error:
            log.warning("this worker counts as alive for %d s more: %s", LIFE, error)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._beat()
            except RedisError as error:
                log.warning("no heartbeat: %s", error)
            self._over.wait(INTERVAL)

    def _beat(self) -> None:
        with connection().pipeline(transaction=False) as pipe:
            for key in self._keys:
                pipe.set(key, int(time.time()), ex=LIFE)
            pipe.execute()
        state = self._worker.state
        stalled = self._watch.is_stalled(
            waiting=any(messages_waiting(queue) for queue in self._queues),
            busy=len(state.active_requests) >= self._worker.concurrency,
            taken=state.all_total_count[0],
            at=time.monotonic(),
        )
        if stalled:
            log.critical("messages wait in %s and this worker takes none; it ends itself", ", ".join(self._queues))
            os._exit(STALLED)


@worker_ready.connect
def start(sender: Any, **_: Any) -> None:
    """Begin to beat as soon as the worker consumes."""
    heartbeat = Heartbeat(sender.controller)
    heartbeat.start()
    worker_shutdown.connect(lambda **_: heartbeat.stop(), weak=False)
