"""The Celery app: queues, settings, schedule, and how a queue is told of an essay.

Postgres is the truth and the broker only the doorbell: a message carries ids of essays and nothing else, a task looks
at the row before it does anything, and a message that is lost, doubled or late changes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from celery import Celery, signals
from kombu import Queue
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from grading import queues
from grading.progress import connection
from models.session import session
from settings import settings
from workers import log as logs

log = logging.getLogger(__name__)

KEY_PREFIX = "pizhu:celery:"
QUEUES = ("triage", "local", "openai", "batches", "upkeep", "notify")
MORE_TASKS = ("heartbeat", "calibrating", "anchors", "spending", "webhook", "copies")
"""Modules that have tasks, or do something for workers, beside that of each queue."""
TASK_OF_QUEUE = {"triage": "triage.triage", "local": "local.grade", "openai": "openai.grade"}
BATCH_INTERVAL = 30.0
"""Seconds between two looks at who waits for a batch, and at the batches."""
TRAIN_INTERVAL = 60.0
"""Seconds between two looks for assignments with enough new marks."""
ROLL_UP_INTERVAL = 60.0
"""Seconds between two looks at what of the ledger is to be added up."""
FORGET_INTERVAL = 3600.0
"""Seconds between two looks for sums that are not kept any longer."""
ANCHOR_INTERVAL = 900.0
"""Seconds between two looks at the anchors, whose grades are wanted once a day and judged when they are there."""
WATCH_INTERVAL = 30.0
"""Seconds between two looks at what is spent."""
COPIES_INTERVAL = 20.0
"""Seconds between two looks for essays that have not been compared with others yet."""
LATER = 9
"""Priority of what nobody sits and waits for: essays and regrades at a grader. What is sent without one goes before
it, so that a question is next as soon as a hand is free, however many essays wait."""
MESSAGE_SIZE = {"triage": 20, "local": 1, "openai": 1}
"""Most essays that one message tells of: triage is quick with each, while a grader's free hand takes just one."""


def configuration() -> dict[str, Any]:
    """Celery's settings; read when the first connection is made, not when this module is imported."""
    return {
        "broker_url": settings().redis_url,
        "task_queues": [Queue(name, routing_key=name) for name in QUEUES],
        "task_default_queue": "upkeep",
        "task_create_missing_queues": False,
        "task_routes": {f"{name}.*": {"queue": name} for name in QUEUES},
        "imports": [f"workers.{name}" for name in (*QUEUES, *MORE_TASKS)],
        # All that tasks do is wait for others, and the local ones share one engine.
        "worker_pool": "threads",
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # With a result backend, sending blocks for 19 s while the broker is down; the state lives in Postgres anyway.
        "task_ignore_result": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            # Never renewed while a task runs, so it must exceed every task; recovery is by lease, not by redelivery.
            "visibility_timeout": 900,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "global_keyprefix": KEY_PREFIX,
            "socket_timeout": 10,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
        "task_publish_retry": True,
        "task_publish_retry_policy": {
            "max_retries": 2,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.2,
        },
        "worker_hijack_root_logger": False,
        "beat_schedule": {
            "sweep": {
                "task": "upkeep.sweep",
                "schedule": settings().sweep_interval,
                "options": {"expires": settings().sweep_interval},
            },
            "calibrate": {
                "task": "upkeep.calibrate",
                "schedule": TRAIN_INTERVAL,
                "options": {"expires": TRAIN_INTERVAL},
            },
            "roll_up": {
                "task": "upkeep.roll_up",
                "schedule": ROLL_UP_INTERVAL,
                "options": {"expires": ROLL_UP_INTERVAL},
            },
            "forget": {"task": "upkeep.forget", "schedule": FORGET_INTERVAL, "options": {"expires": FORGET_INTERVAL}},
            "anchors": {
                "task": "upkeep.anchors",
                "schedule": ANCHOR_INTERVAL,
                "options": {"expires": ANCHOR_INTERVAL},
            },
            "spending": {
                "task": "upkeep.watch_spending",
                "schedule": WATCH_INTERVAL,
                "options": {"expires": WATCH_INTERVAL},
            },
            "copies": {"task": "upkeep.copies", "schedule": COPIES_INTERVAL, "options": {"expires": COPIES_INTERVAL}},
            "batches": {"task": "batches.turn", "schedule": BATCH_INTERVAL, "options": {"expires": BATCH_INTERVAL}},
        },
        "beat_schedule_filename": str(settings().home / "run" / "beat"),
        "timezone": "UTC",
    }


celery_app = Celery("pizhu")
celery_app.add_defaults(configuration)


@signals.setup_logging.connect
def _set_up_logging(loglevel: int, **_: Any) -> None:
    logs.configure(loglevel)


def enqueue(queue: str, essay_ids: Sequence[uuid.UUID]) -> bool:
    """Tell a queue of these essays. Call it after the commit that put them there.

    False when the broker is down: then the rows say so, and the sweeper tells it later.
    """
    if queue == queues.BATCHES:
        return True  # whoever makes batches looks for them by himself
    try:
        for start in range(0, len(essay_ids), MESSAGE_SIZE[queue]):
            some = [str(essay_id) for essay_id in essay_ids[start : start + MESSAGE_SIZE[queue]]]
            priority = 0 if queue == queues.TRIAGE else LATER
            celery_app.send_task(TASK_OF_QUEUE[queue], args=some, queue=queue, priority=priority)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("broker not reached; the sweeper will tell it of %d essays: %s", len(essay_ids), error)
        _mark_untold(essay_ids)
        return False
    return True


def _mark_untold(essay_ids: Sequence[uuid.UUID]) -> None:
    try:
        with session() as db:
            queues.mark_untold(db, essay_ids)
            db.commit()
    except SQLAlchemyError as error:  # the sweeper finds out by itself, only later
        log.warning("essays not marked for the sweeper: %s", error)


def messages_waiting(queue: str) -> int:
    """Messages of that queue that no worker has taken yet. Raises `redis.RedisError` when the broker is down."""
    # Kombu keeps a list of its own for each priority.
    lines = (KEY_PREFIX + queue, f"{KEY_PREFIX}{queue}{Channel.sep}{LATER}")
    return sum(int(connection().llen(line)) for line in lines)
