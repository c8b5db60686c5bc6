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
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutdown, worker_shutting_down
from sqlalchemy import exists, select

from grading import progress
from grading.costs.tariff import OwnMachine
from grading.engines.engine import Engine, EngineDead
from grading.lifecycle import Claim
from models import Essay, EssayState
from models.session import session
from settings import settings
from workers import asking, regrading, shadow_checks
from workers import log as logs
from workers.calls import meter_of
from workers.company import Company
from workers.leases import leases
from workers.patience import patiently
from workers.queue import celery_app
from workers.turn import ENGINE_DEAD, grade_claimed, take

log = logging.getLogger(__name__)

QUEUE = "local"
TRIES_IN_COMPANY = 2
"""Tries of an essay beside others. One worker lost is an accident; from two on the essay itself may be what kills them,
and it is tried with nothing beside it, so that it can take only itself along."""
STILL_LOADING = 15.0
"""Seconds between two lines that say so."""
engine: Engine
company = Company(lambda: leases.stopping)


@celeryd_after_setup.connect
def load_engine(sender: str, instance: Any, **_: Any) -> None:
    """Make the engine, if this worker consumes the local queue; only then does it start to consume."""
    global engine
    if QUEUE not in instance.app.amqp.queues.consume_from:
        return
    # Celery swallows what a signal handler raises and would go on to consume without an engine: so the process ends.
    if instance.pool_cls.__module__ == "celery.concurrency.prefork":
        log.critical("the local queue needs the threads pool: its tasks share one engine; start it with -P threads")
        os._exit(os.EX_USAGE)
    try:
        with _said_to_load(settings().local_model):
            engine = pkgutil.resolve_name(settings().local_engine)(settings())
    except Exception as error:
        log.critical("no engine: %s", error, exc_info=not isinstance(error, EngineDead))
        os._exit(ENGINE_DEAD)
    # In good order, so that an end that was asked for does not look like a crash.
    worker_shutdown.connect(lambda **_: engine.close(), weak=False)
    progress.on_cancel(leases.drop)


@contextmanager
def _said_to_load(model: str) -> Iterator[None]:
    began, loaded = time.monotonic(), threading.Event()

    def say() -> None:
        while not loaded.wait(STILL_LOADING):
            log.info("still loading model %s after %.0f s", model, time.monotonic() - began)

    log.info("loading model %s", model)
    threading.Thread(target=say, name="loading", daemon=True).start()
    try:
        yield
    finally:
        loaded.set()
    log.info("model %s ready after %.1f s", model, time.monotonic() - began)


@worker_shutting_down.connect
def stop_grading(**_: Any) -> None:
    """Give back at once what is being graded, so that stopping takes seconds and the next worker can go on."""
    leases.stopping = True


@celery_app.task(name="local.grade")
def grade_essay(essay_id: str) -> None:
    """Grade one essay, unless somebody else does or nobody should any more."""
    key = uuid.UUID(essay_id)
    with logs.about(essay=essay_id):
        with company.shared():
            if claimed := patiently(lambda: take(key, QUEUE, tries=TRIES_IN_COMPANY)):
                grade_here(*claimed)
                return
        if patiently(lambda: is_suspect(key)):
            with company.alone():
                if claimed := patiently(lambda: take(key, QUEUE)):
                    grade_here(*claimed)


@celery_app.task(name="local.regrade")
def regrade_essay(regrade_id: str) -> None:
    """Grade an essay once more, to compare."""
    key = uuid.UUID(regrade_id)
    with logs.about(regrade=regrade_id), company.shared():
        if taken := patiently(lambda: regrading.take(key, QUEUE)):
            claim, row = taken
            calls = meter_of(row.essay, engine, row.tier, machine(), regrading.feature_of(row))
            regrading.grade_claimed(claim, row, engine, calls, calls)


@celery_app.task(name="local.ask")
def answer_question(question_id: str) -> None:
    """Answer a question, unless somebody else does or nobody waits for it any more."""
    key = uuid.UUID(question_id)
    with logs.about(question=question_id), company.shared():
        if taken := patiently(lambda: asking.take(key, QUEUE)):
            claim, question = taken
            meter = asking.meter_of(question, engine, machine())
            asking.answer_claimed(claim, question, engine, meter, meter)


@celery_app.task(name="local.check_answer")
def check_answer(question_id: str, tier: str) -> None:
    """Say of an answer from the cache whether it is one."""
    with logs.about(question=question_id), company.shared():
        if question := patiently(lambda: shadow_checks.find(uuid.UUID(question_id))):
            shadow_checks.check_by(question, engine, shadow_checks.meter_of(question, engine, tier, machine()))


def is_suspect(essay_id: uuid.UUID) -> bool:
    """Whether it waits for another try after it has lost every worker that it shared with others."""
    waits = (Essay.id == essay_id, Essay.state == EssayState.queued, Essay.attempts >= TRIES_IN_COMPANY)
    with session() as db:
        return bool(db.scalar(select(exists().where(*waits))))


def grade_here(claim: Claim, essay: Essay) -> None:
    """Grade it with the model in this process."""
    calls = meter_of(essay, engine, tier_name(), machine())
    grade_claimed(claim, essay, engine, calls, calls)


def tier_name() -> str:
    """What the settings call the local tier."""
    return next(tier.name for tier in settings().tiers if tier.engine == QUEUE)


@cache
def machine() -> OwnMachine:
    """What this process's seconds cost."""
    return OwnMachine(settings().local_hour_usd, settings().local_concurrency)
