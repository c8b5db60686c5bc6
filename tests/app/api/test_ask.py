"""POST /api/v1/ask: who may ask about what, and how an answer comes."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from app import asking
from grading.ask import questions
from grading.ask.ghostwriting import REFUSAL
from grading.text import Language
from models import Assignment, Essay, EssayState, LlmCall, Question, User
from models.session import session
from tests.app.conftest import Clients
from tests.conftest import use_environment
from tests.doubles.talker import HELP, TalkingEngine
from tests.factories import RUBRIC, School, make_answer, make_assignment, make_essay, make_grading
from workers import local

Event = tuple[str, dict[str, Any]]


@pytest.fixture
def talker(monkeypatch: pytest.MonkeyPatch) -> TalkingEngine:
    engine = TalkingEngine()
    monkeypatch.setattr(local, "engine", engine, raising=False)
    return engine


@pytest.fixture
def worker(talker: TalkingEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[TalkingEngine]:
    """A worker for the local queue, which is told of each question as it is asked."""
    threads: list[threading.Thread] = []

    def ring(question_id: uuid.UUID, queue: str) -> None:
        threads.append(threading.Thread(target=local.answer_question, args=[str(question_id)]))
        threads[-1].start()

    monkeypatch.setattr("workers.asking.ring", ring)
    yield talker
    for thread in threads:
        thread.join()


def events(answer: Any) -> list[Event]:
    """The events of the whole stream."""
    parts = [part for part in answer.get_data(as_text=True).split("\n\n") if part.startswith("event: ")]
    return [(part.split("\n")[0][7:], json.loads(part.split("\n")[1][6:])) for part in parts]


def asked() -> list[Question]:
    with session() as db:
        return list(db.scalars(select(Question)))


def test_the_answer_comes_word_by_word_and_then_as_a_whole(
    school: School, client: Clients, worker: TalkingEngine
) -> None:
    answer = client(school.student).post(
        "/api/v1/ask", json={"assignment_id": str(school.assignment.id), "question": "How long should it be?"}
    )
    told = events(answer)
    assert answer.mimetype == "text/event-stream"
    assert "".join(data["text"] for kind, data in told if kind == "delta") == HELP
    kind, last = told[-1]
    [question] = asked()
    assert (kind, last) == (
        "answer",
        {
            "id": str(question.id),
            "text": HELP,
            "source": "local",
            "level": None,
            "tier": "local",
            "cached_tokens": 64,
            "cost_usd": last["cost_usd"],
        },
    )


def test_a_student_asks_about_the_own_essay_and_no_other_and_a_teacher_about_those_of_the_class(
    school: School, client: Clients
) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    body = {"essay_id": str(essay.id), "question": "Why?"}
    people = ("student", "teacher", "classmate", "other_teacher", "ops")
    answers = [client(getattr(school, who)).post("/api/v1/ask", json=body) for who in people]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 422, 422]
    for answer in answers:
        answer.close()


@pytest.mark.parametrize(
    "body",
    [
        {"question": "Why?"},
        {"assignment_id": str(uuid.uuid4()), "essay_id": str(uuid.uuid4()), "question": "Why?"},
        {"assignment_id": str(uuid.uuid4()), "question": "Why?"},
        {"assignment_id": str(uuid.uuid4()), "question": " "},
        {"assignment_id": str(uuid.uuid4()), "question": "x" * 1001},
        {"assignment_id": str(uuid.uuid4()), "question": "\x00"},
        {"assignment_id": str(uuid.uuid4())},
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_model_is(
    school: School, client: Clients, body: dict[str, Any]
) -> None:
    answer = client(school.student).post("/api/v1/ask", json=body)
    assert answer.status_code == 422
    assert answer.get_json()["errors"]
    assert asked() == []


def test_where_no_tier_is_open_a_sentence_says_so_at_once(school: School, client: Clients) -> None:
    with use_environment({"PIZHU_LOCAL_MODEL": "none"}):
        answer = client(school.student).post(
            "/api/v1/ask", json={"assignment_id": str(school.assignment.id), "question": "Why?"}
        )
    assert answer.status_code == 503
    assert answer.get_json()["detail"] == asking.NO_MODEL


def test_a_question_that_nobody_takes_ends_with_what_to_do(school: School, client: Clients) -> None:
    with use_environment({"PIZHU_ASK_DEADLINE": "0.1"}):
        answer = client(school.student).post(
            "/api/v1/ask", json={"assignment_id": str(school.assignment.id), "question": "Why?"}
        )
        [(kind, data)] = events(answer)
    assert (kind, data["message"]) == ("error", questions.TOO_LATE)


def test_whoever_leaves_withdraws_the_question(school: School, client: Clients) -> None:
    answer = client(school.student).post(
        "/api/v1/ask", json={"assignment_id": str(school.assignment.id), "question": "Why?"}
    )
    assert next(iter(answer.response))
    answer.close()
    [question] = asked()
    assert question.error == questions.WITHDRAWN


def test_who_asks_too_often_is_asked_to_wait(school: School, client: Clients) -> None:
    with use_environment({"PIZHU_ASK_LIMIT": "2 per minute"}):
        student = client(school.student)
        body = {"assignment_id": str(school.assignment.id), "question": "Why?"}
        answers = [student.post("/api/v1/ask", json=body) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        other = client(school.classmate).post("/api/v1/ask", json=body)
        assert other.status_code == 200
        for answer in (*answers, other):
            answer.close()


def test_an_answer_is_rejected_once_and_stays_in_the_list(school: School, client: Clients) -> None:
    question = make_answer(school.student, school.assignment)
    for _ in range(2):
        assert client(school.student).post(f"/api/v1/ask/{question.id}/reject").status_code == 204
    [kept] = asked()
    assert kept.rejected_at


@pytest.mark.parametrize(
    ("request_", "language"), [("Please write my essay for me.", "en"), ("老师，帮我写一篇800字的作文吧", "zh")]
)
def test_a_plain_request_to_write_the_essay_is_refused_in_its_language_and_no_model_is_asked(
    school: School, client: Clients, worker: TalkingEngine, request_: str, language: Language
) -> None:
    answer = client(school.student).post(
        "/api/v1/ask", json={"assignment_id": str(school.assignment.id), "question": request_}
    )
    *deltas, (kind, last) = events(answer)
    assert kind == "answer"
    assert "".join(data["text"] for _, data in deltas) == last["text"] == REFUSAL[language]
    assert (last["source"], last["tier"], last["cost_usd"]) == ("rule", None, "0")
    assert worker.requests == []
    [question] = asked()
    assert (question.answer, question.queue) == (REFUSAL[language], None)
    with session() as db:
        assert db.scalars(select(LlmCall)).all() == []


# --- answers that are there already -----------------------------------------------------------------------------------


@pytest.fixture
def told(client: Clients, worker: TalkingEngine) -> Callable[..., dict[str, Any]]:
    """`told(user, assignment=…)` asks and returns the last event's data."""

    def ask(user: User, words: str = "How long should it be?", **about: Assignment | Essay) -> dict[str, Any]:
        named = {f"{name}_id": str(what.id) for name, what in about.items()}
        answer = client(user).post("/api/v1/ask", json={"question": words, **named})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        *deltas, (kind, last) = events(answer)
        assert kind == "answer", last
        assert "".join(data["text"] for _, data in deltas) == last["text"]
        return last

    return ask


