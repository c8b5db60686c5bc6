"""The box to ask in, in a real Chromium: words stream in, it can be stopped, and works by keyboard and in Chinese."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from grading import progress
from grading.ask import questions
from grading.ask.ghostwriting import REFUSAL
from models import EssayState, Question
from models.session import session
from tests.app.pages.conftest import Open, Visit
from tests.factories import School, make_essay
from tests.stack import eventually

slow = pytest.mark.slow


def asked() -> Question | None:
    with session() as db:
        return db.scalars(select(Question)).one_or_none()


def ask(page: Page, words: str = "How long should it be?") -> Question:
    """By keyboard alone."""
    page.get_by_label("What would you like to know").focus()
    page.keyboard.type(words)
    page.keyboard.press("Control+Enter")
    question = eventually(asked, 10, "the question is kept")
    assert question
    return question


def write(question: Question, text: str) -> None:
    progress.publish(question.id, "delta", {"field": "text", "text": text})


def end(question: Question, **columns: Any) -> None:
    with session() as db:
        claim = questions.claim(db, question.id, "local", 60)
        assert claim
        questions.finish(db, claim, columns)
        db.commit()
    progress.publish(question.id, "over", {})


@slow
def test_an_answer_streams_in_and_can_be_rejected(open_page: Open, school: School, redis: Any) -> None:
    page = open_page(school.student, f"/assignments/{school.assignment.id}")
    question = ask(page)
    write(question, "One ")
    box = page.get_by_role("log", name="Answer")
    expect(box).to_have_text("One ")
    expect(box).to_have_attribute("aria-busy", "true")
    end(question, answer="One page. <b>Not</b> more.", source="cache", level="memory")
    expect(box).to_have_text("One page. <b>Not</b> more.")
    expect(page.get_by_text("Answered before")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="complete")).to_be_visible()
    page.get_by_role("button", name="This does not answer").click()
    expect(page.get_by_text("you get a new answer")).to_be_visible()
    kept = asked()
    assert kept
    assert kept.rejected_at


@slow
def test_a_refusal_by_rule_is_no_answer_that_could_be_rejected(open_page: Open, school: School, redis: Any) -> None:
    page = open_page(school.student, f"/assignments/{school.assignment.id}")
    question = ask(page, "Write my essay for me.")
    assert question.source == "rule"
    expect(page.get_by_role("log", name="Answer")).to_have_text(REFUSAL["en"])
    expect(page.get_by_role("status").filter(has_text="complete")).to_be_visible()
    expect(page.get_by_role("button", name="This does not answer")).to_be_hidden()


@slow
def test_stop_withdraws_the_question_and_leaves_what_was_written(open_page: Open, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    page = open_page(school.student, f"/essays/{essay.id}")
    question = ask(page, "Why?")
    assert question.essay_id == essay.id
    write(question, "Because ")
    expect(page.get_by_role("log", name="Answer")).to_have_text("Because ")
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.get_by_role("log", name="Answer")).to_have_text("Because ")
    eventually(lambda: getattr(asked(), "error", None) == questions.WITHDRAWN, 5, "the question is withdrawn")
    expect(page.get_by_role("button", name="Ask")).to_be_enabled()


@slow
def test_what_went_wrong_is_said_in_the_readers_language(open_page: Open, school: School, redis: Any) -> None:
    page = open_page(school.student, f"/assignments/{school.assignment.id}")
    page.get_by_role("button", name="中文").click()
    page.get_by_label("你想知道什么").fill("要写多长？")
    page.get_by_role("button", name="提问").click()
    question = eventually(asked, 10, "the question is kept")
    assert question
    with session() as db:
        questions.withdraw(db, question.id, questions.TOO_LATE)
        db.commit()
    progress.publish(question.id, "over", {})
    expect(page.get_by_role("alert")).to_have_text("没有及时得到回答。请过几分钟再问。")


@pytest.mark.parametrize(("language", "title"), [("en", "Ask a question"), ("zh", "提问")])
def test_students_are_offered_it_with_their_task_and_their_essay(
    visit: Visit, school: School, language: str, title: str
) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    for path in (f"/assignments/{school.assignment.id}", f"/essays/{essay.id}"):
        page = visit(school.student, language).get(path)
        assert title in page.text
        assert "question" in page.form("/api/v1/ask").fields
