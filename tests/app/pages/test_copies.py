"""The pages on which a teacher sees shared words, and on which a student does not."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from models import Essay, EssayState
from tests.app.pages.conftest import Visit
from tests.factories import School, make_assignment, make_essay
from tests.grading.copies.examples import CHINESE, ENGLISH, OTHER, OTHER_CHINESE, taking
from workers.copies import look_for_copies


@pytest.fixture
def pair(school: School, redis: Any) -> tuple[Essay, Essay]:
    """The copy and its source, found."""
    source = make_essay(school.student, school.assignment, ENGLISH, EssayState.graded)
    copy = make_essay(school.classmate, school.assignment, taking(OTHER, ENGLISH, 0, 180), EssayState.graded)
    look_for_copies()
    return copy, source


def test_the_assignment_leads_to_the_overview_and_that_to_both_essays(
    visit: Visit, school: School, pair: tuple[Essay, Essay]
) -> None:
    teacher = visit(school.teacher)
    address = f"/assignments/{school.assignment.id}"
    page = teacher.get(address)
    assert "2 essays share words with other students'." in page.text
    assert [one for _, one in page.elements if one.get("href") == f"{address}/copies"]
    overview = teacher.get(f"{address}/copies")
    assert school.student.name in overview.text
    assert school.classmate.name in overview.text
    beside = f"/essays/{pair[0].id}/beside/{pair[1].id}"
    assert [one for _, one in overview.elements if one.get("href") == beside]


def test_the_page_of_the_class_says_so_beside_the_assignment(
    visit: Visit, school: School, pair: tuple[Essay, Essay]
) -> None:
    address = f"/classes/{school.school_class.id}"
    page = visit(school.teacher).get(address)
    assert "2 essays share words with other students'." in page.text
    assert [one for _, one in page.elements if one.get("href") == f"/assignments/{school.assignment.id}/copies"]
    assert "2 篇" in visit(school.teacher, "zh").get(address).text


def test_both_texts_stand_whole_side_by_side_with_the_same_words_marked(
    visit: Visit, school: School, pair: tuple[Essay, Essay]
) -> None:
    page = visit(school.teacher).get(f"/essays/{pair[0].id}/beside/{pair[1].id}")
    for essay in pair:
        assert "".join(essay.text.split()) in "".join(page.text.split())
    marks = [one for tag, one in page.elements if tag == "a" and "marked" in one.get("class", "")]
    assert [(mark["id"], mark["href"]) for mark in marks] == [("essay-1", "#other-1"), ("other-1", "#essay-1")]


def test_the_essays_own_page_says_so_to_the_teacher_only(
    visit: Visit, school: School, pair: tuple[Essay, Essay]
) -> None:
    for essay, reader in zip(pair, (school.classmate, school.student), strict=True):
        assert "It shares words" in visit(school.teacher).get(f"/essays/{essay.id}").text
        for address in (f"/essays/{essay.id}", f"/assignments/{school.assignment.id}", "/assignments"):
            page = visit(reader).get(address)
            assert page.status == 200
            assert "hare" not in page.text.replace("school", "")
            assert "beside" not in unescape(page.answer.get_data(as_text=True))


def test_essays_that_share_nothing_are_not_shown_side_by_side(
    visit: Visit, school: School, pair: tuple[Essay, Essay]
) -> None:
    other = make_essay(school.student, school.assignment, OTHER_CHINESE)
    assert visit(school.teacher).get(f"/essays/{pair[0].id}/beside/{other.id}").status == 404
    assert visit(school.teacher).get(f"/essays/{pair[1].id}/beside/{pair[0].id}").status == 404


def test_an_essay_of_another_assignment_is_named_with_it(visit: Visit, school: School, redis: Any) -> None:
    other = make_assignment(school.school_class, title="去年的作文", language="zh")
    make_essay(school.student, other, CHINESE)
    make_essay(school.classmate, school.assignment, CHINESE)
    look_for_copies()
    page = visit(school.teacher, "zh").get(f"/assignments/{school.assignment.id}/copies")
    assert "去年的作文" in page.text
    assert "2 篇作文" in page.text


def test_a_dismissed_pair_leaves_every_page_and_comes_back_when_that_is_taken_back(
    visit: Visit, school: School, pair: tuple[Essay, Essay]
) -> None:
    teacher = visit(school.teacher)
    beside = f"/essays/{pair[0].id}/beside/{pair[1].id}"
    where = [f"/assignments/{school.assignment.id}", f"/classes/{school.school_class.id}", f"/essays/{pair[0].id}"]
    overview = teacher.send(teacher.get(beside), action="/dismiss")
    assert overview.path == f"{where[0]}/copies"
    assert "no longer shown" in overview.text
    assert "No two essays share" in overview.text
    assert "1 pair that is no copy" in overview.text
    assert [one for _, one in overview.elements if one.get("href") == beside]
    for address in where:
        assert "shares words" not in teacher.get(address).text.replace("share words", "shares words")

    page = teacher.get(beside)
    assert f"No copy, said {school.teacher.name} on" in page.text
    page = teacher.send(page, action="/restore")
    assert page.path == beside
    assert "No copy" not in page.text
    for address in where:
        assert "share" in teacher.get(address).text


def test_the_buttons_speak_chinese(visit: Visit, school: School, pair: tuple[Essay, Essay]) -> None:
    teacher = visit(school.teacher, "zh")
    page = teacher.get(f"/essays/{pair[0].id}/beside/{pair[1].id}")
    assert "不是抄袭" in page.form("/dismiss").buttons
    assert "1 对已判定不是抄袭" in teacher.send(page, action="/dismiss").text
    page = teacher.get(page.path)
    assert f"{school.teacher.name} 于" in page.text
    assert "重新列出" in page.form("/restore").buttons
