"""Signing in and out, and choosing a language."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import auth
from app.auth import limit_sign_in, public, rule, signed_in, visitor
from app.extensions import db
from app.language import COOKIE, LANGUAGES
from app.pages import blueprint
from app.problems import wrong
from settings import settings

_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""A path of this site. `//elsewhere` and `/\\elsewhere` would lead a browser to another one."""


@blueprint.get("/sign-in")
@rule(public)
def sign_in() -> Any:
    return redirect(_way_on()) if visitor() else _form()


@blueprint.post("/sign-in")
@rule(public)
@limit_sign_in
def begin_session() -> Any:
    email = request.form.get("email", "")
    if auth.sign_in(email, request.form.get("password", "")):
        return redirect(_way_on(), 303)
    return _form(_("E-mail and password do not belong together. Please try again.")), 422


@blueprint.post("/sign-out")
@rule(signed_in)
def sign_out() -> Response:
    auth.sign_out()
    return redirect(url_for("pages.sign_in"), 303)


@blueprint.post("/language")
@rule(public)
def choose_language() -> Response:
    """Keep the choice in the browser, and with the user when there is one."""
    choice = request.form.get("language", "")
    if choice not in LANGUAGES:
        raise wrong("language", "Must be zh or en.")
    if user := visitor():
        user.language = choice
        db().commit()
    answer = redirect(_way_on(), 303)
    secure = settings().public_url.startswith("https://")
    answer.set_cookie(COOKIE, choice, max_age=timedelta(days=365), httponly=True, samesite="Lax", secure=secure)
    return answer


def _form(error: str = "") -> str:
    return render_template("sign_in.html", error=error, email=request.form.get("email", ""), next=_way_on())


def _way_on() -> str:
    target = request.values.get("next", "")
    return target if _OWN_PATH.fullmatch(target) else url_for("pages.home")
