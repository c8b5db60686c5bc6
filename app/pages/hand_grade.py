"""The form for a teacher's own grade: what it holds at first, and what it sends."""

from __future__ import annotations

from typing import Any

from flask import g, request

from app.pages.forms import text_field
from app.views import GradingView


def prefilled(grading: GradingView | None) -> dict[str, str]:
    """The fields, filled in with this grading where its points still mean the same."""
    maxima = {criterion["key"]: criterion["max"] for criterion in g.assignment.rubric.criteria}
    fields: dict[str, str] = {}
    for criterion in grading["criteria"] if grading else []:
        if maxima.get(criterion["key"]) == criterion["max"]:
            fields[f"points.{criterion['key']}"] = f"{criterion['points']:g}"
            fields[f"comments.{criterion['key']}"] = criterion["comment"]
    return fields


def hand_grade_sent() -> dict[str, Any]:
    """A `HandGrade` as the form sent it. A button `take` takes a grading as it stands, with the comment beside it."""
    form = request.form
    data: dict[str, Any] = {"comment": text_field("comment")}
    if "seen.grading" in form:
        data["seen"] = {f"{name}_id": form.get(f"seen.{name}") or None for name in ("grading", "appeal")}
    if taken := form.get("take") or form.get("from_grading"):
        data["from_grading"] = taken
    if "take" not in form:
        keys = [criterion["key"] for criterion in g.assignment.rubric.criteria]
        data["points"] = {key: points for key in keys if (points := form.get(f"points.{key}", "").strip())}
        data["comments"] = {key: text_field(f"comments.{key}").strip() for key in keys if f"comments.{key}" in form}
    return data
