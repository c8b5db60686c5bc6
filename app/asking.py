"""A question on its way: found out what it is about, sent to a model, and its answer passed on as it is written.

What Redis carries is news; the answer is read in Postgres. A client who leaves is noticed within a second, since
something is written to it twice a second, and then the generation is aborted.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterator

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import TypedDict

from app.auth import assignment_of, essay_of
from app.bodies import NewQuestion
from app.extensions import db
from app.problems import Problem, wrong
from app.realtime import formatted, news
from grading import progress, routing
from grading.ask import questions
from grading.ask.commission import commissions
from grading.ask.ghostwriting import REFUSAL
from grading.ask.remembered import answer_tag, key_of
from grading.cache.chain import Answer, chain
from grading.cache.key import Key
from grading.text import Language
from models import Assignment, Essay, Question, User
from models.base import now
from models.session import session
from settings import settings
from workers import asking

log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds without news after which a comment is sent, which is how a client that has gone is noticed."""
LOOK = 2.0
"""Seconds without news after which Postgres is asked."""
RULE = "rule"
"""Source of an answer that refuses what no model needed to read."""
NO_MODEL = "No model can answer questions at the moment. Please try again later, or ask your teacher."


_PIECE = re.compile(r".{1,40}(?:\s+|$)|.{1,40}", re.DOTALL)
"""Of an answer that is there already; it is told in pieces as well."""


class AnswerView(TypedDict):
    """The answer to a question; `level` is the cache's that had it. `cost_usd` is a decimal number as a string."""

    id: str
    text: str
    source: str
    level: str | None
    tier: str | None
    cached_tokens: int
    cost_usd: str


def ask(user: User, asked: NewQuestion) -> Iterator[str]:
    """The event stream of the answer.

    Raises `Problem`: 422 for what the user may not ask about, 503 when no model can answer.
    """
    assignment, essay = _matter(user, asked)
    question = questions.new(user, assignment, essay, asked.question, settings().ask_deadline)
    if language := commissions(question.text):
        return _refuse(question, language)
    key = key_of(question)
    db().commit()  # looking up takes connections of its own, and may wait for the embedder; a class would take them all
    found = chain().look_up(key)
    if found:
        return _recall(question, key, found)
    route = routing.route(asking.facts(db(), question))
    if route.queue is None:
        raise Problem(503, "No answer", NO_MODEL, headers={"Retry-After": "60"}, reason=route.reason)
    questions.route(question, route)
    db().add(question)
    db().commit()
    asking.ring(question.id, route.queue)
    return _relay(question.id)


def _matter(user: User, asked: NewQuestion) -> tuple[Assignment, Essay | None]:
    """What the question is about, if the user may read it."""
    if asked.essay_id is not None:
        essay = essay_of(user, asked.essay_id)
        if essay is None:
            raise wrong("essay_id", "You may read no such essay.")
        return essay.assignment, essay
    assignment = assignment_of(user, asked.assignment_id) if asked.assignment_id else None
    if assignment is None:
        raise wrong("assignment_id", "None of your classes has this assignment.")
    return assignment, None


def _refuse(question: Question, language: Language) -> Iterator[str]:
    """The stream of an answer to what is no question but asks for the essay itself."""
    question.answer, question.source = REFUSAL[language], RULE
    return _tell_at_once(question)


def _recall(question: Question, key: Key, found: Answer) -> Iterator[str]:
    """The stream of an answer that is there already."""
    for name, value in asking.remembered(key, found, question).items():
        setattr(question, name, value)
    told = _tell_at_once(question)
    if found.level == "semantic":
        asking.sample(question.id)
    return told


def _tell_at_once(question: Question) -> Iterator[str]:
    """Keep the question with its answer, for which nobody waits, and give the stream of it."""
    question.finished_at = now()
    db().add(question)
    db().commit()
    deltas = [formatted("delta", {"text": piece}) for piece in _PIECE.findall(question.answer or "")]
    return iter([*deltas, formatted("answer", answer_json(question))])


def _relay(question_id: uuid.UUID) -> Iterator[str]:
    over = False
    try:
        yield ": \n\n"
        looked = time.monotonic()
        for event in news(question_id, progress.START, TICK):
            if event is not None and event.type == "delta":
                yield formatted("delta", _delta(event))
                continue
            told = None
            if event is not None or time.monotonic() - looked >= LOOK:
                looked, told = time.monotonic(), _look(question_id)
            if told:
                over = True
                yield told
                return
            yield ": \n\n"
    finally:
        if not over:
            abandon(question_id)


def _delta(event: progress.Event) -> dict[str, object]:
    """`restart` says that the answer begins anew."""
    return {"text": event.data["text"]} | ({"restart": True} if event.data.get("restart") else {})


def _look(question_id: uuid.UUID) -> str | None:
    """The last event of the stream, once there is one; None as well while Postgres does not say."""
    try:
        with session() as short:
            question = short.get(Question, question_id)
            if question is not None and question.finished_at is None and question.is_overdue:
                questions.withdraw(short, question_id, questions.TOO_LATE)
                short.commit()
                short.refresh(question)
    except SQLAlchemyError as error:
        log.warning("no look at question %s: %s", question_id, error)
        return None
    if question is None:
        return formatted("error", {"id": str(question_id), "message": questions.WITHDRAWN})
    if question.answer is not None:
        return formatted("answer", answer_json(question))
    return formatted("error", {"id": str(question_id), "message": question.error}) if question.error else None


def answer_json(question: Question) -> AnswerView:
    return {
        "id": str(question.id),
        "text": question.answer or "",
        "source": question.source or "",
        "level": question.level,
        "tier": question.tier,
        "cached_tokens": question.cached_tokens,
        "cost_usd": f"{question.cost:f}",
    }


def abandon(question_id: uuid.UUID) -> None:
    """Nobody waits for the answer any more: whoever is at it stops."""
    try:
        with session() as short:
            withdrawn = questions.withdraw(short, question_id)
            short.commit()
    except SQLAlchemyError as error:
        log.warning("question %s not withdrawn: %s", question_id, error)
        withdrawn = True
    if withdrawn:
        progress.cancel(question_id)


def reject(question: Question) -> None:
    """Its asker says that the answer is none: it is given to nobody again, and counts as a wrong hit if it was one of
    the semantic level. Raises `Problem` 409 where there is none to reject."""
    if question.answer is None:
        raise Problem(409, "No answer", "This question has no answer.")
    rejected = questions.reject(db(), question)
    db().commit()
    if not rejected:
        return
    try:
        if question.level == "semantic" and question.entry_id:
            chain().evict(question.entry_id)
        if question.key_digest:
            chain().invalidate(answer_tag(question.key_digest))
    except (RedisError, SQLAlchemyError) as error:
        log.warning("the rejected answer of question %s is forgotten later: %s", question.id, error)
