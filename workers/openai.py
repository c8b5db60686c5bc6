"""The openai queue: claim an essay, have the hosted model of its tier grade it, commit.

Each attempt at the provider is a row of the ledger; how often is tried, and how fast, says `grading.engines.hosted`.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutting_down

from grading import progress
from grading.costs.ledger import GRADE
from grading.costs.prices import price_of
from grading.costs.tariff import Hosted
from grading.engines.circuit import Circuit
from grading.engines.engine import Engine
from grading.engines.hosted import HostedEngine
from grading.engines.limits import Limits
from grading.engines.openai import OpenAiEngine
from models import Essay
from models.session import session
from settings import Tier, settings
from workers import asking, regrading, shadow_checks
from workers import log as logs
from workers.attempts import Attempts
from workers.calls import meter_of
from workers.facts import closed, provider_of
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
        grade_claimed(claim, essay, _limited(tier, attempts), attempts.calls, attempts.judged)


@celery_app.task(name="openai.regrade")
def regrade_essay(regrade_id: str) -> None:
    """Grade an essay once more, to compare."""
    key = uuid.UUID(regrade_id)
    with logs.about(regrade=regrade_id):
        if (taken := patiently(lambda: regrading.take(key, QUEUE))) is None:
            return
        claim, row = taken
        tier = settings().hosted_tier(row.tier)
        if tier is None:
            regrading.fail(claim, f"this installation has no tier {row.tier!r} any more")
            return
        with session() as db:
            why = closed(db, [tier], row.essay.assignment.class_id).get(tier.name)
        if why:  # also in saving mode: to compare is the first thing to save
            regrading.fail(claim, f"{tier.name} is closed: {why}")
            return
        attempts = attempts_at(tier, row.essay, regrading.feature_of(row))
        regrading.grade_claimed(claim, row, _limited(tier, attempts), attempts.calls, attempts.judged)


@celery_app.task(name="openai.ask")
def answer_question(question_id: str) -> None:
    """Answer a question, unless somebody else does or nobody waits for it any more."""
    key = uuid.UUID(question_id)
    with logs.about(question=question_id):
        if (taken := patiently(lambda: asking.take(key, QUEUE))) is None:
            return
        claim, question = taken
        tier = settings().hosted_tier(question.tier or "")
        if tier is None:
            asking.pass_on(claim, question, f"this installation has no tier {question.tier!r} any more")
            return
        engine = engine_of(tier)
        attempts = Attempts(engine, asking.meter_of(question, engine, Hosted(price_of(tier.model))))
        asking.answer_claimed(claim, question, _limited(tier, attempts), attempts.calls, attempts.judged)


@celery_app.task(name="openai.check_answer")
def check_answer(question_id: str, tier_name: str) -> None:
    """Say of an answer from the cache whether it is one."""
    with logs.about(question=question_id):
        question = patiently(lambda: shadow_checks.find(uuid.UUID(question_id)))
        tier = settings().hosted_tier(tier_name)
        if question is None or tier is None:
            return
        engine = engine_of(tier)
        meter = shadow_checks.meter_of(question, engine, tier.name, Hosted(price_of(tier.model)))
        attempts = Attempts(engine, meter)
        shadow_checks.check_by(question, _limited(tier, attempts), attempts.judged)


def attempts_at(tier: Tier, essay: Essay, feature: str = GRADE) -> Attempts:
    """The tier's model for this essay, each call of which is paid for by the token."""
    engine = engine_of(tier)
    return Attempts(engine, meter_of(essay, engine, tier.name, Hosted(price_of(tier.model)), feature))


def _limited(tier: Tier, attempts: Attempts) -> HostedEngine:
    provider = provider_of(tier)
    return HostedEngine(attempts, Circuit(provider), Limits.of(settings(), f"{provider}/{tier.model}"))


def engine_of(tier: Tier) -> Engine:
    """One for all essays of this process: it keeps the connections to the provider."""
    return _engine(tier.model, *settings().address_of(tier))


@cache
def _engine(model: str, base_url: str, api_key: str) -> Engine:
    return OpenAiEngine(model, base_url=base_url, api_key=api_key)
