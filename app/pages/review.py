"""A teacher's desk: what waits, and one essay after another side by side with what each model said of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from pydantic import Field
from sqlalchemy import select

from app import hand_grading
from app.auth import essay_teacher, me, rule, teacher
from app.bodies import ReviewFilter, validated
from app.extensions import db
from app.pages import blueprint
from app.pages.forms import field_errors, query, typed
from app.pages.hand_grade import hand_grade_sent, prefilled
from app.pages.margin import segments
from app.pages.notices import mark_seen
from app.pages.second_looks import flash_touched
from app.pages.suspicion import with_suspicions
from app.problems import Problem
from app.review import ReviewRow, queue
from app.views import GradingView, HistoryView, essay_json, history_json
from grading import second_looks
from grading.engines.loading import DEMO_MODEL
from grading.rule_notes import rule_notes
from models import Assignment, Class, Membership


class _Desk(ReviewFilter):
    """What lies on the desk: the filter of the queue, and which grading of the essay is shown."""

    limit: int = Field(100, ge=1, le=100)
    grading: uuid.UUID | None = None

    @property
    def filter(self) -> dict[str, Any]:
        """For the links from one essay to the next."""
        return self.model_dump(include={"class_id", "assignment_id", "touched_by"}, exclude_none=True)


@blueprint.get("/review")
@rule(teacher)
def review() -> str:
    desk = validated(_Desk, query())
    mine = select(Class).join(Membership).where(Membership.user_id == me().id).order_by(Class.name, Class.id)
    classes = db().scalars(mine).all()
    assignments = (
        select(Assignment)
        .where(Assignment.class_id.in_([each.id for each in classes]))
        .order_by(Assignment.created_at.desc())
        .limit(200)
    )
    return render_template(
        "teacher/review.html",
        rows=queue(db(), me(), desk),
        classes=classes,
        assignments=db().scalars(assignments).all(),
        desk=desk,
    )


@blueprint.get("/review/<uuid:essay_id>")
@rule(essay_teacher)
def review_essay(essay_id: uuid.UUID) -> str:
    mark_seen(essay_id)
    desk = validated(_Desk, query())
    return _essay(desk, queue(db(), me(), desk), {})


@blueprint.post("/review/<uuid:essay_id>")
@rule(essay_teacher)
def grade_in_review(essay_id: uuid.UUID) -> Any:
    """Save, and go on to the next essay."""
    desk = validated(_Desk, query())
    rows = queue(db(), me(), desk)
    try:
        hand_grading.grade_by_hand(g.essay, me(), hand_grade_sent())
    except Problem as problem:
        return _essay(desk, rows, field_errors(problem), typed()), problem.status
    flash_touched(g.essay)
    following = _neighbours(rows, essay_id)[1]
    if following is None:
        flash(_("Your grade is saved. Nothing else waits for you here."))
        return redirect(url_for("pages.review", **desk.filter), 303)
    flash(_("Your grade is saved. This is the next essay."))
    return redirect(url_for("pages.review_essay", essay_id=following["id"], **desk.filter), 303)


def _neighbours(rows: list[ReviewRow], essay_id: uuid.UUID) -> tuple[ReviewRow | None, ReviewRow | None]:
    """The essays before and after that one in the queue; after the last, and for one that is not in it, the first."""
    ids = [row["id"] for row in rows]
    place = ids.index(str(essay_id)) if str(essay_id) in ids else -1
    others = [row for row in rows if row["id"] != str(essay_id)]
    before = rows[place - 1] if place > 0 else None
    after = rows[place + 1] if place + 1 < len(rows) else next(iter(others), None)
    return before, after


def _essay(
    desk: _Desk, rows: list[ReviewRow], errors: Mapping[str, str], fields: Mapping[str, str] | None = None
) -> str:
    shown, history = essay_json(db(), g.essay, me()), history_json(g.essay, me())
    row = next((row for row in rows if row["id"] == shown["id"]), None)
    before, after = _neighbours(rows, g.essay.id)
    grading = _shown_grading(history, shown["grading"], desk.grading)
    notes = with_suspicions(shown["text"], grading["annotations"] if grading else rule_notes(shown["text"]), grading)
    return render_template(
        "teacher/review_essay.html",
        essay=shown,
        assignment=g.assignment,
        grading=grading,
        annotations=notes,
        segments=segments(shown["text"], notes),
        history=history,
        graded_by_id={one["id"]: one for one in history["gradings"]},
        demonstrated=any(one["model"] == DEMO_MODEL for one in history["gradings"]),
        fields=fields or prefilled(grading),
        errors=errors,
        row=row,
        touches=second_looks.touched(db(), g.essay.id),
        place=rows.index(row) + 1 if row else None,
        length=len(rows),
        before=before,
        after=after,
        desk=desk,
        is_teacher=True,
        send_to=url_for("pages.review_essay", essay_id=g.essay.id, grading=desk.grading, **desk.filter),
    )


def _shown_grading(history: HistoryView, current: GradingView | None, wanted: uuid.UUID | None) -> GradingView | None:
    """The grading that was chosen, else the current one, else what the best model that was asked said."""
    by_id = {one["id"]: one for one in history["gradings"]}
    last = history["gradings"][-1] if history["gradings"] else None
    return by_id.get(str(wanted)) or current or last
