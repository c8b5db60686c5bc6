"""Essays: hand in, follow, withdraw, grade."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, g, request
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from app import copies, hand_grading, realtime, submissions
from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import assignment_of, essay_author, essay_reader, essay_teacher, me, rule, student
from app.bodies import EssayFilter, HandGrade, NewAppeal, NewEssay
from app.copies import OverlapView, overlap_json, pair_of
from app.extensions import db
from app.paging import Listing, paged
from app.problems import wrong
from app.views import (
    AppealView,
    EssayRow,
    EssayView,
    GradingView,
    HistoryView,
    SubmittedView,
    appeal_json,
    essay_json,
    essay_row_json,
    grading_json,
    history_json,
    submitted_json,
)
from models import Essay

IDEMPOTENCY_KEY = ("Idempotency-Key", "1 to 255 visible ASCII characters. The same key again returns the same essay.")
LAST_EVENT_ID = ("Last-Event-ID", "Id of the last event that was seen; `?after=` does the same.")


@blueprint.post("/essays")
@rule(student)
@operation(Operation(202, SubmittedView, body=NewEssay, headers=[IDEMPOTENCY_KEY]))
def submit_essay(body: NewEssay) -> Any:
    """Hand in an essay.

    The text is stored and graded exactly as it is sent. An essay that comes after the deadline is taken, and shown as
    late.
    """
    assignment = assignment_of(me(), body.assignment_id)
    if assignment is None:
        raise wrong("assignment_id", "None of your classes has this assignment.")
    essay, _ = submissions.submit_essay(me(), assignment, body.text, request.headers.get("Idempotency-Key"))
    view = submitted_json(essay)
    return view, 202, {"Location": view["links"]["self"]}


@blueprint.get("/essays")
@rule(student)
@operation(Operation(200, Listing[EssayRow], query=EssayFilter))
def list_essays(query: EssayFilter) -> Any:
    """One's own essays, newest first."""
    return list_of(select(Essay).where(Essay.student_id == me().id), query)


def list_of(essays: Select[Essay], wanted: EssayFilter) -> Listing[EssayRow]:
    """A page of these essays, as the filter says."""
    if wanted.state is not None:
        essays = essays.where(Essay.state == wanted.state)
    if wanted.assignment_id is not None:
        essays = essays.where(Essay.assignment_id == wanted.assignment_id)
    loaded = essays.options(joinedload(Essay.student), joinedload(Essay.assignment), joinedload(Essay.current_grading))
    return paged(db(), loaded, Essay, wanted, lambda essay: essay_row_json(essay, me()))


@blueprint.get("/essays/<uuid:essay_id>")
@rule(essay_reader)
@operation(Operation(200, EssayView))
def get_essay(essay_id: uuid.UUID) -> Any:
    """An essay, where it is, and its current grade."""
    return essay_json(db(), g.essay, me())


@blueprint.get("/essays/<uuid:essay_id>/history")
@rule(essay_reader)
@operation(Operation(200, HistoryView))
def get_history(essay_id: uuid.UUID) -> Any:
    """Every grade an essay was given, and every change of its state."""
    return history_json(g.essay, me())


@blueprint.get("/essays/<uuid:essay_id>/events")
@rule(essay_reader)
@operation(Operation(200, str, headers=[LAST_EVENT_ID], media="text/event-stream"))
def follow_essay(essay_id: uuid.UUID) -> Response:
    """Follow an essay as it is graded.

    The first event is always `state`. Then come `position` while it waits, `delta` with words as they are written,
    `state` for each change, and `graded`; the stream ends with the first state whose `final` is true. A lost event is
    no harm: what matters comes from the database.
    """
    after = request.args.get("after") or request.headers.get("Last-Event-ID", "")
    return Response(
        realtime.events(g.essay, me(), after),
        mimetype="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


@blueprint.post("/essays/<uuid:essay_id>/cancel")
@rule(essay_author)
@operation(Operation(200, EssayView))
def cancel_essay(essay_id: uuid.UUID) -> Any:
    """Withdraw an essay that has no grade yet; a model that is at it stops. 409 when it is too late."""
    submissions.cancel_essay(g.essay, me())
    return essay_json(db(), g.essay, me())


@blueprint.post("/essays/<uuid:essay_id>/retry")
@rule(essay_teacher)
@operation(Operation(200, EssayView))
def retry_essay(essay_id: uuid.UUID) -> Any:
    """Have an essay graded anew that failed or needs review. 409 in any other state."""
    submissions.retry_essay(g.essay, me())
    return essay_json(db(), g.essay, me())


@blueprint.post("/essays/<uuid:essay_id>/gradings")
@rule(essay_teacher)
@operation(Operation(201, GradingView, body=HandGrade))
def grade_by_hand(essay_id: uuid.UUID, body: HandGrade) -> Any:
    """Grade an essay as its teacher; this grade becomes the current one and the former ones stay in the history.

    What is left out stays as the current grade has it, or the one named by `from_grading`; so an empty object confirms
    that grade. It answers the appeal that is open, and `comment` is the answer in words.
    """
    grading = hand_grading.grade_by_hand(g.essay, me(), body)
    return grading_json(grading, me()), 201


@blueprint.post("/essays/<uuid:essay_id>/appeal")
@rule(essay_author)
@operation(Operation(201, AppealView, body=NewAppeal))
def appeal_grade(essay_id: uuid.UUID, body: NewAppeal) -> Any:
    """Appeal against the grade of one's essay; it stands until a teacher answers with a grade, the same or another.

    409 when there is no grade to be seen, the assignment's `appeal_until` is over, or an appeal is open already.
    """
    return appeal_json(submissions.appeal_grade(g.essay, me(), body)), 201


@blueprint.post("/essays/<uuid:essay_id>/copies/<uuid:other_id>/dismiss")
@rule(essay_teacher)
@operation(Operation(200, OverlapView))
def dismiss_copy(essay_id: uuid.UUID, other_id: uuid.UUID) -> Any:
    """Say that an essay is no copy of the earlier one it shares words with: the pair is shown no more, nor are the same
    words in other versions of the two. Doing it twice changes nothing. 404 for two that share nothing."""
    pair = pair_of(db(), g.essay, other_id)
    copies.dismiss(pair, me())
    return overlap_json(pair)


@blueprint.post("/essays/<uuid:essay_id>/copies/<uuid:other_id>/restore")
@rule(essay_teacher)
@operation(Operation(200, OverlapView))
def restore_copy(essay_id: uuid.UUID, other_id: uuid.UUID) -> Any:
    """Take that back: the pair is shown again. Doing it twice changes nothing."""
    pair = pair_of(db(), g.essay, other_id)
    copies.restore(pair)
    return overlap_json(pair)
