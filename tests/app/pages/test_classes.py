"""app/pages/classes.py: a teacher's classes and the essays in them."""

from __future__ import annotations

from models import EssayState
from tests.app.pages.conftest import Visit
from tests.factories import School, make_assignment, make_essay


def test_a_teacher_makes_a_class_and_is_told_its_code(visit: Visit, school: School) -> None:
    visitor = visit(school.teacher)
    page = visitor.send(visitor.get("/classes"), "/classes", name=" 八年级 8c ")
    assert "八年级 8c" in page.text
    code = page.text.split("Code for students to join: ")[1].split()[0]
    assert f"Give the code {code} to your students" in page.text


def test_a_class_needs_a_name(visit: Visit, school: School) -> None:
    visitor = visit(school.teacher, "zh")
    page = visitor.send(visitor.get("/classes"), "/classes", name="  ")
    assert page.status == 422
    assert "请填写此项。" in page.text


def test_what_waits_for_the_teacher_stands_out(visit: Visit, school: School) -> None:
    for state in (EssayState.needs_review, EssayState.failed, EssayState.graded, EssayState.cancelled):
        make_essay(school.student, school.assignment, state=state)
    page = visit(school.teacher).get("/classes")
    assert "Class 8b 2 students" in page.text
    assert "2 essays wait for you" in page.text
    page = visit(school.teacher).get(f"/classes/{school.school_class.id}")
    assert "Computers 电脑 – 3 1 2" in page.text  # deadline, essays, graded, waiting


def test_classes_of_others_are_not_listed(visit: Visit, school: School) -> None:
    assert "Class 9a" not in visit(school.teacher).get("/classes").text


def test_the_essays_of_a_class_are_filtered(visit: Visit, school: School) -> None:
    other = make_assignment(school.school_class, title="Another")
    make_essay(school.student, school.assignment, state=EssayState.graded)
    make_essay(school.classmate, other, state=EssayState.failed)
    visitor = visit(school.teacher)
    address = f"/classes/{school.school_class.id}"

    def rows(**query: str) -> list[str]:
        table = visitor.get(address, **query).html.split('id="essays"')[1].split("<details")[0]
        return [person.name for person in (school.student, school.classmate) if f">{person.name}<" in table]

    assert rows() == [school.student.name, school.classmate.name]
    assert rows(state="failed", assignment_id="") == [school.classmate.name]
    assert rows(assignment_id=str(school.assignment.id)) == [school.student.name]
    assert rows(assignment_id=str(other.id), state="graded") == []
    assert "No essay fits." in visitor.get(address, state="queued").text


def test_a_filter_that_is_none_is_an_error_with_a_way_on(visit: Visit, school: School) -> None:
    page = visit(school.teacher).get(f"/classes/{school.school_class.id}", state="lost")
    assert page.status == 422
    assert "To the start page" in page.text


def test_older_essays_are_a_page_away(visit: Visit, school: School) -> None:
    for number in range(51):
        make_essay(school.student, school.assignment, f"Number {number}.")
    visitor = visit(school.teacher)
    first = visitor.get(f"/classes/{school.school_class.id}", state="submitted")
    [older] = [attributes["href"] for _, attributes in first.elements if "cursor=" in attributes.get("href", "")]
    assert "state=submitted" in older
    assert visitor.get(older).html.count('<th scope="row"><a href="/essays/') == 1
