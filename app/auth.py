"""Who is asking, and whether they may: one rule for each route, and none without.

A browser's session and a program's bearer token are the same thing, a row in `tokens`; the session cookie carries its
token signed. So signing in makes a new one, signing out ends it wherever the cookie was copied to, and there is one
place where a token becomes a person.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request, session, url_for
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.extensions import csrf, db, limiter
from app.problems import Problem
from grading.text import UNSTORABLE
from models import Assignment, Class, Essay, Membership, Question, Role, Token, User
from models.base import now
from models.people import new_token, password_matches, token_hash
from settings import settings

log = logging.getLogger(__name__)

Check = Callable[..., bool]
View = TypeVar("View", bound=Callable[..., Any])

SESSION_LIFE = timedelta(hours=12)
"""A session ends with the browser, or after this long: school computers are shared."""

_RULE = "_pizhu_rule"
_TOKEN = "token"  # noqa: S105 -- a key of the session
_SAFE = ("GET", "HEAD", "OPTIONS")


def register(app: Flask) -> None:
    app.config.update(
        SESSION_COOKIE_NAME="pizhu_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings().public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
    )
    rule(public)(app.view_functions["static"])
    app.before_request(_enforce)
    app.context_processor(lambda: {"current_user": current_user})


def rule(check: Check) -> Callable[[View], View]:
    """Let a view be used only by whom `check` admits. It gets the user and the arguments of the view."""

    def mark(view: View) -> View:
        setattr(view, _RULE, check)
        return view

    return mark


def rule_of(view: Callable[..., Any]) -> Check | None:
    """The rule of a view; None when it was forgotten, and then nobody may use it."""
    return getattr(view, _RULE, None)


def _enforce() -> Response | None:
    if request.endpoint is None:
        return None  # no such page, or not with this method
    check = rule_of(current_app.view_functions[request.endpoint])
    if check is None:
        log.error("the view %s has no rule, so nobody may use it", request.endpoint)
        raise Problem(403, detail="Nobody may do this.")
    if check is not public:
        user = current_user()
        if user is None:
            return _ask_to_sign_in()
        if not check(user, **(request.view_args or {})):
            raise Problem(403, detail="Your account may not do this.")
    if request.method not in _SAFE and "Authorization" not in request.headers:
        csrf.protect()
    return None


def _ask_to_sign_in() -> Response:
    if request.blueprint == "pages" and request.method in _SAFE:
        return redirect(url_for("pages.sign_in", next=request.full_path.rstrip("?")))
    if request.blueprint == "pages":
        raise Problem(
            401,
            "You are signed out",
            "Sign in in another tab, then go back here and send it again: what you wrote still stands in the form.",
        )
    raise Problem(401, detail="Send a bearer token, or sign in.", headers={"WWW-Authenticate": "Bearer"})


# --- who is asking ---------------------------------------------------------------------------------------------------


def current_user() -> User | None:
    """Whoever sent this request, by bearer token or session cookie; None for nobody known.

    Raises `Problem` 401 for an `Authorization` header that authorizes nothing: the cookie is no second chance.
    """
    if "user" not in g:
        g.user = _authenticate()
    user: User | None = g.user
    return user


def visitor() -> User | None:
    """Whoever sent this request, as far as can be told; for what is shown even when something is broken."""
    try:
        return current_user()
    except (Problem, SQLAlchemyError):
        return None


def me() -> User:
    """The user of a request whose rule asks for one."""
    user = current_user()
    if user is None:
        raise Problem(401)
    return user


def user_of_token(plain: str) -> User | None:
    """The user whom a token that is not revoked belongs to."""
    return (
        db()
        .scalars(select(User).join(Token, Token.user_id == User.id).filter_by(hash=token_hash(plain), revoked_at=None))
        .one_or_none()
    )


def _authenticate() -> User | None:
    if header := request.headers.get("Authorization"):
        scheme, _, token = header.partition(" ")
        user = user_of_token(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Problem(401, detail="This bearer token is unknown or revoked.", headers=headers)
        return user
    return user_of_token(session[_TOKEN]) if _TOKEN in session else None


limit_sign_in = limiter.limit(
    lambda: settings().sign_in_limit,
    methods=["POST"],
    # Only failures count: a whole class signs in from one address when the lesson begins.
    deduct_when=lambda _response: bool(g.get("sign_in_failed")),
)
"""Decorator for the view that calls `sign_in`."""

limit_joining = limiter.limit("10 per minute", key_func=lambda: f"user {me().id}")
"""Decorator for the views that call `join_class`: nobody shall find a class by trying codes."""


limit_asking = limiter.limit(lambda: settings().ask_limit, key_func=lambda: f"user {me().id}")
"""Decorator for the view that asks a model."""


def sign_in(email: str, password: str) -> User | None:
    """Begin a session of this browser; None when e-mail and password do not belong together."""
    user = None
    if not UNSTORABLE.search(email):
        user = db().scalars(select(User).filter_by(email=email.strip().lower())).one_or_none()
    if not password_matches(user, password) or user is None:
        g.sign_in_failed = True
        return None
    sign_out()
    plain, hashed = new_token()
    db().add(Token(user_id=user.id, hash=hashed, name="browser"))
    db().commit()
    session[_TOKEN] = plain
    g.user = user
    return user


def sign_out() -> None:
    """End the session of this browser, and every copy of its cookie."""
    if token := session.get(_TOKEN):
        db().execute(update(Token).filter_by(hash=token_hash(token)).values(revoked_at=now()))
        db().commit()
    session.clear()
    g.user = None


# --- rules -----------------------------------------------------------------------------------------------------------
# What belongs to other people's classes is not there: 404, so that nobody learns of it by asking. What a check loads
# is on `flask.g` for the view.


def public(*_: object, **__: object) -> bool:
    return True


def signed_in(_user: User, **_: object) -> bool:
    return True


def student(user: User, **_: object) -> bool:
    return user.role is Role.student


def teacher(user: User, **_: object) -> bool:
    return user.role is Role.teacher


def ops(user: User, **_: object) -> bool:
    return user.role is Role.ops


def essay_reader(user: User, essay_id: uuid.UUID, **_: object) -> bool:
    """Its author, or a teacher of its class."""
    essay = essay_of(user, essay_id)
    if essay is None:
        raise Problem(404)
    g.essay, g.assignment = essay, essay.assignment
    return True


def essay_of(user: User, essay_id: uuid.UUID) -> Essay | None:
    """The essay, if it is the user's own or one of a class that the user teaches."""
    found = (
        db()
        .execute(
            select(Essay, Assignment, Membership.user_id)
            .join(Assignment, Assignment.id == Essay.assignment_id)
            .outerjoin(Membership, (Membership.class_id == Assignment.class_id) & (Membership.user_id == user.id))
            .where(Essay.id == essay_id)
        )
        .one_or_none()
    )
    if found is None:
        return None
    essay, _assignment, member = found
    return essay if essay.student_id == user.id or (member and user.role is Role.teacher) else None


