"""app/templates/essay/anchor.html: a teacher has an essay graded again every day, or no more."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from grading.anchors import appoint
from grading.sentinel import ANCHORS, FROM
from models import Assignment, Essay, EssayState, Grading
from models.session import session
from tests.app.pages.conftest import Visit
from tests.factories import TEXT, School, make_essay


@pytest.fixture
def essays(school: School) -> list[Essay]:
    made = [
        make_essay(school.student, school.assignment, f"{TEXT} {number}", EssayState.graded) for number in range(FROM)
    ]
    with session() as db:
        db.execute(update(Grading).values(tier="local"))
        db.commit()
    return made


def test_the_teacher_keeps_an_essay_and_takes_it_back(visit: Visit, school: School, essays: list[Essay]) -> None:
    teacher, address = visit(school.teacher), f"/essays/{essays[0].id}"
    page = teacher.send(teacher.get(address), "/anchor", "Keep as an anchor")
    assert "From now on the essay is graded again every day." in page.text
    assert "This essay is kept as an anchor" in page.text
    assert f"Anchors of this assignment: {school.student.name} (kept)" in " ".join(page.text.split())
    assert "Keep as an anchor" not in page.text
    page = teacher.send(page, "/anchor", "No anchor any more")
    assert "From now on the essay is not graded again every day." in page.text
    assert "No anchor any more" not in page.text
    assert re.findall(r"(\w+) as an anchor\s+(\S+@\S+)", page.text) == [
        ("Dismissed", school.teacher.email),
        ("Kept", school.teacher.email),
    ]


def test_what_cannot_be_is_said_in_the_readers_language(visit: Visit, school: School, essays: list[Essay]) -> None:
    teacher = visit(school.teacher, "zh")
    for essay in essays[:ANCHORS]:
        teacher.send(teacher.get(f"/essays/{essay.id}"), "/anchor", "指定为锚点")
    page = teacher.send(teacher.get(f"/essays/{essays[-1].id}"), "/anchor", "指定为锚点")
    assert f"本次作业已有 {ANCHORS} 篇指定的锚点" in page.text
    assert "指定为锚点" in page.text


def test_one_that_was_chosen_automatically_says_so_and_a_student_reads_none_of_it(
    visit: Visit, school: School, essays: list[Essay]
) -> None:
    with session() as db:
        anchor = appoint(db, db.get_one(Assignment, school.assignment.id))[0]
        db.commit()
    page = visit(school.teacher).get(f"/essays/{anchor.essay_id}")
    assert "chosen automatically as an anchor" in page.text
    assert "No anchor any more" in page.text
    assert "anchor" not in visit(school.student).get(f"/essays/{anchor.essay_id}").text
    ungraded = make_essay(school.student, school.assignment)
    assert "as an anchor" not in visit(school.teacher).get(f"/essays/{ungraded.id}").text