def test_a_class_is_answered_the_same_question_once_and_the_cached_answer_streams_too(
    school: School, told: Callable[..., dict[str, Any]], worker: TalkingEngine
) -> None:
    first = told(school.student, assignment=school.assignment)
    again = told(school.classmate, assignment=school.assignment)
    assert (first["source"], first["level"]) == ("local", None)
    assert (again["source"], again["tier"], again["cost_usd"]) == ("cache", None, "0")
    assert again["level"] in ("memory", "shared")
    assert again["text"] == first["text"]
    assert again["id"] != first["id"]
    assert len(worker.requests) == 1


def test_no_other_class_is_served_it(
    school: School, told: Callable[..., dict[str, Any]], worker: TalkingEngine
) -> None:
    theirs = make_assignment(school.other_class)
    told(school.student, assignment=school.assignment)
    assert told(school.other_student, assignment=theirs)["source"] == "local"
    assert len(worker.requests) == 2


def test_an_answer_about_an_essay_is_for_whoever_asked_and_for_the_grade_that_they_see(
    school: School, told: Callable[..., dict[str, Any]], worker: TalkingEngine
) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    assert [told(school.student, essay=essay)["source"] for _ in range(2)] == ["local", "cache"]
    assert told(school.teacher, essay=essay)["source"] == "local"
    better = make_grading(essay, school.assignment, accepted=True)
    with session() as db:
        db.execute(update(Essay).where(Essay.id == essay.id).values(current_grading_id=better.id))
        db.commit()
    assert told(school.student, essay=essay)["source"] == "local"


def test_a_changed_assignment_is_answered_anew(
    school: School, told: Callable[..., dict[str, Any]], client: Clients
) -> None:
    told(school.student, assignment=school.assignment)
    changed = {"title": "A day", "prompt": "Write two pages.", "language": "en", "rubric": RUBRIC}
    path = f"/api/v1/assignments/{school.assignment.id}"
    assert client(school.teacher).put(path, json=changed).status_code == 200
    assert told(school.student, assignment=school.assignment)["source"] == "local"


def test_a_rejected_answer_is_served_to_nobody_again(
    school: School, told: Callable[..., dict[str, Any]], client: Clients
) -> None:
    told(school.student, assignment=school.assignment)
    served = told(school.classmate, assignment=school.assignment)
    assert served["source"] == "cache"
    assert client(school.classmate).post(f"/api/v1/ask/{served['id']}/reject").status_code == 204
    assert told(school.student, assignment=school.assignment)["source"] == "local"


def test_what_is_remembered_is_told_also_while_no_tier_is_open(
    school: School, told: Callable[..., dict[str, Any]]
) -> None:
    told(school.student, assignment=school.assignment)
    with use_environment({"PIZHU_LOCAL_MODEL": "none"}):
        assert told(school.student, assignment=school.assignment)["source"] == "cache"
