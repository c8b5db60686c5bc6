"""app/api/classes.py: making a class, joining it, and seeing who and what is in it."""

from __future__ import annotations

from typing import Any

import pytest

from models import EssayState
from models.people import JOIN_CODE_ALPHABET
from tests.app.conftest import Clients
from tests.factories import School, make_assignment, make_essay, make_user

CLASSES = "/api/v1/classes"


def test_a_teacher_makes_a_class_and_a_student_joins_it_by_its_code(client: Clients, school: School) -> None:
    made = client(school.teacher).post(CLASSES, json={"name": " 八年级二班 "})
    assert made.status_code == 201
    school_class = made.get_json()
    assert school_class["name"] == "八年级二班"
    assert set(school_class["join_code"]) <= set(JOIN_CODE_ALPHABET)

    newcomer = make_user()
    written = f" {school_class['join_code'][:4].lower()} {school_class['join_code'][4:]}\n"
    for _ in range(2):
        joined = client(newcomer).post(f"{CLASSES}/join", json={"join_code": written})
        assert (joined.status_code, joined.get_json()["id"]) == (200, school_class["id"])
    seen = client(school.teacher).get(f"{CLASSES}/{school_class['id']}").get_json()
    assert [student["email"] for student in seen["students"]] == [newcomer.email]
    assert [teacher["name"] for teacher in seen["teachers"]] == [school.teacher.name]


def test_a_student_sees_neither_the_code_nor_the_classmates(client: Clients, school: School) -> None:
    seen = client(school.student).get(f"{CLASSES}/{school.school_class.id}").get_json()
    assert (seen["join_code"], seen["students"]) == (None, None)
    (listed,) = client(school.student).get(CLASSES).get_json()["items"]
    assert listed["join_code"] is None


@pytest.mark.parametrize("code", ["", "WRONGCOD", "é", "a\0b", "\u0131", "A" * 5_000, 7, None])
def test_a_code_that_no_class_has_is_refused(client: Clients, school: School, code: object) -> None:
    answer = client(school.student).post(f"{CLASSES}/join", json={"join_code": code})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == ["join_code"]


def test_trying_codes_ends_soon(client: Clients, school: School) -> None:
    guesser = client(school.student)
    codes = [guesser.post(f"{CLASSES}/join", json={"join_code": f"GUESS{i:03}"}).status_code for i in range(11)]
    assert codes == [422] * 10 + [429]
    other = client(school.classmate).post(f"{CLASSES}/join", json={"join_code": school.other_class.join_code})
    assert other.status_code == 200, "others at the same address are not held up"


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "two\nlines", "a\0b", None, 5])
def test_a_name_that_is_none_is_refused(client: Clients, school: School, name: object) -> None:
    answer = client(school.teacher).post(CLASSES, json={"name": name})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == ["name"]


def test_the_table_of_a_class_has_its_filters(client: Clients, school: School) -> None:
    other_assignment = make_assignment(school.school_class, title="A second one")
    graded = make_essay(school.student, school.assignment, state=EssayState.graded)
    waiting = make_essay(school.classmate, other_assignment)
    make_essay(school.other_student, make_assignment(school.other_class))
    teacher = client(school.teacher)

    def rows(query: str = "") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = teacher.get(f"{CLASSES}/{school.school_class.id}/essays?{query}").get_json()[
            "items"
        ]
        return items

    assert [row["id"] for row in rows()] == [str(waiting.id), str(graded.id)]
    (row,) = rows("state=graded")
    assert (row["student"]["name"], row["total"], row["max"], row["confidence"], row["source"]) == (
        school.student.name,
        12.4,
        20,
        0.8,
        "local",
    )
    assert [row["id"] for row in rows(f"student_id={school.classmate.id}")] == [str(waiting.id)]
    assert [row["assignment"] for row in rows(f"assignment_id={other_assignment.id}")] == ["A second one"]
    assert rows(f"student_id={school.classmate.id}&state=graded") == []
