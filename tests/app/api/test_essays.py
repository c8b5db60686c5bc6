"""app/api/essays.py: what is taken and what is refused, and what everybody gets to see."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis as redis_client
from celery import Celery
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grading import lifecycle, progress, queues
from models import Essay, EssayState, Notice, Release
from models.base import now
from models.session import session
from settings import settings
from tests.app.conftest import Clients
from tests.factories import RUBRIC, School, make_assignment, make_essay
from tests.stack import eventually, free_port
from workers import queue
from workers.queue import messages_waiting

ESSAYS = "/api/v1/essays"


@pytest.fixture
def student(client: Clients, school: School) -> FlaskClient:
    return client(school.student)


@pytest.fixture
def teacher(client: Clients, school: School) -> FlaskClient:
    return client(school.teacher)


def submit(who: FlaskClient, school: School, text: object = "An essay.", **headers: str) -> Any:
    body = json.dumps({"assignment_id": str(school.assignment.id), "text": text})
    return who.post(ESSAYS, data=body, content_type="application/json", headers=headers)


def number_of_essays() -> int:
    with session() as db:
        return db.scalar(select(func.count()).select_from(Essay)) or 0


def fields(answer: Any) -> list[str]:
    """The fields that a problem document names."""
    assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)
    document = answer.get_json()
    assert document["status"] == answer.status_code
    assert document["type"]
    assert all(error["message"] for error in document["errors"])
    return [error["field"] for error in document["errors"]]


# --- handing in ------------------------------------------------------------------------------------------------------


def test_an_essay_is_taken_and_its_queue_is_told(student: FlaskClient, school: School) -> None:
    answer = submit(student, school)
    assert answer.status_code == 202
    body = answer.get_json()
    assert body["status"] == "submitted"
    assert answer.headers["Location"] == body["links"]["self"] == f"{ESSAYS}/{body['id']}"
    assert student.get(body["links"]["self"]).get_json()["id"] == body["id"]
    eventually(lambda: messages_waiting("triage") == 1, 5, "triage is told")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "字",
        "中文 and English，混合。",
        "👩‍👩‍👧‍👦 family 🇨🇳",
        "שלום עולם مرحبا \u202eback\u202c",
        "  blanks\tand\r\nline\rends\n\n  ",
        "e\u0301 is not \u00e9; ﬁ Å \ufeff\u200b\x07\x1b",
        "a" * 20_000,
        "𠀋" * 20_000,
        "\\u0041 \" ' ; DROP TABLE essays; -- %s {0} <script>",
    ],
)
def test_a_text_is_stored_exactly_as_it_was_sent(student: FlaskClient, school: School, text: str) -> None:
    essay_id = submit(student, school, text).get_json()["id"]
    assert student.get(f"{ESSAYS}/{essay_id}").get_json()["text"] == text
    with session() as db:
        assert db.get_one(Essay, uuid.UUID(essay_id)).text == text


@pytest.mark.parametrize(
    "text",
    ["", " \n\t\u3000", "a\0b", "half \ud83d pair", "字" * 20_001, None, 7, ["a"], {"a": 1}, True],
    ids=lambda text: repr(text)[:20],
)
def test_a_text_that_cannot_be_graded_is_refused_by_name(student: FlaskClient, school: School, text: object) -> None:
    answer = submit(student, school, text)
    assert (answer.status_code, fields(answer)) == (422, ["text"])
    assert number_of_essays() == 0


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"", 400, ["body"]),
        (b"{", 400, ["body"]),
        (b'{"text": "\xff"}', 400, ["body"]),
        (b"[" * 100_000, 400, ["body"]),
        (b'{"text": NaN}', 400, ["body"]),
        (b"9" * 10_000, 400, ["body"]),
        (b"null", 422, ["body"]),
        (b'"essay"', 422, ["body"]),
        (b"{}", 422, ["assignment_id", "text"]),
        (b'{"assignment_id": "7", "text": "a"}', 422, ["assignment_id"]),
        (b'{"assignment_id": "00000000-0000-4000-8000-000000000000", "text": "a"}', 422, ["assignment_id"]),
        (b'{"assignment_id": "00000000-0000-4000-8000-000000000000", "text": "a", "txt": 1}', 422, ["txt"]),
        (b'{"\\ud800": 1}', 422, ["body"]),
        (b'{"text": "' + b"a" * 5_000_000 + b'"}', 413, ["body"]),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_request_that_is_wrong_is_refused_by_name(
    student: FlaskClient, school: School, body: bytes, status: int, named: list[str]
) -> None:
    answer = student.post(ESSAYS, data=body, content_type="application/json")
    assert (answer.status_code, fields(answer)) == (status, named)
    json.loads(answer.get_data().decode("utf-8"))


def test_a_form_is_no_json(student: FlaskClient, school: School) -> None:
    assert student.post(ESSAYS, data={"text": "a"}).status_code == 415


def test_an_assignment_of_another_class_is_as_good_as_none(client: Clients, school: School) -> None:
    answer = submit(client(school.other_student), school)
    assert (answer.status_code, fields(answer)) == (422, ["assignment_id"])


def test_an_essay_after_the_deadline_is_taken_and_shown_as_late(
    student: FlaskClient, teacher: FlaskClient, school: School
) -> None:
    late = make_assignment(school.school_class, deadline=now() - timedelta(minutes=1))
    answer = student.post(ESSAYS, json={"assignment_id": str(late.id), "text": "Sorry."})
    assert answer.status_code == 202
    assert submit(student, school).status_code == 202
    table = teacher.get(f"/api/v1/classes/{school.school_class.id}/essays").get_json()["items"]
    assert [row["late"] for row in table] == [False, True]


# --- Idempotency-Key -------------------------------------------------------------------------------------------------


def test_the_same_key_again_is_the_same_essay(student: FlaskClient, school: School) -> None:
    first, second = (submit(student, school, **{"Idempotency-Key": "k-1"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["id"] == second.get_json()["id"]
    assert first.headers["Location"] == second.headers["Location"]
    assert number_of_essays() == 1


def test_the_same_key_for_another_text_is_refused(student: FlaskClient, school: School) -> None:
    submit(student, school, "one", **{"Idempotency-Key": "k-1"})
    answer = submit(student, school, "two", **{"Idempotency-Key": "k-1"})
    assert (answer.status_code, fields(answer)) == (422, ["Idempotency-Key"])
    assert number_of_essays() == 1


def test_the_same_key_of_another_student_is_another_key(student: FlaskClient, client: Clients, school: School) -> None:
    submit(student, school, **{"Idempotency-Key": "k-1"})
    assert submit(client(school.classmate), school, **{"Idempotency-Key": "k-1"}).status_code == 202
    assert number_of_essays() == 2


def test_of_many_requests_with_one_key_at_the_same_moment_one_makes_the_essay(client: Clients, school: School) -> None:
    clients = [client(school.student) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: submit(one, school, **{"Idempotency-Key": "k-1"}), clients))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert number_of_essays() == 1


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "schlüssel", "\t"])
def test_a_key_that_is_none_is_refused(student: FlaskClient, school: School, key: str) -> None:
    answer = submit(student, school, **{"Idempotency-Key": key})
    assert (answer.status_code, fields(answer)) == (422, ["Idempotency-Key"])


# --- a broker that is down -------------------------------------------------------------------------------------------


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = f"redis://127.0.0.1:{free_port()}/0"
    app = Celery("dead")
    app.conf.update(queue.configuration() | {"broker_url": dead})
    monkeypatch.setattr(queue, "celery_app", app)
    monkeypatch.setattr(progress, "connection", lambda: redis_client.Redis.from_url(dead))


def test_without_a_broker_the_essay_is_taken_and_left_for_the_sweeper(
    student: FlaskClient, school: School, no_broker: None
) -> None:
    assert submit(student, school).status_code == 202

    def untold() -> list[queues.Waiting]:
        with session() as db:
            return queues.untold(db, older_than=3600, lost_queues=[])

    assert eventually(untold, 10, "the essay counts as untold")[0].queue == "triage"


def test_without_a_broker_an_essay_can_be_withdrawn(student: FlaskClient, school: School, no_broker: None) -> None:
    essay = make_essay(school.student, school.assignment)
    assert student.post(f"{ESSAYS}/{essay.id}/cancel").get_json()["status"] == "cancelled"


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_waiting_essay_says_how_many_are_ahead_of_it(student: FlaskClient, client: Clients, school: School) -> None:
    for state in (EssayState.submitted, EssayState.queued):
        make_essay(school.classmate, school.assignment, state=state)
        make_essay(school.classmate, school.assignment, state=state)
        make_essay(school.student, school.assignment, state=state)
    queued, submitted = student.get(ESSAYS).get_json()["items"]
    places = [student.get(row["links"]["self"]).get_json() for row in (submitted, queued)]
    assert [(place["queue"], place["position"]) for place in places] == [("triage", 2), ("local", 2)]


@pytest.mark.parametrize("state", [EssayState.grading, EssayState.graded, EssayState.cancelled, EssayState.failed])
def test_an_essay_that_does_not_wait_has_no_position(student: FlaskClient, school: School, state: EssayState) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    assert student.get(f"{ESSAYS}/{essay.id}").get_json()["position"] is None


def test_a_grade_is_shown_with_everything_it_stands_on(student: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    body = student.get(f"{ESSAYS}/{essay.id}").get_json()
    route = {"tier": "local", "complexity": None, "parts": None, "reason": "a test", "put_off": False}
    assert body["route"] == route
    grading = body["grading"]
    assert (grading["total"], grading["max"], grading["source"]) == (12.4, 20, "local")
    assert (grading["model"], grading["prompt_version"], grading["cost_usd"]) == ("a-model", "grade/en/v1", None)
    for note in grading["annotations"]:
        assert body["text"][note["start"] : note["end"]] == note["quote"]
    history = student.get(body["history_url"]).get_json()
    assert [entry["after"] for entry in history["transitions"]] == ["submitted", "queued", "grading", "graded"]
    assert [one["id"] for one in history["gradings"]] == [grading["id"]]


@pytest.mark.parametrize("released", [False, True])
def test_a_grade_that_is_held_back_is_the_teachers_alone_until_it_is_released(
    student: FlaskClient, teacher: FlaskClient, school: School, released: bool
) -> None:
    held = make_assignment(school.school_class, release=Release.on_release)
    essay = make_essay(school.student, held, state=EssayState.graded)
    hand = {"comment": "My own words.", "points": {"ideas": 3}}
    assert teacher.post(f"{ESSAYS}/{essay.id}/gradings", json=hand).status_code == 201
    if released:
        assert teacher.post(f"/api/v1/assignments/{held.id}/release").get_json()["grades_visible"]

    def everything(who: FlaskClient) -> str:
        urls = (ESSAYS + f"/{essay.id}", ESSAYS + f"/{essay.id}/history", ESSAYS + f"/{essay.id}/events", ESSAYS)
        return "".join(who.get(url).get_data(as_text=True) for url in urls)

    seen = everything(student)
    assert ("My own words" in seen, '"total":9.2' in seen, '"total":12.4' in seen) == (released,) * 3
    assert '"status":"graded"' in seen, "that it is graded is no secret"
    assert "My own words" in everything(teacher)


def test_releasing_grades_leaves_a_notice_once(student: FlaskClient, teacher: FlaskClient, school: School) -> None:
    held = make_assignment(school.school_class, release=Release.on_release)
    make_essay(school.student, held, state=EssayState.graded)
    assert not student.get("/api/v1/notices").get_json()["items"]
    for _ in range(2):
        teacher.post(f"/api/v1/assignments/{held.id}/release")
    (notice,) = student.get("/api/v1/notices").get_json()["items"]
    assert notice["kind"] == "graded"


def test_own_essays_are_listed_in_pages_newest_first(student: FlaskClient, school: School) -> None:
    essays = [str(make_essay(school.student, school.assignment, f"Essay {i}.").id) for i in range(5)]
    make_essay(school.classmate, school.assignment)
    seen, cursor = [], ""
    while cursor is not None:
        page = student.get(f"{ESSAYS}?limit=2" + (f"&cursor={cursor}" if cursor else "")).get_json()
        assert len(page["items"]) <= 2
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
        make_essay(school.classmate, school.assignment, "It comes in between.")
    assert seen == essays[::-1]


def test_own_essays_are_filtered(student: FlaskClient, school: School) -> None:
    other = make_assignment(school.school_class)
    graded = make_essay(school.student, school.assignment, state=EssayState.graded)
    waiting = make_essay(school.student, other)

    def ids(query: str) -> list[str]:
        return [row["id"] for row in student.get(f"{ESSAYS}?{query}").get_json()["items"]]

    assert ids("state=graded") == [str(graded.id)]
    assert ids(f"assignment_id={other.id}") == [str(waiting.id)]
    assert ids(f"assignment_id={other.id}&state=graded") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("state=lost", "state"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=" + "eCB5", "cursor"),
        ("assignment_id=1", "assignment_id"),
        ("stat=graded", "stat"),
    ],
)
def test_a_filter_that_is_wrong_is_refused_by_name(
    student: FlaskClient, school: School, query: str, named: str
) -> None:
    answer = student.get(f"{ESSAYS}?{query}")
    assert (answer.status_code, fields(answer)) == (422, [named])


# --- withdrawing, trying again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [EssayState.submitted, EssayState.queued, EssayState.grading, EssayState.cancelled])
def test_an_essay_without_a_grade_can_be_withdrawn(student: FlaskClient, school: School, state: EssayState) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    answer = student.post(f"{ESSAYS}/{essay.id}/cancel")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("state", [EssayState.graded, EssayState.needs_review, EssayState.failed])
def test_an_essay_that_has_ended_cannot(student: FlaskClient, school: School, state: EssayState) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    answer = student.post(f"{ESSAYS}/{essay.id}/cancel")
    assert answer.status_code == 409
    assert state.value in answer.get_json()["detail"]


def test_withdrawing_takes_the_claim_away_and_calls_the_worker_off(student: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.grading)
    with progress.connection().pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(progress.CANCEL_CHANNEL)
        channel.get_message(timeout=5)
        student.post(f"{ESSAYS}/{essay.id}/cancel")
        message = channel.get_message(timeout=5)
    assert message
    assert message["data"] == str(essay.id)
    with session() as db:
        assert db.get_one(Essay, essay.id).claim_token is None


@pytest.mark.parametrize("state", [EssayState.failed, EssayState.needs_review])
def test_a_teacher_has_an_essay_tried_again(teacher: FlaskClient, school: School, state: EssayState) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    answer = teacher.post(f"{ESSAYS}/{essay.id}/retry")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "submitted")
    eventually(lambda: messages_waiting("triage") == 1, 5, "triage is told")


def test_an_essay_that_is_on_its_way_is_not_tried_again(teacher: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    assert teacher.post(f"{ESSAYS}/{essay.id}/retry").status_code == 409
    assert messages_waiting("triage") == 0


# --- a teacher's own grade -------------------------------------------------------------------------------------------


def grade(who: FlaskClient, essay: Essay, **body: object) -> Any:
    return who.post(f"{ESSAYS}/{essay.id}/gradings", data=json.dumps(body), content_type="application/json")


def test_a_teacher_overrules_one_criterion_and_keeps_the_rest(
    student: FlaskClient, teacher: FlaskClient, school: School
) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    answer = grade(teacher, essay, points={"ideas": 9.5}, comments={"language": "很好"}, comment="Well done.")
    assert answer.status_code == 201
    body = student.get(f"{ESSAYS}/{essay.id}").get_json()
    now_current = body["grading"]
    assert now_current == answer.get_json()
    assert (now_current["total"], now_current["source"], now_current["comment"]) == (15.7, "teacher", "Well done.")
    assert now_current["graded_by"] == school.teacher.name
    ideas, language = now_current["criteria"]
    assert (ideas["points"], ideas["level"], ideas["confidence"]) == (9.5, None, None)
    assert (language["points"], language["level"], language["comment"]) == (6.2, 4.1, "很好")
    assert now_current["annotations"], "the margin notes stay"
    history = student.get(body["history_url"]).get_json()["gradings"]
    assert [one["source"] for one in history] == ["local", "teacher"], "nothing is overwritten"
    with session() as db:
        kinds = db.scalars(select(Notice.kind).filter_by(user_id=school.student.id).order_by(Notice.created_at)).all()
    assert kinds == ["graded", "regraded"]


def test_an_empty_grade_confirms_the_current_one(teacher: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    body = grade(teacher, essay).get_json()
    assert (body["total"], body["source"]) == (12.4, "teacher")


@pytest.mark.parametrize("state", [EssayState.needs_review, EssayState.failed, EssayState.queued, EssayState.grading])
def test_an_essay_without_a_grade_needs_points_for_everything(
    teacher: FlaskClient, school: School, state: EssayState
) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    answer = grade(teacher, essay, points={"ideas": 1})
    assert (answer.status_code, fields(answer)) == (422, ["points.language"])
    assert grade(teacher, essay, points={"ideas": 1, "language": "2.25"}).get_json()["total"] == 3.25
    assert teacher.get(f"{ESSAYS}/{essay.id}").get_json()["status"] == "graded"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"points": {"ideas": 10.5}}, "points.ideas"),
        ({"points": {"ideas": -0.01}}, "points.ideas"),
        ({"points": {"ideas": 1.234}}, "points.ideas"),
        ({"points": {"ideas": "many"}}, "points.ideas"),
        ({"points": {"ideas": "NaN"}}, "points.ideas"),
        ({"points": {"ideas": "1e400"}}, "points.ideas"),
        ({"points": {"ideas": None}}, "points.ideas"),
        ({"points": {"style": 1}}, "points.style"),
        ({"comments": {"style": "x"}}, "comments.style"),
        ({"comments": {"ideas": "a\0"}}, "comments.ideas"),
        ({"comment": "x" * 5_001}, "comment"),
        ({"comment": "\ud800"}, "comment"),
        ({"total": 20}, "total"),
        ({"points": [1, 2]}, "points"),
    ],
    ids=repr,
)
def test_a_grade_that_the_rubric_does_not_know_is_refused_by_name(
    teacher: FlaskClient, school: School, body: dict[str, Any], named: str
) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    answer = grade(teacher, essay, **body)
    assert (answer.status_code, fields(answer)) == (422, [named])
    assert len(teacher.get(f"{ESSAYS}/{essay.id}/history").get_json()["gradings"]) == 1


def test_points_of_a_former_rubric_are_not_carried_over(teacher: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    wider = {"criteria": [{**RUBRIC["criteria"][0], "max": 40}, RUBRIC["criteria"][1]]}
    task = {"title": "A day", "prompt": "Write.", "language": "en", "rubric": wider}
    assert teacher.put(f"/api/v1/assignments/{school.assignment.id}", json=task).status_code == 200
    assert fields(grade(teacher, essay)) == ["points.ideas"]
    body = grade(teacher, essay, points={"ideas": 30}).get_json()
    assert (body["total"], body["max"], body["rubric_version"]) == (36.2, 50, 2)


def test_a_withdrawn_essay_is_not_graded(teacher: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.cancelled)
    assert grade(teacher, essay, points={"ideas": 1, "language": 1}).status_code == 409


def test_a_teachers_grade_calls_off_a_model_that_is_at_it(teacher: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.grading)
    assert grade(teacher, essay, points={"ideas": 1, "language": 1}).status_code == 201
    with session() as db:
        assert not lifecycle.renew(db, [lifecycle.Claim(essay.id, essay.claim_token, 1)], settings().lease)  # type: ignore[arg-type]