def essay_author(user: User, essay_id: uuid.UUID, **_: object) -> bool:
    return essay_reader(user, essay_id) and g.essay.student_id == user.id


def essay_teacher(user: User, essay_id: uuid.UUID, **_: object) -> bool:
    return essay_reader(user, essay_id) and user.role is Role.teacher


def essay_watcher(user: User, essay_id: uuid.UUID, **_: object) -> bool:
    """A teacher of its class, or ops: they say what is done with it and do not read it."""
    if user.role is not Role.ops:
        return essay_teacher(user, essay_id)
    essay = db().get(Essay, essay_id)
    if essay is None:
        raise Problem(404)
    g.essay, g.assignment = essay, essay.assignment
    return True


def question_asker(user: User, question_id: uuid.UUID, **_: object) -> bool:
    """Who asked that question."""
    g.question = db().scalars(select(Question).filter_by(id=question_id, user_id=user.id)).one_or_none()
    if g.question is None:
        raise Problem(404)
    return True


def class_member(user: User, class_id: uuid.UUID, **_: object) -> bool:
    school_class = (
        db()
        .scalars(select(Class).join(Membership).where(Class.id == class_id, Membership.user_id == user.id))
        .one_or_none()
    )
    if school_class is None:
        raise Problem(404)
    g.school_class = school_class
    return True


def class_teacher(user: User, class_id: uuid.UUID, **_: object) -> bool:
    return class_member(user, class_id) and user.role is Role.teacher


def assignment_member(user: User, assignment_id: uuid.UUID, **_: object) -> bool:
    assignment = assignment_of(user, assignment_id)
    if assignment is None:
        raise Problem(404)
    g.assignment = assignment
    return True


def assignment_student(user: User, assignment_id: uuid.UUID, **_: object) -> bool:
    return assignment_member(user, assignment_id) and user.role is Role.student


def assignment_teacher(user: User, assignment_id: uuid.UUID, **_: object) -> bool:
    return assignment_member(user, assignment_id) and user.role is Role.teacher


def assignment_watcher(user: User, assignment_id: uuid.UUID, **_: object) -> bool:
    """A teacher of its class, or ops."""
    if user.role is not Role.ops:
        return assignment_teacher(user, assignment_id)
    g.assignment = db().get(Assignment, assignment_id)
    if g.assignment is None:
        raise Problem(404)
    return True


def assignment_of(user: User, assignment_id: uuid.UUID) -> Assignment | None:
    """The assignment, if it is one of the user's classes'."""
    return db().scalars(_ASSIGNMENT, {"assignment_id": assignment_id, "user_id": user.id}).one_or_none()


# Made once: it is asked with every essay that is handed in.
_ASSIGNMENT = (
    select(Assignment)
    .join(Membership, Membership.class_id == Assignment.class_id)
    .where(Assignment.id == bindparam("assignment_id"), Membership.user_id == bindparam("user_id"))
)
