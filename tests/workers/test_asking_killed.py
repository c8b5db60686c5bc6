"""A question with real workers: what a kill costs, how soon an answer stops that nobody waits for, and that it goes
before essays."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from grading import progress, routing
from grading.ask import questions
from models import Assignment, CallOutcome, EssayState, LlmCall, Question, User
from models.session import session
from tests.doubles.engine import TAKES as SLOW
from tests.doubles.talker import HELP, TAKES
from tests.factories import make_essay
from tests.workers import lab as laboratory
from tests.workers.lab import Lab, eventually
from workers import asking
from workers.queue import enqueue

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    talking = {"PIZHU_LOCAL_ENGINE": "tests.doubles.talker:TalkingGrader"}
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


def outcomes(question_id: uuid.UUID) -> list[CallOutcome]:
    with session() as db:
        mine = select(LlmCall.outcome).where(LlmCall.request_id.startswith(f"ask.{question_id}"))
        return list(db.scalars(mine.order_by(LlmCall.started_at)))


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
    assert outcomes(question_id)[-1] is CallOutcome.ok


def test_an_answer_that_nobody_waits_for_stops_within_about_a_second_and_counts_as_abandoned(lab: Lab) -> None:
    question_id = ask(lab, takes=50)
    first_word(question_id)
    left = time.monotonic()
    with session() as db:
        questions.withdraw(db, question_id)
        db.commit()
    progress.cancel(question_id)
    eventually(lambda: outcomes(question_id) == [CallOutcome.abandoned], "the generation ends")
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
