"""A sample of the answers that the semantic level gave is checked by a model; what it says keeps wrong hits bounded.

It is a sample, so that a message or a worker that is lost costs nothing. Nobody is shown what the model says, and it is
on nobody's account but the class's: feature `shadow`.
"""

from __future__ import annotations

import logging
import os
import uuid

from grading.ask import check, questions
from grading.cache import bound
from grading.cache import check as second_check
from grading.cache.chain import chain
from grading.costs.budget import BudgetSpent
from grading.costs.meter import Account, LedgerAway, Meter
from grading.costs.tariff import Tariff
from grading.engines.engine import Engine, EngineDead, EngineError
from grading.engines.loading import DEMO_MODEL
from grading.grader import OnCall
from grading.prompts.defaults import default
from grading.reply import InvalidReply
from grading.task import task_of
from models import Question
from models.session import session
from settings import settings
from workers.calls import in_time
from workers.leases import leases
from workers.turn import ENGINE_DEAD

log = logging.getLogger(__name__)

SHADOW = "shadow"
"""The feature of the ledger."""
KIND = "ask"
DEADLINE = 60.0
"""Seconds; nobody waits for it."""


class Stopping:
    """Tells an engine to stop when this worker is asked to."""

    def is_set(self) -> bool:
        return leases.stopping


def find(question_id: uuid.UUID) -> Question | None:
    """The question, if it was answered by an entry for another one."""
    with session() as db:
        question = questions.with_all(db, question_id)
    return question if question and question.answer and question.level == "semantic" else None


def meter_of(question: Question, engine: Engine, tier: str, tariff: Tariff) -> Meter:
    account = Account(
        SHADOW,
        default(check.PROMPT, question.assignment.language).id,
        class_id=question.assignment.class_id,
        assignment_id=question.assignment_id,
        shadow=True,
    )
    return Meter(account, tier, engine.model, engine.version, tariff, in_time)


def check_by(question: Question, engine: Engine, on_call: OnCall) -> None:
    """Ask the model whether the question was answered, and tell the cache; a wrong answer is forgotten."""
    if engine.model == DEMO_MODEL:
        return  # its yes means nothing
    try:
        right = check.answers(
            question.text,
            question.answer or "",
            task_of(question.assignment),
            engine,
            request_id=f"{SHADOW}.{question.id}.{uuid.uuid4().hex[:8]}",
            secret=settings().secret_key.get_secret_value(),
            cancelled=Stopping(),
            deadline=DEADLINE,
            on_call=on_call,
        )
    except EngineDead as error:
        log.critical("%s", error)
        os._exit(ENGINE_DEAD)
    except (InvalidReply, EngineError, LedgerAway, BudgetSpent) as error:
        log.info("an answer was not checked: %s", error)
        return
    log.info("the answer of an entry for another question is %s", "right" if right else "wrong")
    if right or not question.entry_id:
        bound.observe(KIND, right, start=second_check.THRESHOLD)
    else:
        chain().evict(question.entry_id)
