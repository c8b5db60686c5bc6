"""All pages together: each for who may read it, in both languages, and nothing on them that a browser would run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from models import Class, Essay, EssayState, Membership, Role
from models.session import session
from tests.app.pages.browser import Page
from tests.app.pages.conftest import Visit
from tests.factories import make_assignment, make_class, make_essay, make_overlap, make_user

RUBRIC = {"criteria": [{"key": "ideas", "name": "立意", "max": 10, "descriptors": ["不清楚。", "清楚。"]}]}
ROLES = {"student": Role.student, "teacher": Role.teacher, "ops": Role.ops}
STATES = [state for state in EssayState if state is not EssayState.graded]
"""A graded essay speaks the language of its grader; its page has tests of its own."""

ESSAYS = [f"/essays/{{{state.value}}}" for state in STATES]
PAGES = {
    "student": ["/assignments", "/assignments/{assignment}", "/notices", *ESSAYS],
    "teacher": [
        "/classes",
        "/classes/{school_class}",
        "/classes/{school_class}/assignments/new",
        "/assignments/{assignment}",
        "/assignments/{assignment}/edit",
        "/assignments/{assignment}/copies",
        "/essays/{queued}/beside/{copied}",
        "/notices",
        *ESSAYS,
    ],
    "ops": ["/queues", "/costs", "/notices", "/no-such-page", "/classes", "/cache", "/costs/advice"],
    "": ["/sign-in"],
}


@pytest.fixture
def chinese_school(database: None, redis: Any) -> dict[str, Any]:
    """People and ids of a class in which everything is called in Chinese."""
    school_class: Class = make_class("八年级二班")
    people = {role: make_user(kind, name="林晓", language=None) for role, kind in ROLES.items()}
    with session() as db:
        db.add_all(Membership(class_id=school_class.id, user_id=people[role].id) for role in ("student", "teacher"))
        db.commit()
    assignment = make_assignment(school_class, RUBRIC, title="我家门口的那条路", prompt="写一篇记叙文。", language="zh")
    essays = {state.value: make_essay(people["student"], assignment, "路很窄。", state).id for state in STATES}
    copied = make_essay(make_user(Role.student, name="王芳"), assignment, "路很窄，也很长。")
    with session() as db:
        make_overlap(db.get_one(Essay, essays["queued"]), copied)
    essays["copied"] = copied.id
    return {"people": people, "school_class": school_class.id, "assignment": assignment.id, **essays}


@pytest.mark.parametrize("role", PAGES)
def test_chinese_pages_say_nothing_in_english(visit: Visit, chinese_school: dict[str, Any], role: str) -> None:
    visitor = visit(chinese_school["people"].get(role), "zh-CN")
    for path in PAGES[role]:
        page = visitor.get(path.format(**chinese_school))
        assert ("html", {"lang": "zh-Hans"}) in page.elements
        assert re.findall(r"[A-Za-z]{2,}", without_names(page)) == [], path


def without_names(page: Page) -> str:
    """What is said on a page, without what is called the same in every language."""
    spoken = [attributes.get(name, "") for _, attributes in page.elements for name in ("aria-label", "title", "alt")]
    text = " ".join([page.text, *spoken])
    text = re.sub(r"[\w.]+@[\w.]+", "", text)  # addresses
    text = re.sub(r"UTC\S*|English|\b[A-Z0-9]{8}\b", "", text)  # zones, the other language, codes of classes
    text = re.sub(r"gpt-[\w.-]+|genai-prices|SmolLM2\S*( \(demonstration\))?|\b(PIZHU|OPENAI)_\w+", "", text)
    text = re.sub(
        r"\b(triage|local|small|large|batches|upkeep|notify|sweeper|worker:local|grader)\b", "", text
    )  # names for ops
    return text.replace("a test", "").replace("the model said nothing of use", "")  # reasons made up by the tests


@pytest.mark.parametrize("role", PAGES)
def test_pages_keep_to_their_own_rules(visit: Visit, chinese_school: dict[str, Any], role: str) -> None:
    """What the content security policy forbids is not there, and every field has a label."""
    visitor = visit(chinese_school["people"].get(role))
    for path in PAGES[role]:
        page = visitor.get(path.format(**chinese_school))
        assert page.status in (200, 403, 404)
        assert "script-src 'self'" in page.answer.headers["Content-Security-Policy"]
        check_scripts(page)
        check_labels(page)


def check_scripts(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag != "style"
        assert "style" not in attributes, (page.path, tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (page.path, tag, attributes)
        if tag == "script":
            assert attributes["src"].startswith("/static/")


def check_labels(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), page.path
    labelled = {attributes.get("for") for tag, attributes in page.elements if tag == "label"}
    for tag, attributes in page.elements:
        if tag in ("input", "textarea", "select") and "id" in attributes and attributes.get("type") != "hidden":
            assert attributes["id"] in labelled, (page.path, attributes)
        for name in ("aria-describedby", "aria-labelledby"):
            assert set(attributes.get(name, "").split()) <= set(ids), (page.path, attributes)
