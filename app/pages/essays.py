"""The essay page: for its author the result, for the teacher the same and the red pencil."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import submissions
from app.auth import essay_author, essay_reader, essay_teacher, me, rule
from app.extensions import db
from app.pages import blueprint
from app.pages.forms import field_errors, text_field, typed
from app.pages.margin import segments
from app.pages.notices import mark_seen
from app.problems import Problem
from app.views import EssayView, essay_json, history_json
from grading.rule_notes import rule_notes
from models import Role


@blueprint.get("/essays/<uuid:essay_id>")
@rule(essay_reader)
def essay(essay_id: uuid.UUID) -> str:
    mark_seen(essay_id)
    return _page({})


@blueprint.post("/essays/<uuid:essay_id>/cancel")
@rule(essay_author)
def cancel_essay(essay_id: uuid.UUID) -> Response:
    submissions.cancel_essay(g.essay, me())
    flash(_("You have withdrawn the essay."))
    return _back()


@blueprint.post("/essays/<uuid:essay_id>/retry")
@rule(essay_teacher)
def retry_essay(essay_id: uuid.UUID) -> Response:
    submissions.retry_essay(g.essay, me())
    flash(_("The essay is being graded again."))
    return _back()


@blueprint.post("/essays/<uuid:essay_id>/grade")
@rule(essay_teacher)
def grade_by_hand(essay_id: uuid.UUID) -> Any:
    keys = [criterion["key"] for criterion in g.assignment.rubric.criteria]
    data = {
        "points": {key: points for key in keys if (points := request.form.get(f"points.{key}", "").strip())},
        "comments": {key: text_field(f"comments.{key}").strip() for key in keys if f"comments.{key}" in request.form},
        "comment": text_field("comment"),
    }
    try:
        submissions.grade_by_hand(g.essay, me(), data)
    except Problem as problem:
        return _page(field_errors(problem), typed()), problem.status
    flash(_("Your grade is saved. The student sees it as soon as grades are released."))
    return _back()


def _back() -> Response:
    return redirect(url_for("pages.essay", essay_id=g.essay.id), 303)


def _page(errors: Mapping[str, str], fields: Mapping[str, str] | None = None) -> str:
    shown = essay_json(db(), g.essay, me())
    notes = _notes(shown)
    return render_template(
        "essay/page.html",
        essay=shown,
        assignment=g.assignment,
        grading=shown["grading"],
        annotations=notes,
        segments=segments(shown["text"], notes),
        history=history_json(g.essay, me()),
        is_teacher=me().role is Role.teacher,
        fields=fields or _prefilled(shown),
        stream_names=_stream_names(),
        errors=errors,
    )


def _notes(shown: EssayView) -> Sequence[Mapping[str, Any]]:
    """The margin notes of the grade; those by rule where no model gave one and a teacher has yet to."""
    if shown["grading"]:
        return shown["grading"]["annotations"]
    return rule_notes(shown["text"]) if shown["status"] == "needs_review" and shown["grades_visible"] else []


def _stream_names() -> dict[str, str]:
    """What the parts of a grade in the making are called, by field of a `delta` event."""
    criteria = {f"comments.{criterion['key']}": criterion["name"] for criterion in g.assignment.rubric.criteria}
    return criteria | {"strengths": _("Strengths"), "suggestions": _("Suggestions")}


def _prefilled(shown: EssayView) -> dict[str, str]:
    """The form for a teacher's own grade, filled in with the current one where its points still mean the same."""
    maxima = {criterion["key"]: criterion["max"] for criterion in g.assignment.rubric.criteria}
    fields: dict[str, str] = {}
    for criterion in shown["grading"]["criteria"] if shown["grading"] else []:
        if maxima.get(criterion["key"]) == criterion["max"]:
            fields[f"points.{criterion['key']}"] = f"{criterion['points']:g}"
            fields[f"comments.{criterion['key']}"] = criterion["comment"]
    return fields
