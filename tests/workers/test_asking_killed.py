"""A question with real workers: what a kill costs, how soon an answer stops that nobody waits for, that it goes before
essays, and how the same in other words is answered."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import select

from grading import progress, routing
from grading.ask import questions
from models import Assignment, CallOutcome, EssayState, LlmCall, Question, User
from models.session import session
from tests.doubles.engine import TAKES as SLOW
from tests.doubles.talker import HELP, TAKES
from tests.factories import make_essay, make_token
from tests.stack import gunicorn, server_sent_events
from tests.workers import lab as laboratory
from tests.workers.lab import Lab, eventually, outcomes
from workers import asking
from workers.queue import enqueue

pytestmark = pytest.mark.slow

FIRST = "How can I write a good thesis?"
OTHER_WORDS = "How do I write a good thesis?"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    talking = {
        "PIZHU_LOCAL_ENGINE": "tests.doubles.talker:TalkingGrader",
        "PIZHU_LOCAL_MODEL": "a-model",
        "PIZHU_SHADOW_CHECKS": "0",
    }
    home = tmp_path_factory.mktemp("lab") / "home"
    with laboratory.running(home, laboratory.FRAGILE | talking, ("local",)) as running:
        yield running


def ask(lab: Lab, takes: float) -> uuid.UUID:
    """As the web asks; the answer takes so many seconds."""
    with session() as db:
        student, assignment = (
            db.get_one(User, lab.school.student.id),
            db.get_one(Assignment, lab.school.assignment.id),
        )
        question = questions.new(student, assignment, None, f"How long? {TAKES.format(takes)}", 120)
        questions.route(question, routing.Route("local", "local", "a test"))
        db.add(question)
        db.commit()
    asking.ring(question.id, "local")
    return question.id


def kept(question_id: uuid.UUID) -> Question:
    with session() as db:
        return db.get_one(Question, question_id)


def first_word(question_id: uuid.UUID) -> None:
    """Wait for it."""
    eventually(lambda: progress.connection().exists(progress.stream_key(question_id)), "its first word")


def test_a_question_whose_worker_is_killed_is_answered_by_the_next(lab: Lab) -> None:
    question_id = ask(lab, takes=3)
    first_word(question_id)
    lab.workers["local"].signal(signal.SIGKILL)

    def swept() -> bool:
        asking.ring_again()  # as the sweeper does
        return kept(question_id).finished_at is not None

    eventually(swept, "it is over", timeout=150)
    assert kept(question_id).answer == HELP, (kept(question_id).error, lab.log("local"))
    assert outcomes(f"ask.{question_id}")[-1] is CallOutcome.ok


def test_an_answer_that_nobody_waits_for_stops_within_about_a_second_and_counts_as_abandoned(lab: Lab) -> None:
    question_id = ask(lab, takes=50)
    first_word(question_id)
    left = time.monotonic()
    with session() as db:
        questions.withdraw(db, question_id)
        db.commit()
    progress.cancel(question_id)
    eventually(lambda: outcomes(f"ask.{question_id}") == [CallOutcome.abandoned], "the generation ends")
    assert time.monotonic() - left < 2
    assert kept(question_id).answer is None
    with session() as db:
        call = db.scalars(select(LlmCall).where(LlmCall.request_id.startswith(f"ask.{question_id}"))).one()
    assert (call.feature, call.completion_tokens) == ("ask", 1)


def test_a_question_goes_before_the_essays_that_wait_at_its_only_tier(lab: Lab) -> None:
    school = lab.school
    essays = [
        make_essay(school.student, school.assignment, f"Essay {number}. {SLOW.format(1)}", EssayState.queued).id
        for number in range(50)
    ]
    enqueue("local", essays)
    lab.await_states(essays, EssayState.graded, at_least=1)
    question_id = ask(lab, takes=0)
    eventually(lambda: kept(question_id).finished_at is not None, "it is answered", timeout=30)
    assert kept(question_id).answer == HELP, (kept(question_id).error, lab.log("local"))
    assert lab.count(essays, EssayState.queued) >= 10, "essays that were there before it still wait"


def test_an_answer_serves_a_question_in_other_words_until_somebody_says_that_it_is_none(lab: Lab) -> None:
    """By the real embedder."""
    with gunicorn() as base:

        def ask(user: User, question: str) -> tuple[list[str], dict[str, Any]]:
            """The pieces that were streamed, and the answer at the end."""
            with requests.post(
                f"{base}/api/v1/ask",
                headers=sign(user),
                json={"assignment_id": str(lab.school.assignment.id), "question": question},
                stream=True,
                timeout=60,
            ) as stream:
                assert stream.status_code == 200, stream.text
                *deltas, (_, kind, answer) = server_sent_events(stream)
            assert kind == "answer", answer
            return [data["text"] for _, _, data in deltas], answer

        student, classmate = lab.school.student, lab.school.classmate
        _, first = ask(student, FIRST)
        assert (first["source"], first["level"], first["text"]) == ("local", None, HELP), lab.log("local")

        pieces, again = ask(classmate, OTHER_WORDS)
        assert (again["source"], again["level"], again["text"]) == ("cache", "semantic", HELP)
        assert len(pieces) > 1, "it is streamed, too"
        assert "".join(pieces) == HELP
        assert float(again["cost_usd"]) == 0

        rejected = requests.post(f"{base}/api/v1/ask/{again['id']}/reject", headers=sign(classmate), timeout=30)
        assert rejected.status_code == 204, rejected.text
        _, after = ask(student, OTHER_WORDS)
        assert (after["source"], after["level"]) == ("local", None), "a model answers the next who asks"


def sign(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(user)}"}
