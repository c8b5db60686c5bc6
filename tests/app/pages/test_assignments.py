"""app/pages/assignments.py: handing in, and setting an assignment with its rubric."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from grading.text import MAX_CHARACTERS
from models import Assignment, Essay, EssayState, Notice, Release, RubricVersion
from models.base import now
from models.session import session
from tests.app.pages.browser import Page
from tests.app.pages.conftest import Visit
from tests.conftest import use_environment
from tests.factories import School, make_assignment, make_essay


@pytest.fixture
def address(school: School) -> str:
    return f"/assignments/{school.assignment.id}"


@pytest.fixture
def new(school: School, redis: Any) -> str:
    return f"/classes/{school.school_class.id}/assignments/new"


def essays() -> list[Essay]:
    with session() as db:
        return list(db.scalars(select(Essay).order_by(Essay.created_at)))


# --- handing in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Once.\n\n  Indented, then a tab\t and two  blanks.\n",
        "我家门口的那条路。\n“很窄”……",
        "מתחיל מימין 😀👩‍👧 e\u0301",
        "\n\nStarts with empty lines.",
        "<script>alert(1)</script> & <b>",
    ],
)
def test_the_text_arrives_as_it_stood_in_the_field(visit: Visit, school: School, address: str, text: str) -> None:
    visitor = visit(school.student)
    page = visitor.send(visitor.get(address), text=text)
    [essay] = essays()
    assert essay.text == text
    assert page.path == f"/essays/{essay.id}"
    assert page.essay == text


def test_a_form_that_is_sent_twice_makes_one_essay(visit: Visit, school: School, address: str) -> None:
    visitor = visit(school.student)
    form = visitor.get(address)
    pages = [visitor.send(form, text="Once.") for _ in range(2)]
    assert len(essays()) == 1
    assert pages[0].path == pages[1].path


def test_another_text_from_the_same_form_is_another_essay(visit: Visit, school: School, address: str) -> None:
    visitor = visit(school.student)
    form = visitor.get(address)
    visitor.send(form, text="Once.")
    visitor.send(form, text="Once, better.")
    assert [essay.text for essay in essays()] == ["Once.", "Once, better."]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n ", "作文是空的"),
        ("路" * (MAX_CHARACTERS + 1), "作文有 20,001 个字符，最多只能批改 20,000 个"),
        ("a\0b", "第 2 个字符是空字符"),
    ],
)
def test_what_is_refused_stays_in_the_field(visit: Visit, school: School, address: str, text: str, reason: str) -> None:
    visitor = visit(school.student, "zh")
    page = visitor.send(visitor.get(address), text=text)
    assert page.status == 422
    assert reason in page.text
    assert "�" not in text
    assert page.form(address).fields["text"] == text
    assert essays() == []


def test_a_lost_token_costs_no_text(visit: Visit, school: School, address: str) -> None:
    visitor = visit(school.student)
    page = Page(visitor.client.post(address, data={"text": "An hour's <work>."}, headers=visitor.headers))
    assert page.status == 400
    assert "An hour&#39;s &lt;work&gt;." in page.html
    assert essays() == []


def test_signed_out_while_writing_costs_no_text(visit: Visit, school: School, address: str) -> None:
    page = Page(visit().client.post(address, data={"text": "An hour's work."}))
    assert page.status == 401
    assert "An hour&#39;s work." in page.html


def test_deadline_and_rubric_stand_beside_the_form(visit: Visit, school: School) -> None:
    with use_environment({"PIZHU_TIME_ZONE": "Asia/Shanghai"}):
        deadline = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
        assignment = make_assignment(school.school_class, deadline=deadline, prompt="Say <why>.")
        page = visit(school.student).get(f"/assignments/{assignment.id}")
    assert "Deadline: 2 Dec 2026, 00:00 UTC+8" in page.text
    assert "Say <why>." in page.text
    assert "Ideas 立意 10 points" in page.text


# --- for the teacher -------------------------------------------------------------------------------------------------

FILLED = {
    "title": "A day",
    "prompt": "Write of a day.\n\nAt least a page.",
    "criteria-0-name": "Ideas",
    "criteria-0-max": "10",
    "criteria-0-descriptors": "None.\nSome.\nMany.",
    "criteria-2-name": "语言",
    "criteria-2-max": "2.5",
}


def test_a_teacher_sets_an_assignment(visit: Visit, school: School, new: str) -> None:
    visitor = visit(school.teacher)
    with use_environment({"PIZHU_TIME_ZONE": "Asia/Shanghai"}):
        page = visitor.send(visitor.get(new), deadline="2026-12-01T08:00", **FILLED)
    assert "The assignment is there for your students now." in page.text
    with session() as db:
        made = db.scalars(select(Assignment).filter_by(title="A day")).one()
        assert made.prompt == "Write of a day.\n\nAt least a page."
        assert made.deadline == datetime(2026, 12, 1, tzinfo=UTC)
        assert made.release is Release.at_once
        assert made.rubric.criteria == [
            {"key": "ideas", "name": "Ideas", "max": 10, "descriptors": ["None.", "Some.", "Many."]},
            {"key": "criterion", "name": "语言", "max": 2.5, "descriptors": []},
        ]


def test_one_more_row_keeps_what_was_typed_and_saves_nothing(visit: Visit, school: School, new: str) -> None:
    visitor = visit(school.teacher)
    page = visitor.get(new)
    rows = sum(name.endswith("-name") for name in page.form(new).fields)
    page = visitor.send(page, button="Add a row", **FILLED)
    fields = page.form(new).fields
    assert sum(name.endswith("-name") for name in fields) == rows + 1
    assert (fields["title"], fields["prompt"]) == (FILLED["title"], FILLED["prompt"])
    assert fields["criteria-0-descriptors"] == "None.\nSome.\nMany."
    assert fields["criteria-1-name"] == "语言"
    with session() as db:
        assert not db.scalars(select(Assignment).filter_by(title="A day")).all()


def test_errors_stand_beside_their_fields_in_the_readers_language(visit: Visit, school: School, new: str) -> None:
    visitor = visit(school.teacher, "zh")
    wrong = {"title": " ", "criteria-2-max": "0", "deadline": "bald", "release": "from_date"}
    page = visitor.send(visitor.get(new), **(FILLED | wrong))
    assert page.status == 422
    fields = page.form(new).fields
    assert fields["prompt"] == FILLED["prompt"]
    invalid = {attributes["name"] for _, attributes in page.elements if "aria-invalid" in attributes}
    assert invalid == {"deadline"}  # what has the wrong form is told first
    page = visitor.send(page, deadline="")
    invalid = {attributes["name"] for _, attributes in page.elements if "aria-invalid" in attributes}
    assert invalid == {"title", "criteria-1-max"}
    assert "须为大于 0、不超过 1000 的数" in page.text
    page = visitor.send(page, title="一天", **{"criteria-1-max": "5"})
    invalid = {attributes["name"] for _, attributes in page.elements if "aria-invalid" in attributes}
    assert invalid == {"release_at"}
    page = visitor.send(page, release_at="2027-01-01T08:00")
    assert page.status == 200
    assert "作业已布置" in page.text


def test_a_form_without_criteria_says_that_there_must_be_one(visit: Visit, school: School, new: str) -> None:
    visitor = visit(school.teacher)
    page = visitor.send(visitor.get(new), title="A day", prompt="Write.")
    assert page.status == 422
    assert "Must be a list of 1 to 12 criteria." in page.text


def test_an_assignment_that_is_saved_unchanged_is_unchanged(visit: Visit, school: School, redis: Any) -> None:
    deadline = datetime(2026, 12, 1, 16, 30, tzinfo=UTC)
    assignment = make_assignment(
        school.school_class,
        deadline=deadline,
        tolerance=2,
        routing={"accept": {"local": 0.6}},
        release=Release.on_release,
    )
    visitor = visit(school.teacher)
    page = visitor.send(visitor.get(f"/assignments/{assignment.id}/edit"))
    assert "The assignment is saved." in page.text
    with session() as db:
        after = db.get_one(Assignment, assignment.id)
        for name in (
            "title",
            "prompt",
            "language",
            "deadline",
            "tolerance",
            "routing",
            "release",
            "release_at",
            "rubric_id",
        ):
            assert getattr(after, name) == getattr(assignment, name), name


def test_a_changed_rubric_is_a_new_version(visit: Visit, school: School, address: str, redis: Any) -> None:
    visitor = visit(school.teacher)
    visitor.send(visitor.get(f"{address}/edit"), **{"criteria-0-max": "20", "criteria-1-name": ""})
    with session() as db:
        after = db.get_one(Assignment, school.assignment.id)
        assert after.rubric.criteria == [{"key": "ideas", "name": "Ideas 立意", "max": 20, "descriptors": []}]
        assert sorted(db.scalars(select(RubricVersion.version).filter_by(assignment_id=after.id))) == [1, 2]


def test_the_teacher_sees_essays_and_who_is_missing(visit: Visit, school: School, address: str) -> None:
    make_essay(school.student, school.assignment, state=EssayState.graded)
    make_essay(school.classmate, school.assignment, state=EssayState.cancelled)
    page = visit(school.teacher).get(address)
    assert f"{school.student.name} Graded 12.4 / 20 high (80%)" in page.text
    assert f"1 student has handed in nothing yet {school.classmate.name}" in page.text
    assert school.student.name not in visit(school.teacher).get(address, state="cancelled").text.split("Task")[0]


def test_grades_are_released_with_one_button(visit: Visit, school: School, redis: Any) -> None:
    assignment = make_assignment(school.school_class, release=Release.on_release)
    essay = make_essay(school.student, assignment, state=EssayState.graded)
    student, teacher = visit(school.student), visit(school.teacher)
    assert "not released yet" in student.get(f"/essays/{essay.id}").text
    page = teacher.get(f"/assignments/{assignment.id}")
    assert "Students do not see their grades yet." in page.text
    page = teacher.send(page, "/release")
    assert "Students have seen their grades since" in page.text
    assert "12.4 / 20" in student.get(f"/essays/{essay.id}").text
    with session() as db:
        assert db.scalars(select(Notice).filter_by(user_id=school.student.id)).one().kind == "graded"


def test_a_date_of_release_that_is_still_to_come_is_told(visit: Visit, school: School) -> None:
    later = now() + timedelta(days=3)
    assignment = make_assignment(school.school_class, release=Release.from_date, release_at=later)
    assert "Students see their grades from" in visit(school.teacher).get(f"/assignments/{assignment.id}").text
