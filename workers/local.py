"""The local queue: claim an essay, have the model in this process grade it, commit.

The engine is made before the worker takes its first task, and lives as long as the process. No database connection is
held while the model thinks.
"""

from __future__ import annotations

import logging
import os
import pkgutil
import threading
import time
import uuid
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutting_down
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload

from grading import lifecycle, progress
from grading.engines.engine import Cancelled, Engine, EngineDead
from grading.grader import Grade, Ungradable, grade
from grading.lifecycle import Claim
from grading.rubric import Rubric
from grading.task import Task
from models import Assignment, Essay, EssayState, Grading, Source
from models.session import session
from settings import settings
from workers.leases import leases
from workers.queue import celery_app

log = logging.getLogger(__name__)

QUEUE = "local"
DELTA_INTERVAL = 0.1
"""Least seconds between two `delta` events of one essay."""

ENGINE_DEAD = os.EX_SOFTWARE
"""Exit status that tells the supervisor to start another."""

engine: Engine


@celeryd_after_setup.connect
def load_engine(sender: str, instance: Any, **_: Any) -> None:
    """Make the engine, if this worker consumes the local queue; only then does it start to consume."""
    global engine
    if QUEUE not in instance.app.amqp.queues.consume_from:
        return
    config = settings()
    log.info("loading model %s", config.local_model)
    began = time.monotonic()
    try:
        engine = pkgutil.resolve_name(config.local_engine)(config)
    except Exception as error:  # Celery swallows what a signal handler raises, and would consume without an engine
        log.critical("no engine: %s", error, exc_info=not isinstance(error, EngineDead))
        os._exit(ENGINE_DEAD)
    log.info("model %s ready after %.0f s", engine.model, time.monotonic() - began)
    progress.on_cancel(leases.let_go)


@worker_shutting_down.connect
def stop_grading(**_: Any) -> None:
    """Give back at once what is being graded, so that stopping takes seconds and the next worker can go on."""
    leases.let_all_go()


@celery_app.task(name="local.grade")
def grade_essay(essay_id: str) -> None:
    """Grade one essay, unless somebody else does or nobody should any more."""
    key = uuid.UUID(essay_id)
    with session() as db:
        claim = lifecycle.claim(db, key, QUEUE, settings().lease)
        db.commit()
        if claim is None:
            return
        essay = db.scalars(
            select(Essay).where(Essay.id == key).options(joinedload(Essay.assignment).joinedload(Assignment.rubric))
        ).one()
    with leases.hold(claim) as cancelled:
        progress.announce(key, essay.student_id, "state", {"status": EssayState.grading.value, "queue": QUEUE})
        stream = Stream(key)
        try:
            result = grade(
                essay.text,
                task_of(essay.assignment),
                engine,
                request_id=f"{key}.{claim.attempts}",
                secret=settings().secret_key.get_secret_value(),
                on_progress=stream.write,
                cancelled=cancelled,
                deadline=settings().grade_deadline,
                alone=claim.attempts > 1,
            )
        except Cancelled:
            give_back(claim, "the worker was stopped")
        except Ungradable as error:
            give_up(claim, essay, error.reason)
        except EngineDead as error:
            log.critical("the engine is dead: %s", error)
            os._exit(ENGINE_DEAD)
        else:
            stream.flush()
            finish(claim, essay, result)


def task_of(assignment: Assignment) -> Task:
    """The assignment with its current rubric, as the grader sees it."""
    return Task(
        title=assignment.title,
        prompt=assignment.prompt,
        language=assignment.language,
        rubric=Rubric.parse({"criteria": assignment.rubric.criteria}),
    )


class Stream:
    """Publishes the words of a reply as they are written, a few times a second."""

    def __init__(self, essay_id: uuid.UUID) -> None:
        self._essay_id = essay_id
        self._field = ""
        self._text = ""
        self._sent = 0.0

    def write(self, field: str, text: str) -> None:
        if field != self._field:
            self.flush()
            self._field = field
        if not field:
            progress.publish(self._essay_id, "delta", {"field": "", "text": "", "restart": True})
            return
        self._text += text
        if time.monotonic() - self._sent >= DELTA_INTERVAL:
            self.flush()

    def flush(self) -> None:
        if self._text:
            progress.publish(self._essay_id, "delta", {"field": self._field, "text": self._text})
            self._text, self._sent = "", time.monotonic()


def finish(claim: Claim, essay: Essay, result: Grade) -> None:
    """Store the grade and tell the student, unless the claim was lost in the meantime."""
    values = result.to_json()
    grading = Grading(
        id=uuid.uuid4(),
        rubric_id=essay.assignment.rubric_id,
        source=Source.local,
        total=result.total,
        max=result.max,
        usage={**values["usage"], **{name: values[name] for name in ("first_token_s", "attempts", "dropped_quotes")}},
        **{name: values[name] for name in _KEPT},
    )
    if not _persist(lambda db: lifecycle.complete(db, claim, grading), claim, EssayState.graded):
        log.info("essay %s: the grade came too late and is dropped", claim.essay_id)
        return
    data = {"status": EssayState.graded.value, "grading_id": str(grading.id)}
    progress.announce(claim.essay_id, essay.student_id, "graded", data)


_KEPT = (
    "criteria",
    "annotations",
    "strengths",
    "suggestions",
    "confidence",
    "interval",
    "model",
    "engine_version",
    "prompt_version",
    "hashes",
)


def give_up(claim: Claim, essay: Essay, reason: str) -> None:
    """No model could: a teacher grades it."""
    if _persist(
        lambda db: lifecycle.give_to_teacher(db, claim.essay_id, reason, claim), claim, EssayState.needs_review
    ):
        data = {"status": EssayState.needs_review.value, "reason": reason}
        progress.announce(claim.essay_id, essay.student_id, "state", data)


def give_back(claim: Claim, reason: str) -> None:
    """Let somebody else grade it; nothing happens when it was cancelled or taken away."""
    try:
        with session() as db:
            lifecycle.release(db, claim, reason)
            db.commit()
    except SQLAlchemyError as error:
        log.warning("essay %s not given back, its lease will run out: %s", claim.essay_id, error)


def _persist(change: Any, claim: Claim, target: EssayState) -> bool:
    """Commit a change that ends the claim, for as long as Postgres may need to come back.

    A commit whose answer was lost may have worked: then the essay is in the target state and the change has no effect
    a second time, so the state is looked at.
    """
    pause = threading.Event()
    give_up_at = time.monotonic() + 10 * settings().lease
    retried = False
    while True:
        try:
            with session() as db:
                if change(db):
                    db.commit()
                    return True
                return retried and db.scalar(select(Essay.state).filter_by(id=claim.essay_id)) is target
        except SQLAlchemyError as error:
            if time.monotonic() > give_up_at:
                raise
            log.warning("essay %s: not stored yet: %s", claim.essay_id, error)
            retried = True
            pause.wait(1)
