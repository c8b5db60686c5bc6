"""The essay page: for its author the result, for the teacher the same and the red pencil."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import anchors, hand_grading, submissions
from app.auth import essay_author, essay_reader, essay_teacher, me, rule
from app.extensions import db
from app.pages import blueprint
from app.pages.forms import field_errors, text_field, typed
from app.pages.hand_grade import hand_grade_sent, prefilled
from app.pages.margin import segments
from app.pages.messages import translated
from app.pages.notices import mark_seen
from app.pages.second_looks import flash_touched
from app.pages.suspicion import with_suspicions
from app.problems import Problem
from app.views import EssayView, essay_json, history_json
from grading.anchors import anchors_of, comparable
from grading.copies import clusters
from grading.engines.loading import DEMO_MODEL
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
    try:
        hand_grading.grade_by_hand(g.essay, me(), hand_grade_sent())
    except Problem as problem:
        return _page(field_errors(problem), typed()), problem.status
    flash(_("Your grade is saved. The student sees it as soon as grades are released."))
    flash_touched(g.essay)
    return _back()


@blueprint.post("/essays/<uuid:essay_id>/anchor")
@rule(essay_teacher)
def set_anchor(essay_id: uuid.UUID) -> Response:
    if text_field("keep") != "true":
        anchors.dismiss(g.essay, me())
        flash(_("From now on the essay is not graded again every day."))
        return _back("history")
    try:
        anchors.keep(g.essay, me())
    except Problem as problem:
        flash(translated(problem.detail))
    else:
        flash(_("From now on the essay is graded again every day. Nobody's grade changes by it."))
    return _back("history")


@blueprint.post("/essays/<uuid:essay_id>/appeal")
@rule(essay_author)
def appeal_grade(essay_id: uuid.UUID) -> Any:
    try:
        submissions.appeal_grade(g.essay, me(), {"reason": text_field("reason")})
    except Problem as problem:
        if problem.status != 409:
            return _page(field_errors(problem), typed()), problem.status
        flash(translated(problem.detail))  # the page itself shows how things stand, after a double click for one
    else:
        flash(_("Your appeal has been sent. You will be told here what your teacher says."))
    return _back()


def _back(section: str | None = None) -> Response:
    return redirect(url_for("pages.essay", essay_id=g.essay.id, _anchor=section), 303)


def _page(errors: Mapping[str, str], fields: Mapping[str, str] | None = None) -> str:
    shown = essay_json(db(), g.essay, me())
    grading, history, notes = shown["grading"], history_json(g.essay, me()), _notes(shown)
    is_teacher = me().role is Role.teacher
    if is_teacher:
        notes = with_suspicions(shown["text"], notes, grading)
    return render_template(
        "essay/page.html",
        essay=shown,
        assignment=g.assignment,
        grading=grading,
        annotations=notes,
        segments=segments(shown["text"], notes),
        history=history,
        is_teacher=is_teacher,
        anchors=anchors_of(db(), g.assignment.id) if is_teacher else [],
        said_of_anchor=anchors.said_json(db(), g.essay) if is_teacher else [],
        comparable=is_teacher and comparable(db(), g.essay) is not None,
        overlaps=clusters.of_essay(db(), g.essay.id) if is_teacher else [],
        fields=fields or prefilled(grading),
        graded_by_id={one["id"]: one for one in history["gradings"]},
        demonstrated=any(one.model == DEMO_MODEL for one in g.essay.gradings),
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
