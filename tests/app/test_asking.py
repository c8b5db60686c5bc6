"""app/asking.py under a real gunicorn: what is told of a question, and how soon it is known that nobody listens."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from sqlalchemy import select

from grading import progress
from grading.ask import questions
from grading.ask.questions import QuestionClaim
from models import Question, User
from models.session import session
from tests.factories import School, make_token
from tests.stack import eventually, server_sent_events

pytestmark = pytest.mark.slow


@contextmanager
def asking(web: str, user: User, school: School) -> Iterator[requests.Response]:
    with requests.post(
        f"{web}/api/v1/ask",
        headers={"Authorization": f"Bearer {make_token(user)}"},
        json={"assignment_id": str(school.assignment.id), "question": "How long should it be?"},
        stream=True,
        timeout=30,
    ) as answer:
        assert answer.status_code == 200, answer.text
        yield answer


def claimed() -> QuestionClaim:
    """As a worker claims the one question there is."""
    with session() as db:
        claim = questions.claim(db, asked().id, "local", 60)
        db.commit()
    assert claim
    return claim


def asked() -> Question:
    with session() as db:
        return db.scalars(select(Question)).one()


def write(question_id: uuid.UUID, text: str) -> None:
    progress.publish(question_id, "delta", {"field": "text", "text": text})


def test_words_are_passed_on_as_they_come_and_the_whole_is_read_in_the_database(web: str, school: School) -> None:
    with asking(web, school.student, school) as answer:
        told = server_sent_events(answer)
        claim = claimed()
        write(claim.question_id, "One ")
        assert next(told)[1:] == ("delta", {"text": "One "})
        progress.publish(claim.question_id, "delta", {"field": "", "text": "", "restart": True})
        assert next(told)[1:] == ("delta", {"text": "", "restart": True})
        with session() as db:
            questions.finish(db, claim, {"answer": "One page.", "source": "local"})
            db.commit()
        progress.publish(claim.question_id, "over", {})
        _, kind, data = next(told)
        assert (kind, data["text"]) == ("answer", "One page.")
        assert list(told) == []


def test_an_answer_arrives_also_when_no_news_of_it_does(web: str, school: School) -> None:
    with asking(web, school.student, school) as answer:
        told = server_sent_events(answer)
        with session() as db:
            questions.fail(db, claimed(), "a test")
            db.commit()
        assert next(told)[1:] == ("error", {"id": str(asked().id), "message": "a test"})


@pytest.mark.parametrize("begun", [True, False])
def test_a_client_that_leaves_is_noticed_within_about_a_second_and_whoever_answers_is_told(
    web: str, school: School, begun: bool
) -> None:
    with progress.connection().pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(progress.CANCEL_CHANNEL)
        with asking(web, school.student, school) as answer:
            told = server_sent_events(answer)
            if begun:
                write(claimed().question_id, "One ")
                assert next(told)
        left = time.monotonic()
        message: Any = eventually(lambda: channel.get_message(timeout=0.05), 10, "the cancellation", every=0.01)
        took = time.monotonic() - left
        assert message["data"] == str(asked().id)
    assert asked().error == questions.WITHDRAWN
    assert took < 2
