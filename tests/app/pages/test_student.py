"""app/pages/student.py: assignments, news, and joining a class."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from models import Assignment, EssayState, Membership, Notice, Release
from models.base import now
from models.session import session
from tests.app.pages.conftest import Visit
from tests.factories import School, make_assignment, make_essay


def test_the_home_shows_the_assignments_and_what_became_of_the_essays(visit: Visit, school: School) -> None:
    make_essay(school.student, school.assignment, state=EssayState.graded)
    make_assignment(school.school_class, title="A second one", deadline=now() + timedelta(days=1))
    make_assignment(school.other_class, title="Of another class")
    page = visit(school.student).get("/assignments")
    assert "Computers 电脑" in page.text
    assert "Graded 12.4 / 20" in page.text
    assert "A second one" in page.text
    assert "Deadline: " in page.text
    assert "Of another class" not in page.text


def test_essays_of_classmates_are_nowhere(visit: Visit, school: School) -> None:
    make_essay(school.classmate, school.assignment, state=EssayState.graded)
    page = visit(school.student).get("/assignments")
    assert "Nothing handed in yet" in page.text
    assert "12.4" not in page.html


def test_a_grade_that_is_held_back_shows_no_figure(visit: Visit, school: School) -> None:
    assignment = make_assignment(school.school_class, release=Release.on_release)
    make_essay(school.student, assignment, state=EssayState.graded)
    page = visit(school.student).get("/assignments")
    assert "not released yet" in page.text
    assert "12.4" not in page.html


def test_what_happened_while_one_was_away_stands_there_until_it_is_seen(visit: Visit, school: School) -> None:
    make_essay(school.student, school.assignment, state=EssayState.graded)
    visitor = visit(school.student)
    page = visitor.get("/assignments")
    assert "While you were away" in page.text
    assert "Your essay has been graded. Computers 电脑" in page.text
    page = visitor.send(page, "/notices/seen")
    assert "While you were away" not in page.text
    with session() as db:
        assert all(notice.seen_at for notice in db.query(Notice))


def test_a_student_joins_a_class_by_its_code(visit: Visit, school: School) -> None:
    visitor = visit(school.student)
    code = school.other_class.join_code
    page = visitor.send(visitor.get("/assignments"), "/classes/join", join_code=f" {code[:4].lower()} {code[4:]} ")
    assert "You are in the class “Class 9a” now." in page.text
    with session() as db:
        assert db.get(Membership, (school.other_class.id, school.student.id))


def test_a_wrong_code_stays_in_the_field_beside_the_reason(visit: Visit, school: School, redis: Any) -> None:
    visitor = visit(school.student, "zh")
    page = visitor.send(visitor.get("/assignments"), "/classes/join", join_code="NO SUCH")
    assert page.status == 422
    assert page.form("/classes/join").fields["join_code"] == "NO SUCH"
    assert "没有班级使用这个代码" in page.text
    [field] = [attributes for _, attributes in page.elements if attributes.get("name") == "join_code"]
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "join_code-error")


def test_older_assignments_are_a_page_away(visit: Visit, school: School) -> None:
    with session() as db:
        db.add_all(
            Assignment(
                class_id=school.school_class.id,
                title=f"Number {number:02}",
                prompt="Write.",
                language="en",
                created_at=now() - timedelta(days=number + 1),
            )
            for number in range(60)
        )
        db.commit()
    visitor = visit(school.student)
    first = visitor.get("/assignments")
    assert "Number 48" in first.text
    assert "Number 49" not in first.text
    [older] = [attributes["href"] for tag, attributes in first.elements if "cursor=" in attributes.get("href", "")]
    second = visitor.get(older)
    assert "Number 49" in second.text
    assert "Number 48" not in second.text
