"""The banner of saving mode is seen by everybody whom it touches and by nobody else; ops end it on their page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grading import lifecycle, saving
from grading.costs.anomaly import Spending, Usual, Verdict
from grading.costs.repeats import Repeat
from grading.routing import TEACHER, Route
from models import Class, Essay, EssayState
from models.session import session
from tests.app.pages.conftest import Visit
from tests.conftest import use_environment
from tests.factories import School, make_essay


@pytest.fixture(autouse=True)
def provider(school: School) -> Iterator[None]:
    with use_environment({"OPENAI_API_KEY": "sk-test"}):
        yield


@pytest.fixture
def on(school: School) -> None:
    with session() as db:
        saving.follow(db, Verdict(True, False, 5, Spending(4.0, 8), Usual(1.0, 0.01)))
        db.commit()


def put_off(school: School) -> Essay:
    """An essay of the student's that waits because paid models are closed."""
    essay = make_essay(school.student, school.assignment)
    route = Route(None, TEACHER, "no model may grade now; small is closed: saving mode", put_off=True)
    with session() as db:
        lifecycle.give_to_teacher(db, essay.id, route.reason, route=route)
        db.commit()
    return essay


WORDS = "no model is asked that is paid by the token."


def test_ops_and_teachers_see_it_on_their_pages(visit: Visit, school: School, on: None) -> None:
    for user, path in ((school.ops, "/queues"), (school.teacher, "/classes"), (school.ops, "/notices")):
        assert WORDS in visit(user).get(path).text
    assert "节省模式自" in visit(school.teacher, "zh").get("/classes").text


def test_a_student_sees_it_only_while_an_essay_of_theirs_waits_because_of_it(
    visit: Visit, school: School, on: None
) -> None:
    make_essay(school.classmate, school.assignment, state=EssayState.needs_review)  # for another reason
    essay = put_off(school)
    assert "To save money" in visit(school.student).get("/assignments").text
    assert "To save money" not in visit(school.classmate).get("/assignments").text
    assert "Once that is over one grades your essay" in visit(school.student).get(f"/essays/{essay.id}").text
    teacher = visit(school.teacher).get(f"/essays/{essay.id}").text
    assert "Once there is, that model grades it, unless you have done so." in teacher
    assert "一旦有了经费" in visit(school.teacher, "zh").get(f"/essays/{essay.id}").text


def test_nobody_of_a_class_that_is_paid_for_sees_it(visit: Visit, school: School, on: None) -> None:
    put_off(school)
    with session() as db:
        db.get_one(Class, school.school_class.id).pays_while_saving = True
        db.commit()
    assert WORDS not in visit(school.teacher).get("/classes").text
    assert "To save money" not in visit(school.student).get("/assignments").text
    assert WORDS in visit(school.other_teacher).get("/classes").text


def test_where_nothing_is_paid_by_the_token_only_ops_see_it(visit: Visit, school: School, on: None) -> None:
    with use_environment({"OPENAI_API_KEY": ""}):
        assert WORDS not in visit(school.teacher).get("/classes").text
        assert WORDS in visit(school.ops).get("/queues").text


def test_ops_read_why_and_end_it_and_begin_it_again(visit: Visit, school: School, on: None) -> None:
    make_essay(school.student, school.assignment)
    ops = visit(school.ops)
    page = ops.get("/queues")
    assert "$4.00 in 5 minutes, where the mean hour costs $1.00" in page.text
    assert "平均每小时为 $1.00" in visit(school.ops, "zh").get("/queues").text
    assert WORDS not in ops.send(page, "/saving/off").text
    page = ops.send(ops.get("/queues"), "/saving/on", reason="the bill")
    assert WORDS in page.text
    assert "the bill" in page.text


@pytest.mark.parametrize("what", ["attempts at one reply", "replies in one claim", "claims at one tier"])
def test_ops_read_of_a_loop_in_their_language(visit: Visit, school: School, what: str) -> None:
    with session() as db:
        saving.follow(db, Verdict(True, False, 15, Spending(0.004, 1, Repeat(5, what, "a-subject")), None))
        db.commit()
    assert f"5 {what} in 15 minutes" in visit(school.ops).get("/queues").text
    chinese = visit(school.ops, "zh").get("/queues").text
    assert what not in chinese
    assert "全部工作共花费 $0.004000" in chinese


def test_a_class_is_paid_for_by_a_button(visit: Visit, school: School, on: None) -> None:
    make_essay(school.student, school.assignment)
    ops = visit(school.ops)
    page = ops.send(ops.get("/queues"), f"/saving/classes/{school.school_class.id}")
    assert "paid for" in page.text
    with session() as db:
        assert db.get_one(Class, school.school_class.id).pays_while_saving
