"""app/api/assignments.py: what an assignment may be, and that a rubric once used never changes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import assignments
from grading.engines.engine import RequestRefused
from models import EssayState
from models.session import session
from tests.app.conftest import Clients
from tests.factories import RUBRIC, School, make_essay

ASSIGNMENTS = "/api/v1/assignments"


@pytest.fixture
def teacher(client: Clients, school: School) -> FlaskClient:
    return client(school.teacher)


def task(**changes: Any) -> dict[str, Any]:
    return {"title": "A day 一天", "prompt": "Write of a day.", "language": "en", "rubric": RUBRIC, **changes}


def create(teacher: FlaskClient, school: School, **changes: Any) -> Any:
    return teacher.post(ASSIGNMENTS, json={"class_id": str(school.school_class.id), **task(**changes)})


def rubric(maximum: float) -> dict[str, Any]:
    return {"criteria": [{"key": "ideas", "name": "Ideas", "max": maximum}]}


def test_an_assignment_may_route_its_own_way(teacher: FlaskClient, school: School) -> None:
    own = {"accept": {"local": 0.62}, "complex_from": 0.9}
    shown = create(teacher, school, routing=own).get_json()
    assert shown["routing"] == own
    where = f"{ASSIGNMENTS}/{shown['id']}"
    assert teacher.put(where, json=task(title="Another")).get_json()["routing"] == own, "it was not spoken of"
    assert teacher.put(where, json=task(routing={"accept": {"large": 1}})).get_json()["routing"] == {
        "accept": {"large": 1}
    }
    assert teacher.put(where, json=task(routing=None)).get_json()["routing"] is None
    assert create(teacher, school).get_json()["routing"] is None


@pytest.mark.parametrize(
    ("routing", "named"),
    [
        ({"accept": {"huge": 0.5}}, "routing.accept.huge"),
        ({"accept": {"local": 1.5}}, "routing.accept.local"),
        ({"accept": {"local": "much"}}, "routing.accept.local"),
        ({"complex_from": -1}, "routing.complex_from"),
        ({"longest_wait": 0}, "routing.longest_wait"),
        ({"complexity": 0.5}, "routing.complexity"),
        ([], "routing"),
    ],
)
def test_what_is_no_threshold_is_refused_by_name(
    teacher: FlaskClient, school: School, routing: Any, named: str
) -> None:
    answer = create(teacher, school, routing=routing)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [named]


def test_what_is_saved_is_shown(teacher: FlaskClient, client: Clients, school: School) -> None:
    fields = {
        "deadline": "2026-12-24T18:00:00+08:00",
        "tolerance": 1.5,
        "release": "from_date",
        "release_at": "2190-01-07T00:00:00Z",
    }
    answer = create(teacher, school, **fields)
    assert answer.status_code == 201, answer.get_json()
    shown = client(school.student).get(answer.headers["Location"]).get_json()
    assert shown == answer.get_json()
    assert (shown["title"], shown["language"], shown["rubric_version"]) == ("A day 一天", "en", 1)
    assert shown["deadline"] == "2026-12-24T10:00:00Z"
    assert (shown["tolerance"], shown["release_at"]) == (1.5, "2190-01-07T00:00:00Z")
    assert not shown["grades_visible"]
    assert [c["key"] for c in shown["rubric"]["criteria"]] == ["ideas", "language"]
    listed = client(school.student).get(f"{ASSIGNMENTS}?class_id={school.school_class.id}").get_json()["items"]
    assert [one["id"] for one in listed] == [shown["id"], str(school.assignment.id)]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "half \ud83d"}, "prompt"),
        ({"language": "fr"}, "language"),
        ({"rubric": None}, "rubric"),
        ({"rubric": {"criteria": []}}, "rubric.criteria"),
        ({"rubric": rubric(0)}, "rubric.criteria[0].max"),
        ({"rubric": {"criteria": [{"key": "Ideas!", "name": "x", "max": 1}]}}, "rubric.criteria[0].key"),
        ({"rubric": {"criteria": [{"key": "a", "name": "x", "max": 1, "\ud800": 1}]}}, None),
        ({"deadline": "tomorrow"}, "deadline"),
        ({"deadline": "2026-12-24T18:00:00"}, "deadline"),
        ({"deadline": "0001-01-01T00:00:00+14:00"}, "deadline"),
        ({"tolerance": -1}, "tolerance"),
        ({"tolerance": 20.5}, "tolerance"),
        ({"release": "never"}, "release"),
        ({"release": "from_date"}, "release_at"),
        ({"release_at": "2190-01-07T00:00:00Z"}, "release_at"),
        ({"class_id": "00000000-0000-4000-8000-000000000000"}, "class_id"),
        ({"deadlin": None}, "deadlin"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_cannot_be_saved_is_refused_by_name(
    teacher: FlaskClient, school: School, changes: dict[str, Any], named: str | None
) -> None:
    body = json.dumps({"class_id": str(school.school_class.id), **task(**changes)})
    answer = teacher.post(ASSIGNMENTS, data=body, content_type="application/json")
    assert answer.status_code == 422
    errors = answer.get_json()["errors"]
    if named:
        assert named in [error["field"] for error in errors]
    assert len(teacher.get(ASSIGNMENTS).get_json()["items"]) == 1


def test_a_rubric_that_the_grammar_compiler_refuses_is_refused_when_it_is_saved(
    teacher: FlaskClient, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(schema: object) -> None:
        raise RequestRefused("too many states")

    monkeypatch.setattr(assignments, "check_schema", refuse)
    answer = create(teacher, school, rubric=rubric(3))
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["field"] == "rubric"
    assert "too many states" in error["message"]


def test_a_changed_rubric_is_a_new_version_and_the_same_one_is_not(teacher: FlaskClient, school: School) -> None:
    graded = make_essay(school.student, school.assignment, state=EssayState.graded)
    url = f"{ASSIGNMENTS}/{school.assignment.id}"

    def version(**changes: Any) -> int:
        answer = teacher.put(url, json=task(**changes))
        assert answer.status_code == 200, answer.get_json()
        number: int = answer.get_json()["rubric_version"]
        return number

    assert version() == 1, "what is sent is the rubric that is there"
    assert version(title="Renamed") == 1
    assert version(rubric=rubric(10)) == 2
    assert version(rubric=rubric(10.0)) == 2, "10 and 10.0 are the same points"
    assert version() == 3
    assert teacher.get(f"/api/v1/essays/{graded.id}").get_json()["grading"]["rubric_version"] == 1


def test_of_two_who_change_a_rubric_at_the_same_moment_each_makes_a_version(client: Clients, school: School) -> None:
    url = f"{ASSIGNMENTS}/{school.assignment.id}"
    clients = [client(school.teacher) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: one[1].put(url, json=task(rubric=rubric(one[0]))), enumerate(clients, 1)))
    assert sorted(answer.get_json()["rubric_version"] for answer in answers) == [2, 3, 4, 5]


def test_an_assignment_stays_in_its_class(teacher: FlaskClient, school: School) -> None:
    url = f"{ASSIGNMENTS}/{school.assignment.id}"
    assert teacher.put(url, json=task(class_id=str(school.school_class.id))).status_code == 200
    answer = teacher.put(url, json=task(class_id=str(school.other_class.id)))
    assert [error["field"] for error in answer.get_json()["errors"]] == ["class_id"]


def test_grades_once_released_stay_released_when_the_assignment_is_changed(
    teacher: FlaskClient, school: School
) -> None:
    url = create(teacher, school, release="on_release").headers["Location"]
    assert not teacher.get(url).get_json()["grades_visible"]
    assert teacher.post(f"{url}/release").get_json()["grades_visible"]
    assert teacher.put(url, json=task(release="on_release", title="Renamed")).get_json()["grades_visible"]
    changed = teacher.put(url, json=task(release="from_date", release_at="2190-01-01T00:00:00Z")).get_json()
    assert not changed["grades_visible"]


def test_nothing_is_held_in_the_database_while_the_compiler_works(
    teacher: FlaskClient, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy: list[int] = []

    def look(schema: object) -> None:
        with session() as db:
            busy.append(db.connection().engine.pool.checkedout())  # type: ignore[attr-defined]

    monkeypatch.setattr(assignments, "check_schema", look)
    assert create(teacher, school).status_code == 201
    assert busy == [1], "only the connection that looks"
