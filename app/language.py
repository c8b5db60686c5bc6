"""Which language a page speaks: what the user chose, else what the browser asks for."""

from __future__ import annotations

from flask import Flask, request
from flask_babel import Babel, get_locale

from app.auth import visitor
from settings import settings

LANGUAGES = {"en": "English", "zh": "中文"}
"""Languages of the pages, each by its own name."""

TAGS = {"en": "en", "zh": "zh-Hans"}
"""As HTML names them."""

COOKIE = "pizhu_language"


def register(app: Flask) -> None:
    # The zone is read with each request, so that one process serves whatever the settings say by then.
    Babel(app, locale_selector=chosen_language, timezone_selector=lambda: settings().time_zone)


def chosen_language() -> str:
    """`en` or `zh`: the user's own choice, this browser's, what it asks for, or the school's, whichever comes first."""
    user = visitor()
    for choice in (user.language if user else None, request.cookies.get(COOKIE)):
        if choice in LANGUAGES:
            return choice
    return request.accept_languages.best_match(LANGUAGES) or settings().language


def current_language() -> str:
    """The language of this answer."""
    return str(get_locale().language)
