"""Which essays ride in one batch, and what is asked about each. Nothing is sent here."""

from __future__ import annotations

import logging
import uuid

from grading import grader, lifecycle, progress, queues
from grading.batching import plan, store
from grading.costs.ledger import Call
from grading.costs.meter import Meter
from grading.costs.prices import UnknownModel, price_of
from grading.costs.tariff import Hosted
from grading.engines import openai_batch
from grading.engines.engine import Request
from grading.lifecycle import Claim
from models import Essay, EssayState, ProviderBatch
from models.base import now
from models.session import session
from settings import Tier, settings
from workers.batch_provider import client_of, hosted_tier
from workers.batch_replies import same_tier, tell
from workers.calls import account_of
from workers.turn import former_of, request_id, task_of

log = logging.getLogger(__name__)


def send_late_ones_live() -> None:
    """Who waits for a batch that would not be back in time does not wait any longer."""
    with session() as db:
        essays = store.too_late(db)
    reroute(essays, "its grade is wanted before a batch is back")


def make_batches() -> None:
    """One batch, or several, of each tier that enough essays wait for, or one of them for long enough."""
    with session() as db:
        groups = store.groups(db)
    for group in groups:
        if not plan.is_time(group.count, group.oldest_wait_s):
            continue
        try:
            tier = hosted_tier(group.tier)
            tariff = Hosted(price_of(tier.model), batch=True)
        except (LookupError, UnknownModel) as error:
            with session() as db:
                essays = store.waiting(db, group.tier, plan.MOST_ESSAYS)
            reroute(essays, f"no batch can be made: {error}")
            continue
        while make_batch(tier, tariff):
            pass


def make_batch(tier: Tier, tariff: Hosted) -> int:
    """Claim essays for a batch, as many as go in one; returns how many. Nothing is sent yet."""
    client = client_of(tier)
    with session() as db:
        last = store.last(db, client.provider, tier.model)
        refused_size = store.refused_size(db, client.provider, tier.model)
        ended_s = (now() - last.finished_at).total_seconds() if last and last.finished_at else 0.0
        most = plan.most(refused_size, last.state if last else None, ended_s)
        left_out = client.left_out | store.left_out(db, client.provider, tier.model)
        essays = store.waiting(db, tier.name, most)
        requests, faulty = requests_of(essays)
        riding = [essay for essay in essays if essay.id in requests]
        riding = riding[: _fitting([requests[essay.id] for essay in riding], tier.model, left_out)]

        def call_of(essay: Essay, claim: Claim) -> Call:
            meter = Meter(account_of(essay), tier.name, tier.model, client.version, tariff)
            return meter.call(request_id(claim), tariff.estimate(requests[essay.id]))

        batch = ProviderBatch(
            tier=tier.name, model=tier.model, provider=client.provider, left_out=sorted(left_out), next_look_at=now()
        )
        refused = store.prepare(db, batch, riding, call_of)
        for one in refused:  # live, they are passed on to what costs nothing, or to a teacher
            lifecycle.escalate(db, one.claim, same_tier(one.essay, one.why))
        db.commit()
    count = batch.size
    reroute(faulty, "no request can be made of it for a batch")
    if count:
        log.info("a batch of %d essays for %s", count, tier.model)
    for one in refused:
        tell([one.essay], one.why)
    for essay in riding:
        if any(one.essay is essay for one in refused):
            continue
        data = {"status": EssayState.grading.value, "queue": queues.BATCHES}
        progress.announce(essay.id, essay.student_id, "state", data)
    return count


def requests_of(essays: list[Essay]) -> tuple[dict[uuid.UUID, Request], list[Essay]]:
    """What is asked about each essay, and the essays that nothing can be asked about."""
    requests, faulty = {}, []
    for essay in essays:
        try:
            requests[essay.id] = first_request(essay)
        except Exception:  # one essay must not keep all others from their batch
            log.exception("no request can be made of essay %s", essay.id)
            faulty.append(essay)
    return requests, faulty


def first_request(essay: Essay) -> Request:
    """What is asked about the essay, as its assignment now is."""
    return grader.first_request(
        essay.text,
        task_of(essay.assignment),
        request_id=str(essay.id),
        secret=settings().secret_key.get_secret_value(),
        deadline=settings().grade_deadline,
        former=former_of(essay),
    )


def _fitting(requests: list[Request], model: str, left_out: frozenset[str]) -> int:
    """How many of them go in one file."""
    size = 0
    for count, request in enumerate(requests):
        added = len(openai_batch.line("x" * 64, request, model, left_out))
        if not openai_batch.has_room(count, size, added):
            return count
        size += added
    return len(requests)


def reroute(essays: list[Essay], why: str) -> None:
    """Essays that wait for a batch in vain are graded live."""
    if not essays:
        return
    with session() as db:
        moved = [essay for essay in essays if lifecycle.reroute(db, essay.id, same_tier(essay, why))]
        db.commit()
    tell(moved, why)
