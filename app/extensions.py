"""What every request has: a database session, protection against forged forms, and limits on guessing."""

from __future__ import annotations

from flask import Flask, g
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session

from models.session import engine
from settings import settings

csrf = CSRFProtect()

# Shared over Redis; without it each process counts for itself, because a broker that is down must lock nobody out.
limiter = Limiter(
    key_func=get_remote_address,
    key_prefix="pizhu:limit",
    in_memory_fallback_enabled=True,
    swallow_errors=True,
    headers_enabled=True,
)


def register(app: Flask) -> None:
    app.config.update(
        # Whether a request needs the check depends on how it is authenticated; see app.auth.
        WTF_CSRF_CHECK_DEFAULT=False,
        # An essay may be written for hours in the form that carries the token; it lives as long as the session.
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=settings().redis_url,
        RATELIMIT_STORAGE_OPTIONS={"socket_connect_timeout": 1, "socket_timeout": 1},
    )
    csrf.init_app(app)
    limiter.init_app(app)
    app.teardown_appcontext(_close)


def db() -> Session:
    """The session of this request. Whoever wants to keep something commits; the rest is rolled back at the end.

    Objects stay readable after a commit, so that what was committed can be shown without a second query.
    """
    if "db" not in g:
        g.db = Session(engine(), expire_on_commit=False)
    session: Session = g.db
    return session


def _close(_error: BaseException | None) -> None:
    if opened := g.pop("db", None):
        opened.close()
