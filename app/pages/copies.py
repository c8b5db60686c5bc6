"""For a teacher: which essays share words with which, and two of them side by side."""

from __future__ import annotations

import uuid

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.auth import assignment_teacher, essay_teacher, me, rule
from app.copies import dismiss, pair_of, restore
from app.extensions import db
from app.pages import blueprint
from app.pages.margin import segments
from grading.copies import clusters

SHOWN = 50
"""Pairs of one cluster on the page, those that share most; the API has all."""


@blueprint.get("/assignments/<uuid:assignment_id>/copies")
@rule(assignment_teacher)
def copies(assignment_id: uuid.UUID) -> str:
    return render_template(
        "teacher/copies.html",
        assignment=g.assignment,
        clusters=clusters.clusters(db(), assignment_id),
        dismissed=clusters.dismissed(db(), assignment_id),
        waiting=clusters.waiting(db(), assignment_id),
        SHOWN=SHOWN,
    )


@blueprint.get("/essays/<uuid:essay_id>/beside/<uuid:other_id>")
@rule(essay_teacher)
def side_by_side(essay_id: uuid.UUID, other_id: uuid.UUID) -> str:
    """The later of two essays that share words beside the earlier; 404 for two that do not."""
    pair = pair_of(db(), g.essay, other_id)
    others = [{"start": passage["other_start"], "end": passage["other_end"]} for passage in pair.passages]
    return render_template(
        "teacher/side_by_side.html",
        assignment=g.assignment,
        pair=pair,
        sides=[
            (pair.essay, pair.share, segments(pair.essay.text, pair.passages), "essay"),
            (pair.other, pair.other_share, segments(pair.other.text, others), "other"),
        ],
    )


@blueprint.post("/essays/<uuid:essay_id>/beside/<uuid:other_id>/dismiss")
@rule(essay_teacher)
def dismiss_copy(essay_id: uuid.UUID, other_id: uuid.UUID) -> Response:
    dismiss(pair_of(db(), g.essay, other_id), me())
    flash(_("These two are no longer shown as sharing words."))
    return redirect(url_for("pages.copies", assignment_id=g.assignment.id), 303)


@blueprint.post("/essays/<uuid:essay_id>/beside/<uuid:other_id>/restore")
@rule(essay_teacher)
def restore_copy(essay_id: uuid.UUID, other_id: uuid.UUID) -> Response:
    restore(pair_of(db(), g.essay, other_id))
    flash(_("These two are shown again as sharing words."))
    return redirect(url_for("pages.side_by_side", essay_id=essay_id, other_id=other_id), 303)
