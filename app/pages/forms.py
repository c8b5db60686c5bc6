"""What forms send, and how a refusal finds its way back to the field."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from app.pages.messages import translated
from app.problems import Problem


def typed() -> dict[str, str]:
    """What stood in the fields of the form, by name.

    HTML has browsers send every line break of a form as CR LF, whatever was typed, while the value of a textarea holds
    LF alone. Undoing that gives back the text that the writer saw; one that comes as JSON is never touched.
    """
    return {name: value.replace("\r\n", "\n") for name, value in request.form.items()}


def text_field(name: str) -> str:
    return typed().get(name, "")


def line_field(name: str) -> str:
    """A single line, without the blanks around it."""
    return text_field(name).strip()


def field_errors(problem: Problem) -> Mapping[str, str]:
    """What is wrong, by field, in the reader's words. Raises the problem again when it is not about fields."""
    if not problem.errors:
        raise problem
    return {error["field"]: translated(error["message"]) for error in problem.errors}


def query() -> dict[str, str]:
    """The query string without what was left empty, as a filter form sends it."""
    return {name: value for name, value in request.args.items() if value}
