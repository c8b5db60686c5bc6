"""app/problems.py: errors are documents under /api and pages elsewhere, and never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from app.auth import public, rule
from app.extensions import db
from app.problems import Problem
from models import User
from models.session import forget_engine
from settings import settings
from tests.app.conftest import Clients
from tests.factories import School
from tests.stack import free_port


@pytest.fixture(scope="module")
def troubled(servers: None) -> Flask:
    """An app with views that fail."""
    made = create_app()

    def fail() -> str:
        raise RuntimeError("the secret reason")

    def refuse() -> str:
        raise Problem(409, "Too late", "It is over.", [{"field": "a\ud800", "message": "No."}], extra=[1])

    for base in ("/api/v1/test", "/test"):
        made.add_url_rule(f"{base}/fail", f"fail {base}", rule(public)(lambda: fail()))
        made.add_url_rule(f"{base}/refuse", f"refuse {base}", rule(public)(lambda: refuse()))
    return made


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/essays/not-an-id", 404),
        ("DELETE", "/api/v1/essays", 405),
        ("GET", "/api/v1/test/fail", 500),
        ("GET", "/api/v1/test/refuse", 409),
        ("POST", "/healthz", 405),
    ],
)
def test_a_program_gets_a_problem_document(troubled: Flask, method: str, path: str, status: int) -> None:
    answer = troubled.test_client().open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    document = answer.get_json()
    assert (document["status"], document["type"]) == (status, "about:blank")
    assert document["title"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_document_carries_what_the_problem_knows(troubled: Flask) -> None:
    document = troubled.test_client().get("/api/v1/test/refuse").get_json()
    assert document == {
        "type": "about:blank",
        "title": "Too late",
        "status": 409,
        "detail": "It is over.",
        "errors": [{"field": "a\ud800", "message": "No."}],
        "extra": [1],
    }


def test_a_method_that_is_not_allowed_says_which_are(troubled: Flask) -> None:
    assert "POST" in troubled.test_client().delete("/api/v1/essays").headers["Allow"]


@pytest.mark.parametrize(("path", "status"), [("/test/nothing", 404), ("/test/fail", 500), ("/test/refuse", 409)])
def test_a_person_gets_a_page(troubled: Flask, path: str, status: int) -> None:
    answer = troubled.test_client().get(path)
    assert answer.status_code == status
    assert answer.mimetype in ("text/html", "text/plain")


def test_the_reason_of_a_failure_goes_to_the_log_and_not_to_the_client(
    troubled: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = troubled.test_client().get("/api/v1/test/fail")
    assert "secret" not in answer.get_data(as_text=True)
    assert "the secret reason" in caplog.text


@pytest.fixture
def no_database(servers: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setenv("PIZHU_DATABASE_URL", f"postgresql+psycopg2://pizhu:x@127.0.0.1:{free_port()}/pizhu")
    settings.cache_clear()
    forget_engine()
    made = create_app()
    made.add_url_rule("/api/v1/test/users", "users", rule(public)(lambda: str(db().query(User).count())))
    yield made
    monkeypatch.undo()
    settings.cache_clear()
    forget_engine()


def test_without_a_database_a_program_is_told_to_come_back(no_database: Flask) -> None:
    answer = no_database.test_client().get("/api/v1/test/users")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]


def test_without_a_database_nobody_is_let_in(no_database: Flask) -> None:
    answer = no_database.test_client().get("/api/v1/me", headers={"Authorization": "Bearer pz_x"})
    assert answer.status_code == 503


def test_the_headers_of_every_answer_keep_foreign_code_out(client: Clients, school: School) -> None:
    headers = client(school.student).get("/api/v1/me").headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "default-src 'self'" in policy
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
