"""app/templates/teacher/calibration.html: what a teacher is told of what was learned from their marks."""

from __future__ import annotations

import pytest

from models import Assignment, Calibration, EssayState
from models.session import session
from tests.app.conftest import Clients
from tests.app.pages.conftest import Visit
from tests.factories import School, make_essay, make_grading


@pytest.fixture
def address(school: School) -> str:
    return f"/assignments/{school.assignment.id}"


def trained(school: School, *, used: bool) -> None:
    with session() as db:
        assignment = db.get_one(Assignment, school.assignment.id)
        row = Calibration(
            assignment_id=assignment.id,
            rubric_id=assignment.rubric_id,
            version="0" * 64,
            marks=20,
            dump=b"",
            digest="",
            signature="",
            library="",
            scale={"low": 0, "high": 15, "step": 1},
            quality={"qwk": 0.7, "mean_error": 1.25},
            graders={},
            evidence=[
                {"essay": str(n), "mark": float(n % 16), "predicted": (n % 16) + (n % 5 - 2) / 2} for n in range(20)
            ],
            predictions={str(n): float(n % 16) for n in range(100, 140)},
            comparison={"used": used, "rival": "rubric", "essays": 20, "error": 1.25, "rival_error": 2.5},
        )
        db.add(row)
        db.flush()
        assignment.calibration_id = row.id if used else None
        db.commit()


def test_without_marks_a_teacher_reads_how_many_are_missing(visit: Visit, school: School, address: str) -> None:
    page = visit(school.teacher).get(address)

    assert "20 more marks of yours" in page.text
    assert "You have marked 0 essays." in page.text


def test_what_is_in_use_is_shown_with_its_error_beside_the_one_before(
    visit: Visit, school: School, address: str
) -> None:
    trained(school, used=True)
    page = visit(school.teacher).get(address)

    assert "learned from 20 of your marks" in page.text
    assert "1.25" in page.text
    assert "2.5" in page.text


def test_what_was_no_better_is_shown_as_not_used(visit: Visit, school: School, address: str) -> None:
    trained(school, used=False)

    assert "no better, so not used" in visit(school.teacher).get(address).text


def test_a_teacher_can_have_the_rubric_alone_and_go_back(visit: Visit, school: School, address: str) -> None:
    trained(school, used=True)
    teacher = visit(school.teacher)
    page = teacher.send(teacher.get(address), action=f"{address}/calibration")
    assert "You chose the rubric's points alone" in page.text

    page = teacher.send(page, action=f"{address}/calibration")
    assert "learned from 20 of your marks" in page.text


def test_a_teacher_sees_what_a_tolerance_means_before_it_is_set(visit: Visit, school: School, address: str) -> None:
    trained(school, used=True)
    teacher = visit(school.teacher)
    page = teacher.get(f"{address}?tolerance=0")
    assert "Of 40 essays without a mark of yours, " in page.text
    assert tolerance_of(school) is None

    page = teacher.send(page, action=f"{address}/tolerance")
    assert "From the next essay on the tolerance counts." in page.text
    assert tolerance_of(school) == 0

    page = teacher.send(page, action=f"{address}/tolerance")
    assert "No tolerance is set" in page.text
    assert tolerance_of(school) is None


def test_a_teacher_has_earlier_grades_get_what_was_learned(
    visit: Visit, client: Clients, school: School, address: str
) -> None:
    make_grading(make_essay(school.student, school.assignment, state=EssayState.graded), school.assignment)
    api = client(school.teacher)
    refused = api.post(f"/api/v1{address}/calibration/apply")
    assert (refused.status_code, "in use" in refused.get_json()["title"]) == (409, True)

    trained(school, used=True)
    assert api.get(f"/api/v1{address}/calibration").get_json()["earlier"] == 1
    teacher = visit(school.teacher)
    page = teacher.get(address)
    assert "1 essay was graded before that" in page.text
    page = teacher.send(page, action=f"{address}/recalibrate")
    assert "within a minute" in page.text
    assert "Give them these points too" not in page.text
    assert api.post(f"/api/v1{address}/calibration/apply").get_json()["recalibrating"]


def test_a_wider_tolerance_troubles_the_teacher_less(school: School, client: Clients) -> None:
    trained(school, used=True)
    address = f"/api/v1/assignments/{school.assignment.id}/calibration"
    narrow, wide = (client(school.teacher).get(f"{address}?tolerance={points}").get_json() for points in (0, 5))

    assert wide["tally"]["outside"] < narrow["tally"]["outside"] <= narrow["tally"]["essays"] == 40
    assert narrow["in_use"] == "0" * 64
    assert narrow["wanted"] == 20
    assert narrow["versions"][0]["quality"] == {"qwk": 0.7, "mean_error": 1.25}


def tolerance_of(school: School) -> object:
    with session() as db:
        return db.get_one(Assignment, school.assignment.id).tolerance


def test_students_see_none_of_it(visit: Visit, school: School, address: str) -> None:
    trained(school, used=True)

    assert "Calibration" not in visit(school.student).get(address).text
