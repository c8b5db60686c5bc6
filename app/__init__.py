"""The web: API, pages and sockets, and the command line beside them."""

from __future__ import annotations

from flask import Flask

from settings import settings

MAX_REQUEST = 1_000_000
"""Bytes; the longest essay takes a quarter of that however it is escaped."""


def create_app() -> Flask:
    """The web application. Raises RuntimeError without a secret key."""
    # Imported here, because the command line lives below this package and most of it needs no web.
    from app import api, auth, extensions, headers, health, language, metrics, pages, problems, realtime

    secret = settings().secret_key.get_secret_value()
    if not secret:
        raise RuntimeError("No secret key: start with `pizhu up`, or set PIZHU_SECRET_KEY to a long random text.")
    app = Flask(__name__)
    app.config.update(SECRET_KEY=secret, MAX_CONTENT_LENGTH=MAX_REQUEST, MAX_FORM_MEMORY_SIZE=MAX_REQUEST)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    for part in (problems, extensions, auth, language, headers):
        part.register(app)
    for part in (api, pages, health, metrics):
        app.register_blueprint(part.blueprint)
    realtime.register(app)
    return app
