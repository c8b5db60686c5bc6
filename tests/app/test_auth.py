"""app/auth.py: signing in and out, tokens, forged forms, and guessing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select, update

from app import create_app
from app.auth import limit_sign_in, public, rule, sign_in, sign_out, signed_in
from models import Token
from models.base import now
from models.session import session
from settings import settings
from tests.app.conftest import Clients
from tests.factories import PASSWORD, School, make_token
from tests.stack import free_port

ME = "/api/v1/me"


@pytest.fixture(scope="module")
def door(servers: None) -> Flask:
    """An app with a sign-in that is nothing but `sign_in`."""
    made = create_app()

    @rule(public)
    @limit_sign_in
    def enter() -> Any:
        user = sign_in(request.form["email"], request.form["password"])
        return ("in", 200) if user else ("no", 422)

    made.add_url_rule("/test/enter", "enter", enter, methods=["POST"])
    made.add_url_rule("/test/csrf", "csrf", rule(public)(lambda: generate_csrf()))
    made.add_url_rule("/test/leave", "leave", rule(signed_in)(lambda: sign_out() or "out"), methods=["POST"])
    return made


Enter = Callable[..., Any]


@pytest.fixture
def enter(door: Flask) -> Enter:
    def post(browser: FlaskClient, email: str, password: str = PASSWORD) -> Any:
        form = {"email": email, "password": password, "csrf_token": csrf(browser)}
        return browser.post("/test/enter", data=form)

    return post


def csrf(browser: FlaskClient) -> str:
    return browser.get("/test/csrf").get_data(as_text=True)


# --- bearer tokens ---------------------------------------------------------------------------------------------------


def test_a_bearer_token_says_who_asks(client: Clients, school: School) -> None:
    assert client(school.student).get(ME).get_json()["email"] == school.student.email


def test_only_the_hash_of_a_token_is_kept(school: School) -> None:
    plain = make_token(school.student)
    with session() as db:
        kept = db.scalars(select(Token)).all()
    assert plain not in repr([vars(token) for token in kept])


@pytest.mark.parametrize(
    "header", ["Bearer pz_unknown", "Bearer", "Basic c3R1ZGVudDpwdw==", "pz_unknown", "Bearer \xe9\x00 x"]
)
def test_an_authorization_that_authorizes_nothing_is_refused(client: Clients, school: School, header: str) -> None:
    answer = client().get(ME, headers={"Authorization": header.replace("\x00", "")})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.mimetype == "application/problem+json"


def test_a_wrong_bearer_token_is_not_made_good_by_a_cookie(browser: Clients, school: School) -> None:
    answer = browser(school.student).get(ME, headers={"Authorization": "Bearer pz_unknown"})
    assert answer.status_code == 401


def test_a_revoked_token_opens_nothing(client: Clients, school: School) -> None:
    program = client(school.student)
    assert program.get(ME).status_code == 200
    with session() as db:
        db.execute(update(Token).values(revoked_at=now()))
        db.commit()
    assert program.get(ME).status_code == 401


# --- sessions --------------------------------------------------------------------------------------------------------


def test_signing_in_begins_a_session_and_signing_out_ends_it(door: Flask, enter: Enter, school: School) -> None:
    browser = door.test_client()
    assert browser.get(ME).status_code == 401
    assert enter(browser, school.student.email.upper()).status_code == 200
    assert browser.get(ME).get_json()["id"] == str(school.student.id)
    assert browser.post("/test/leave", data={"csrf_token": csrf(browser)}).status_code == 200
    assert browser.get(ME).status_code == 401


def test_a_copy_of_the_cookie_is_worth_nothing_after_signing_out(door: Flask, enter: Enter, school: School) -> None:
    browser, thief = door.test_client(), door.test_client()
    enter(browser, school.student.email)
    stolen = browser.get_cookie("pizhu_session")
    assert stolen
    thief.set_cookie("pizhu_session", stolen.value)
    assert thief.get(ME).status_code == 200
    browser.post("/test/leave", data={"csrf_token": csrf(browser)})
    assert thief.get(ME).status_code == 401


def test_a_session_is_a_new_one_at_every_sign_in(door: Flask, enter: Enter, school: School) -> None:
    browser = door.test_client()
    tokens = []
    for person in (school.student, school.teacher):
        planted = csrf(browser)
        enter(browser, person.email)
        with browser.session_transaction() as cookie:
            tokens.append(cookie["token"])
        assert browser.post("/test/leave", data={"csrf_token": planted}).status_code == 400, "the old form is void"
    assert tokens[0] != tokens[1]
    stale = door.test_client()
    with stale.session_transaction() as cookie:
        cookie["token"] = tokens[0]
    assert stale.get(ME).status_code == 401, "signing in again ends the session before"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    door: Flask, enter: Enter, school: School
) -> None:
    cookie = enter(door.test_client(), school.student.email).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie, "this server speaks plain http"
    assert "Expires" not in cookie, "it ends with the browser"


def test_behind_https_the_session_cookie_is_secure(servers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIZHU_BASE_URL", "https://pizhu.school.test/")
    settings.cache_clear()
    try:
        assert create_app().config["SESSION_COOKIE_SECURE"]
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.mark.parametrize(
    ("email", "password"),
    [("", ""), ("nobody@school.test", PASSWORD), ("\0", PASSWORD), ("student", "p" * 100_000), ("' OR 1=1 --", "")],
)
def test_strangers_are_not_let_in(door: Flask, enter: Enter, school: School, email: str, password: str) -> None:
    assert enter(door.test_client(), email, password).status_code == 422


def test_a_wrong_password_is_not_let_in(door: Flask, enter: Enter, school: School) -> None:
    assert enter(door.test_client(), school.student.email, PASSWORD + " ").status_code == 422


def test_without_a_secret_key_there_is_no_app(servers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIZHU_SECRET_KEY", "")
    settings.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="PIZHU_SECRET_KEY"):
            create_app()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


# --- forged forms ----------------------------------------------------------------------------------------------------


def submit(who: FlaskClient, school: School, **headers: str) -> Any:
    body = {"assignment_id": str(school.assignment.id), "text": "An essay."}
    return who.post("/api/v1/essays", json=body, headers=headers)


def test_a_cookie_alone_changes_nothing(browser: Clients, school: School) -> None:
    answer = submit(browser(school.student), school)
    assert answer.status_code == 400
    assert "CSRF" in answer.get_json()["title"] + answer.get_json()["detail"]
    assert not browser(school.student).get("/api/v1/essays").get_json()["items"]


def test_a_cookie_with_the_token_of_its_own_page_does(door: Flask, enter: Enter, school: School) -> None:
    page = door.test_client()
    enter(page, school.student.email)
    assert submit(page, school, **{"X-CSRFToken": csrf(page)}).status_code == 202


def test_the_token_of_another_session_does_not(door: Flask, browser: Clients, school: School) -> None:
    foreign = csrf(door.test_client())
    assert submit(browser(school.student), school, **{"X-CSRFToken": foreign}).status_code == 400


def test_a_program_with_a_bearer_token_needs_none(client: Clients, school: School) -> None:
    assert submit(client(school.student), school).status_code == 202


def test_nobody_can_be_signed_in_by_a_form_of_another_site(door: Flask, school: School) -> None:
    form = {"email": school.student.email, "password": PASSWORD}
    assert door.test_client().post("/test/enter", data=form).status_code == 400


# --- guessing --------------------------------------------------------------------------------------------------------


def guess(browser: FlaskClient, enter: Enter, school: School, times: int) -> list[int]:
    return [enter(browser, school.student.email, f"guess {i}").status_code for i in range(times)]


def test_after_ten_wrong_passwords_an_address_has_to_wait(door: Flask, enter: Enter, school: School) -> None:
    browser = door.test_client()
    assert guess(browser, enter, school, 11) == [422] * 10 + [429]
    answer = enter(browser, school.student.email)
    assert answer.status_code == 429, "not even the right one helps now"
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_a_whole_class_signs_in_from_one_address(door: Flask, enter: Enter, school: School) -> None:
    assert {enter(door.test_client(), school.student.email).status_code for _ in range(11)} == {200}


@pytest.fixture
def door_without_redis(servers: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setenv("PIZHU_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    settings.cache_clear()
    made = create_app()
    made.add_url_rule(
        "/test/enter",
        "enter",
        rule(public)(limit_sign_in(lambda: jsonify(bool(sign_in(request.form["email"], request.form["password"]))))),
        methods=["POST"],
    )
    made.add_url_rule("/test/csrf", "csrf", rule(public)(lambda: generate_csrf()))
    yield made
    monkeypatch.undo()
    settings.cache_clear()
    create_app()  # gives the limiter, of which there is one, its Redis back


def test_while_redis_is_down_one_can_sign_in_and_not_guess(
    door_without_redis: Flask, enter: Enter, school: School
) -> None:
    browser = door_without_redis.test_client()
    assert enter(browser, school.student.email).get_json() is True
    assert guess(door_without_redis.test_client(), enter, school, 11)[-1] == 429
