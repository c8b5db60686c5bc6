"""app/api/people.py: oneself and one's notices."""

from __future__ import annotations

from models import EssayState
from tests.app.conftest import Clients
from tests.factories import School, make_essay

NOTICES = "/api/v1/notices"


def test_a_token_knows_whose_it_is(client: Clients, school: School) -> None:
    assert client(school.ops).get("/api/v1/me").get_json() == {
        "id": str(school.ops.id),
        "name": school.ops.name,
        "email": school.ops.email,
        "role": "ops",
        "language": None,
    }


def test_who_was_away_finds_a_notice_until_it_is_seen(client: Clients, school: School) -> None:
    first, second = (make_essay(school.student, school.assignment, state=EssayState.graded) for _ in range(2))
    student = client(school.student)
    notices = student.get(f"{NOTICES}?unseen=true").get_json()["items"]
    assert [(n["kind"], n["essay_id"], n["assignment"]) for n in notices] == [
        ("graded", str(essay.id), school.assignment.title) for essay in (second, first)
    ]
    assert student.post(f"{NOTICES}/seen", json={"ids": [notices[0]["id"]]}).status_code == 204
    (left,) = student.get(f"{NOTICES}?unseen=true").get_json()["items"]
    assert left["id"] == notices[1]["id"]
    student.post(f"{NOTICES}/seen", json={})
    assert not student.get(f"{NOTICES}?unseen=true").get_json()["items"]
    assert len(student.get(NOTICES).get_json()["items"]) == 2


def test_notices_of_others_are_neither_shown_nor_marked(client: Clients, school: School) -> None:
    make_essay(school.student, school.assignment, state=EssayState.graded)
    (notice,) = client(school.student).get(NOTICES).get_json()["items"]
    stranger = client(school.classmate)
    assert not stranger.get(NOTICES).get_json()["items"]
    stranger.post(f"{NOTICES}/seen", json={"ids": [notice["id"]]})
    assert client(school.student).get(f"{NOTICES}?unseen=1").get_json()["items"]


def test_a_teacher_is_told_of_an_essay_that_needs_them(client: Clients, school: School) -> None:
    make_essay(school.student, school.assignment, state=EssayState.needs_review)
    assert [n["kind"] for n in client(school.teacher).get(NOTICES).get_json()["items"]] == ["needs_review"]
    assert not client(school.other_teacher).get(NOTICES).get_json()["items"]
