"""Questions at work: a row and a message on the queue of a tier, answered there, and told as it is written.

The deltas go to a Redis stream of the question's own, which the web passes on; the answer is in Postgres. No database
connection is held while the model thinks.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from grading import progress, queues, routing
from grading.ask import difficulty, questions
from grading.ask.answer import WritesEssay, answer
from grading.ask.ghostwriting import REFUSAL
from grading.ask.matter import matter_of
from grading.ask.prompt import template_of
from grading.ask.questions import QuestionClaim
from grading.ask.remembered import key_of
from grading.cache import bound
from grading.cache.chain import Answer, chain
from grading.cache.key import Key
from grading.costs import ledger
from grading.costs.budget import BudgetSpent
from grading.costs.meter import Account, LedgerAway, Meter
from grading.costs.tariff import Tariff
from grading.engines.engine import Cancelled, Engine, EngineDead, EngineError
from grading.grader import OnCall
from grading.reply import InvalidReply
from grading.routing import Facts, Route, Thresholds, queue_of
from models import Question
from models.base import now
from models.session import session
from settings import settings
from workers.calls import in_time
from workers.facts import closed, paid, waits
from workers.leases import Hold, leases
from workers.patience import patiently
from workers.queue import LATER, celery_app, messages_waiting
from workers.stream import Stream
from workers.turn import ENGINE_DEAD

log = logging.getLogger(__name__)

CACHE = "cache"
"""Source of an answer that no model was asked for."""
ASK = "ask"
"""The feature of the ledger, and of the tasks."""
FAR_BEHIND = 20.0
"""Seconds that the essays of a queue wait, from which on a question goes past it where it can."""
NOBODY = "No model could answer this question. Please ask again later, or ask your teacher."
QUEUES = ("local", "openai")


def facts(db: Session, question: Question, tried: Collection[str] = ()) -> Facts:
    """What routing looks at. Whoever asks sits there and waits, so a queue that is paused or far behind is closed, and
    so is a provider that is left alone for a moment."""
    tiers = settings().present_tiers
    shut = closed(db, tiers, question.assignment.class_id, question.user_id)
    for tier in tiers:
        if queues.is_paused(db, queue_of(tier)):
            shut.setdefault(tier.name, f"the queue {queue_of(tier)} is paused")
    behind = {queue for queue, seconds in waits(db).items() if seconds > FAR_BEHIND}
    late = {tier.name for tier in tiers if queue_of(tier) in behind}
    if any(tier.name not in late and tier.name not in shut for tier in tiers):
        shut = dict.fromkeys(late, "its queue is too far behind") | shut
    return Facts(
        characters=len(question.text),
        tiers=tiers,
        thresholds=Thresholds.of(settings()),
        complexity=difficulty.measure(question.text, essay=question.essay_id is not None),
        closed=shut,
        tried=tuple(tried),
    )


def ring(question_id: uuid.UUID, queue: str) -> None:
    """Tell the queue of it, after the commit; when the broker is down, the sweeper tells it later."""
    try:
        celery_app.send_task(f"{queue}.{ASK}", args=[str(question_id)], queue=queue)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("broker not reached; the sweeper will tell it of the question: %s", error)
        with session() as db:
            questions.mark_untold(db, question_id)
            db.commit()


def sample(question_id: uuid.UUID) -> None:
    """The semantic level answered this question: have that checked (`workers.shadow_checks`), if it is of the sample
    and a model is open that can."""
    if not bound.worth_checking():
        return
    with session() as db:
        question = questions.with_all(db, question_id)
        route = routing.route(facts(db, question)) if question else None
    if route is None or route.queue is None:
        return
    try:
        task, args = f"{route.queue}.check_answer", [str(question_id), route.tier]
        celery_app.send_task(task, args=args, queue=route.queue, priority=LATER)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("broker not reached; this answer is not checked: %s", error)


def ring_again() -> None:
    """End what nobody waits for any more, and tell the broker of questions that it knows nothing of; a step of the
    sweeper."""
    lost = [queue for queue in QUEUES if messages_waiting(queue) == 0]
    with session() as db:
        over = questions.overdue(db)
        waiting = questions.untold(db, older_than=settings().requeue_after, lost_queues=lost)
        db.commit()
    for question_id in over:
        tell_over(question_id)
    for question_id, queue in waiting:
        ring(question_id, queue)


def tell_over(question_id: uuid.UUID) -> None:
    """Whoever waits for it may look into Postgres now."""
    progress.publish(question_id, "over", {})


def take(question_id: uuid.UUID, queue: str) -> tuple[QuestionClaim, Question] | None:
    """Claim the question; None when it is not to be had."""
    with session() as db:
        claim = questions.claim(db, question_id, queue, settings().lease)
        question = questions.with_all(db, question_id) if claim else None
        db.commit()
        return (claim, question) if claim and question else None


def meter_of(question: Question, engine: Engine, tariff: Tariff) -> Meter:
    """For the calls that an answer takes: on the account of who asks."""
    account = Account(
        ASK,
        template_of(matter_of(question)).id,
        user_id=question.user_id,
        class_id=question.assignment.class_id,
        assignment_id=question.assignment_id,
        essay_id=question.essay_id,
    )
    return Meter(account, question.tier or "", engine.model, engine.version, tariff, in_time)


def answer_claimed(claim: QuestionClaim, question: Question, engine: Engine, meter: Meter, on_call: OnCall) -> None:
    """Answer the question while its lease is kept, from the cache or by the model, and end the claim one way or
    another."""
    with leases.hold(claim) as hold:
        turn = _Turn(claim, question, engine, meter, on_call, hold)
        try:
            answered = turn.take()
        except (Cancelled, LedgerAway):
            _release(claim, question)
        except BudgetSpent as error:
            pass_on(claim, question, str(error), closed=dict.fromkeys(paid(settings().present_tiers), str(error)))
        except (InvalidReply, EngineError) as error:
            if isinstance(error, EngineDead):
                log.critical("%s", error)
                os._exit(ENGINE_DEAD)
            pass_on(claim, question, str(error))
        except Exception:
            log.exception("answering failed")
            _fail(claim, f"An error in Pizhu itself; the log of the {question.queue} worker says which.")
        else:
            _finish(claim, answered)
            if answered["level"] == "semantic":
                sample(question.id)


@dataclass
class _Turn:
    """One question before one model."""

    claim: QuestionClaim
    question: Question
    engine: Engine
    meter: Meter
    on_call: OnCall
    hold: Hold
    cached_tokens: int = 0

    def __post_init__(self) -> None:
        self.matter = matter_of(self.question)
        self.stream = Stream(self.question.id)

    def take(self) -> dict[str, Any]:
        """Columns of `Question` that the answer fills."""
        key = key_of(self.question)
        try:
            found = self._get_or_call(key)
        except WritesEssay:
            self.stream.write("", "")
            found = Answer(REFUSAL[self.matter.task.language], None, None, None)
        if found.level:
            self.stream.write("text", found.value)
        self.stream.flush()
        cost = patiently(lambda: _cost(self.meter))
        return remembered(key, found, self.question) | {"cached_tokens": self.cached_tokens, "cost": cost}

    def _get_or_call(self, key: Key) -> Answer:
        """The chain's answer. What went wrong for somebody else who asked the same is no reason to fail here."""
        own = threading.Event()

        def call() -> str:
            own.set()
            return self._ask()

        while True:
            try:
                return chain().get_or_call(key, call)
            except Exception:
                if own.is_set() or self.hold.is_set():
                    raise
                log.info("another who asked the same got no answer; asking again")

    def _ask(self) -> str:
        completion = answer(
            self.question.text,
            self.matter,
            self.engine,
            request_id=f"{ASK}.{self.question.id}.{self.claim.token.hex}",
            secret=settings().secret_key.get_secret_value(),
            on_delta=lambda piece: self.stream.write("text" if piece else "", piece),
            cancelled=self.hold,
            deadline=max(1.0, (self.question.due_at - now()).total_seconds()),
            on_call=self.on_call,
        )
        self.cached_tokens = completion.usage.cached
        return completion.text.strip()


