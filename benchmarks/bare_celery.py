"""Two tasks that do nothing, one after the other: the least that two hops can cost, for `benchmarks.pipeline`."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu import Queue

from workers.queue import configuration

KEY_PREFIX = "bare:"
QUEUES = ("first", "second")


def _configuration() -> dict[str, Any]:
    """The same as Pizhu's, with queues of its own."""
    ours = configuration()
    transport = ours["broker_transport_options"] | {"global_keyprefix": KEY_PREFIX}
    return ours | {
        "task_queues": [Queue(name, routing_key=name) for name in QUEUES],
        "task_default_queue": "first",
        "task_routes": {f"{name}.*": {"queue": name} for name in QUEUES},
        "imports": [],
        "beat_schedule": {},
        "broker_transport_options": transport,
    }


app = Celery("bare")
app.add_defaults(_configuration)


@app.task(name="first.hop")
def first(number: str) -> None:
    app.send_task("second.hop", args=[number])


@app.task(name="second.hop")
def second(number: str) -> None:
    pass
