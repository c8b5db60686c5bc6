"""app/pages/notices.py: what happened, and what of it is new."""

from __future__ import annotations

from grading import notices
from models import EssayState
from models.session import session
from tests.app.pages.conftest import Visit
from tests.factories import School, make_essay


def unseen(visit: Visit, school: School) -> str:
    [count] = [one for _, one in visit(school.student).get("/notices").elements if "data-unseen" in one]
    return count["data-unseen"]


def test_opening_an_essay_sees_its_notices_and_no_others(visit: Visit, school: School) -> None:
    essays = [make_essay(school.student, school.assignment, state=EssayState.graded) for _ in range(2)]
    assert unseen(visit, school) == "2"
    visit(school.teacher).get(f"/essays/{essays[0].id}")
    assert unseen(visit, school) == "2"
    visit(school.student).get(f"/essays/{essays[0].id}")
    assert unseen(visit, school) == "1"


def test_a_teacher_is_told_of_essays_that_need_one(visit: Visit, school: School) -> None:
    make_essay(school.student, school.assignment, state=EssayState.needs_review)
    assert "An essay waits for a teacher. Computers 电脑" in visit(school.teacher).get("/notices").text


def test_a_teacher_is_led_to_an_essay_that_shares_words_and_its_student_is_told_nothing(
    visit: Visit, school: School
) -> None:
    essay = make_essay(school.student, school.assignment)
    with session() as db:
        notices.leave(db, essay.id, "copy")
        db.commit()
    page = visit(school.teacher).get("/notices")
    assert "An essay shares words with another student's. Computers 电脑" in page.text
    assert f"/essays/{essay.id}" in {one.get("href") for _, one in page.elements}
    assert unseen(visit, school) == "0"


def test_all_can_be_marked_at_once(visit: Visit, school: School) -> None:
    make_essay(school.student, school.assignment, state=EssayState.graded)
    visitor = visit(school.student)
    visitor.send(visitor.get("/notices"), "/notices/seen")
    assert unseen(visit, school) == "0"
    assert "Your essay has been graded." in visitor.get("/notices").text


def test_nothing_is_said_to_be_nothing(visit: Visit, school: School) -> None:
    assert "Nothing has happened yet." in visit(school.ops).get("/notices").text
