"""app/pages/sign_in.py: in, out, and the language."""

from __future__ import annotations

import pytest

from models import Role, User
from models.session import session
from tests.app.pages.conftest import Visit
from tests.factories import PASSWORD, School, make_user

HOMES = {"student": "/assignments", "teacher": "/classes", "ops": "/queues"}


@pytest.mark.parametrize("role", HOMES)
def test_each_role_comes_to_its_own_work(visit: Visit, school: School, role: str) -> None:
    visitor = visit()
    page = visitor.get("/")
    assert page.path == "/sign-in"
    page = visitor.send(page, email=getattr(school, role).email, password=PASSWORD)
    assert (page.status, page.path) == (200, HOMES[role])
    assert visitor.get("/sign-in").path == HOMES[role]


def test_who_wanted_a_page_gets_it_after_signing_in(visit: Visit, school: School) -> None:
    visitor = visit()
    wanted = f"/assignments/{school.assignment.id}"
    page = visitor.send(visitor.get(wanted), email=school.student.email, password=PASSWORD)
    assert page.path == wanted


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test", "/\\evil.test", "/\t/evil.test", "evil"])
def test_signing_in_leads_to_no_other_site(visit: Visit, school: School, target: str) -> None:
    page = visit().get("/sign-in", next=target)
    assert page.form("/sign-in").fields["next"] == "/"


def test_a_wrong_password_is_told_beside_what_was_typed(visit: Visit, school: School) -> None:
    visitor = visit()
    page = visitor.send(visitor.get("/sign-in"), email=school.student.email, password="wrong")
    assert page.status == 422
    assert "do not belong together" in page.text
    assert page.form("/sign-in").fields["email"] == school.student.email
    assert page.form("/sign-in").fields["password"] == ""


def test_signing_out_ends_it(visit: Visit, school: School) -> None:
    visitor = visit(school.student)
    page = visitor.send(visitor.get("/assignments"), "/sign-out")
    assert page.path == "/sign-in"
    assert visitor.get("/assignments").path == "/sign-in"


def test_a_stranger_chooses_a_language_for_the_browser(visit: Visit, database: None) -> None:
    visitor = visit()
    page = visitor.send(visitor.get("/sign-in"), "/language", "中文")
    assert ("html", {"lang": "zh-Hans"}) in page.elements
    assert "登录" in page.text
    page = visitor.send(page, "/language", "English")
    assert "Sign in" in page.text


def test_a_users_language_goes_where_the_user_goes(visit: Visit, school: School) -> None:
    student = make_user(Role.student, school.school_class)
    visitor = visit(student)
    page = visitor.send(visitor.get("/assignments"), "/language", "中文")
    assert page.path == "/assignments"
    with session() as db:
        assert db.get_one(User, student.id).language == "zh"
    assert "作业" in visit(student).get("/assignments").text


@pytest.mark.parametrize("path", ["/sign-in", "/language"])
def test_a_form_without_its_token_is_refused(visit: Visit, database: None, path: str) -> None:
    answer = visit().client.post(path, data={"email": "a@b.test", "password": "x", "language": "zh"})
    assert answer.status_code == 400
    assert "out of date" in answer.get_data(as_text=True)
