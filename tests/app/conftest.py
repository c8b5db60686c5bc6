"""The web application on real servers, and clients that use it as a program and as a browser do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from models import User
from tests.factories import School, make_school, make_token
from tests.stack import free_port, gunicorn


@pytest.fixture(scope="session")
def app(servers: None) -> Flask:
    application = create_app()
    application.testing = False  # so that errors are answered as they are in service
    return application


@pytest.fixture
def school(database: None, redis: Any) -> School:
    return make_school()


Clients = Callable[..., FlaskClient]


@pytest.fixture
def client(app: Flask) -> Clients:
    """`client(user)` speaks with the user's bearer token; `client()` is nobody; neither keeps cookies."""

    def make(user: User | None = None) -> FlaskClient:
        made = app.test_client(use_cookies=False)
        if user is not None:
            made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {make_token(user)}"
        return made

    return make


@pytest.fixture
def browser(app: Flask) -> Clients:
    """`browser(user)` is signed in by session cookie; it sends no CSRF token of itself."""

    def make(user: User | None = None) -> FlaskClient:
        made = app.test_client()
        if user is not None:
            with made.session_transaction() as cookie:
                cookie["token"] = make_token(user)
        return made

    return make


@pytest.fixture(scope="session")
def web(servers: None) -> Iterator[str]:
    """Base URL of a real gunicorn, as `pizhu up` starts it."""
    with gunicorn() as base:
        yield base


@pytest.fixture
def web_without_redis(servers: None) -> Iterator[str]:
    """Base URL of a gunicorn whose Redis is down."""
    with gunicorn(PIZHU_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0") as base:
        yield base
