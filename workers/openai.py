"""The openai queue: claim an essay, have the hosted model of its tier grade it, commit.

Each attempt at the provider is a row of the ledger; how often is tried, and how fast, says `grading.engines.hosted`.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutting_down

from grading import progress
from grading.costs.prices import price_of
from grading.costs.tariff import Hosted
from grading.engines.circuit import Circuit
from grading.engines.engine import Engine
from grading.engines.hosted import HostedEngine
from grading.engines.limits import Limits
from grading.engines.openai import OpenAiEngine
from models import Essay
from settings import Tier, settings
from workers import log as logs
from workers.attempts import Attempts
from workers.calls import Calls
from workers.facts import provider_of
from workers.leases import leases
from workers.patience import patiently
from workers.queue import celery_app
from workers.turn import fall_back, grade_claimed, take

QUEUE = "openai"


@celeryd_after_setup.connect
def listen(sender: str, instance: Any, **_: Any) -> None:
    """Learn of withdrawn essays at once, if this worker consumes the queue."""
    if QUEUE in instance.app.amqp.queues.consume_from:
        progress.on_cancel(leases.drop)


@worker_shutting_down.connect
def stop_grading(**_: Any) -> None:
    """Give back at once what is being graded, so that stopping takes seconds and the next worker can go on."""
    leases.stopping = True


@celery_app.task(name="openai.grade")
def grade_essay(essay_id: str) -> None:
    """Grade one essay, unless somebody else does or nobody should any more."""
    key = uuid.UUID(essay_id)
    with logs.about(essay=essay_id):
        claimed = patiently(lambda: take(key, QUEUE))
        if claimed is None:
            return
        claim, essay = claimed
        name = (essay.route or {}).get("tier", "")
        tier = settings().hosted_tier(name)
        if tier is None:
            fall_back(claim, essay, name, f"this installation has no tier {name!r} any more")
            return
        attempts = attempts_at(tier, essay)
        provider = provider_of(tier)
        hosted = HostedEngine(attempts, Circuit(provider), Limits.of(settings(), f"{provider}/{tier.model}"))
        grade_claimed(claim, essay, hosted, attempts.calls, attempts.judged)


def attempts_at(tier: Tier, essay: Essay) -> Attempts:
    """The tier's model for this essay, each call of which is paid for by the token."""
    engine = engine_of(tier)
    return Attempts(engine, Calls(essay, engine, tier.name, Hosted(price_of(tier.model))))


def engine_of(tier: Tier) -> Engine:
    """One for all essays of this process: it keeps the connections to the provider."""
    return _engine(tier.model, *settings().address_of(tier))


@cache
def _engine(model: str, base_url: str, api_key: str) -> Engine:
    return OpenAiEngine(model, base_url=base_url, api_key=api_key)