def remembered(key: Key, found: Answer, question: Question) -> dict[str, Any]:
    """Columns of `Question`: the answer, and whether a cache had it."""
    return {
        "answer": found.value,
        "source": CACHE if found.level else question.queue,
        "level": found.level,
        "entry_id": found.entry_id,
        "key_digest": key.digest,
    }


def _cost(meter: Meter) -> Any:
    with session() as db:
        return ledger.cost_of(db, meter.opened)


def pass_on(claim: QuestionClaim, question: Question, why: str, *, closed: Mapping[str, str] | None = None) -> None:
    """That tier gave no answer: another is asked, none of the `closed`, or whoever asked is told that there is none."""

    def store() -> Route | None:
        with session() as db:
            tried = (question.route or {}).get("tried", ())
            known = facts(db, question, tried)
            known = replace(known, closed={**known.closed, **(closed or {})})
            route = routing.fallback(known, question.tier or "", why)
            if route is None or route.queue is None:
                questions.fail(db, claim, NOBODY)
            elif not questions.move(db, claim, route):
                route = None
            db.commit()
            return route

    route = patiently(store)
    log.info("%s gave no answer: %s", question.tier, why)
    if route is not None and route.queue:
        ring(question.id, route.queue)
    else:
        tell_over(question.id)


def _finish(claim: QuestionClaim, answered: dict[str, Any]) -> None:
    def store() -> bool:
        with session() as db:
            kept = questions.finish(db, claim, answered)
            db.commit()
            return kept

    if patiently(store):
        log.info("answered")
    tell_over(claim.question_id)


def _fail(claim: QuestionClaim, why: str) -> None:
    def store() -> None:
        with session() as db:
            questions.fail(db, claim, why)
            db.commit()

    patiently(store)
    tell_over(claim.question_id)


def _release(claim: QuestionClaim, question: Question) -> None:
    """The worker stops, or nobody waits for it any more; in the first case another worker is to be told."""
    with session() as db:
        waits_on = questions.release(db, claim)
        db.commit()
    if waits_on and question.queue:
        ring(question.id, question.queue)
    log.info("no longer answered here")
