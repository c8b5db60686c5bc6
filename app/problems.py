"""What went wrong, said in one way: RFC 9457 problem documents for programs, a page for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask, current_app, make_response, render_template, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

log = logging.getLogger(__name__)

MIMETYPE = "application/problem+json"
MACHINE_PATHS = ("/api/", "/healthz", "/readyz", "/metrics")


class Problem(Exception):
    """An answer that is an error. `errors` holds `{"field", "message"}` for each field that is wrong."""

    def __init__(
        self,
        status: int,
        title: str = "",
        detail: str = "",
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers or {}
        self.extensions = extensions

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status}
        if self.detail:
            document["detail"] = self.detail
        if self.errors:
            document["errors"] = self.errors
        return document | self.extensions


def invalid(*errors: dict[str, str]) -> Problem:
    """422: these fields cannot be taken as they are."""
    detail = " ".join(error["message"] for error in errors[:3])
    return Problem(422, "Please correct what you sent", detail, errors)


def wrong(field: str, message: str) -> Problem:
    """422 because of one field."""
    return invalid({"field": field, "message": message})


def register(app: Flask) -> None:
    """Answer every error of this app with a problem."""
    app.register_error_handler(Problem, respond)
    app.register_error_handler(HTTPException, _http)
    for error in (OperationalError, InterfaceError, NoFreeConnection):
        app.register_error_handler(error, _no_database)
    app.register_error_handler(Exception, _unexpected)


def respond(problem: Problem) -> Response:
    """The problem as a document or a page, whichever the client of this path reads."""
    if request.path.startswith(MACHINE_PATHS):
        # A lone surrogate that was sent may be quoted; this writes it as the JSON escape that it came as.
        document = json.dumps(problem.to_json(), ensure_ascii=False).encode("utf-8", "backslashreplace")
        answer = Response(document, mimetype=MIMETYPE)
    else:
        answer = _page(problem)
    answer.status_code = problem.status
    answer.headers.update(problem.headers)
    return answer


def _page(problem: Problem) -> Response:
    try:
        return Response(render_template("error.html", problem=problem), mimetype="text/html")
    except Exception:  # the page wants the database too; an error about an error helps nobody
        log.warning("the error page could not be shown", exc_info=True)
        return Response(f"{problem.title}\n\n{problem.detail}\n", mimetype="text/plain")


def _http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return make_response(error)
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    if error.code == 413:
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        detail = f"The request is larger than {limit:,} bytes, far more than the longest essay needs."
        return respond(Problem(413, error.name, detail, [{"field": "body", "message": detail}]))
    return respond(Problem(error.code, error.name, error.description or "", headers=headers))


def _no_database(error: Exception) -> Response:
    log.warning("the database does not answer: %s", error)
    detail = "The database does not answer at the moment. Nothing was changed; please try again in a few seconds."
    return respond(Problem(503, "Not available", detail, headers={"Retry-After": "5"}))


def _unexpected(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return respond(Problem(500, "Something went wrong", "The error has been logged. Please try again later."))
