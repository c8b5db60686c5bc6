"""An assignment: to its students a task and a form, to its teacher a rubric and a list of essays."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from app import assignments, submissions
from app.api.essays import list_of
from app.auth import assignment_member, assignment_student, assignment_teacher, class_teacher, me, rule
from app.bodies import EssayFilter, Tolerance, validated
from app.calibration import calibration_of
from app.extensions import db
from app.language import current_language
from app.pages import blueprint
from app.pages.display import from_local_input, local_input
from app.pages.forms import field_errors, line_field, query, text_field, typed
from app.pages.rubric_form import Row, rows_counted, rows_of, rows_sent, rubric_of, shown
from app.pages.student import my_essays
from app.problems import Problem
from grading.copies import clusters
from grading.costs import report
from grading.drifts import open_drifts
from grading.rubric import Rubric
from models import Assignment, Class, Essay, EssayState, Membership, Release, Role, User

_NONCE = re.compile(r"[0-9a-f]{32}")


@blueprint.get("/assignments/<uuid:assignment_id>")
@rule(assignment_member)
def assignment(assignment_id: uuid.UUID) -> str:
    return _teachers_view({}) if me().role is Role.teacher else _students_view({})


# --- handing in ------------------------------------------------------------------------------------------------------


@blueprint.post("/assignments/<uuid:assignment_id>")
@rule(assignment_student)
def submit(assignment_id: uuid.UUID) -> Any:
    text = text_field("text")
    try:
        essay, created = submissions.submit_essay(me(), g.assignment, text, _key(text))
    except Problem as problem:
        return _students_view(field_errors(problem)), problem.status
    if created:
        flash(_("Your essay has been handed in."))
    return redirect(url_for("pages.essay", essay_id=essay.id), 303)


def _key(text: str) -> str:
    """The same form with the same text is the same essay however often it is sent; another text is another one."""
    return f"form-{_nonce()}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _nonce() -> str:
    sent = request.form.get("nonce", "")
    return sent if _NONCE.fullmatch(sent) else uuid.uuid4().hex


def _students_view(errors: Mapping[str, str]) -> str:
    return render_template(
        "student/assignment.html",
        assignment=g.assignment,
        essays=my_essays([g.assignment]).get(str(g.assignment.id), []),
        errors=errors,
        text=text_field("text"),
        nonce=_nonce(),
    )


# --- for the teacher -------------------------------------------------------------------------------------------------


def _teachers_view(errors: Mapping[str, str]) -> str:
    sent = query()
    asked = {"tolerance": sent.pop("tolerance")} if "tolerance" in sent and not errors else {}
    wanted = validated(EssayFilter, sent | {"assignment_id": str(g.assignment.id)})
    handed_in = select(Essay.student_id).where(
        Essay.assignment_id == g.assignment.id, Essay.state != EssayState.cancelled
    )
    missing = (
        select(User)
        .join(Membership)
        .where(Membership.class_id == g.assignment.class_id, User.role == Role.student, User.id.not_in(handed_in))
        .order_by(User.name, User.id)
    )
    return render_template(
        "teacher/assignment.html",
        assignment=g.assignment,
        essays=list_of(select(Essay), wanted),
        wanted=wanted,
        missing=db().scalars(missing).all(),
        calibration=calibration_of(db(), g.assignment, validated(Tolerance, asked).tolerance),
        errors=errors,
        copied=clusters.copied(db(), g.assignment.id),
        drifts=open_drifts(db(), g.assignment.id),
        spent=report.of_assignment(db(), g.assignment.id),
    )


@blueprint.post("/assignments/<uuid:assignment_id>/release")
@rule(assignment_teacher)
def release_grades(assignment_id: uuid.UUID) -> Any:
    assignments.release_grades(g.assignment)
    flash(_("The grades are released; your students can see them now."))
    return redirect(url_for("pages.assignment", assignment_id=assignment_id), 303)


@blueprint.post("/assignments/<uuid:assignment_id>/calibration")
@rule(assignment_teacher)
def calibrate_assignment(assignment_id: uuid.UUID) -> Any:
    alone = bool(text_field("rubric_only"))
    assignments.use_rubric_only(g.assignment, alone)
    flash(_("From now on the rubric's points alone count.") if alone else _("From now on your marks count again."))
    return redirect(url_for("pages.assignment", assignment_id=assignment_id), 303)


@blueprint.post("/assignments/<uuid:assignment_id>/recalibrate")
@rule(assignment_teacher)
def recalibrate(assignment_id: uuid.UUID) -> Any:
    assignments.recalibrate(g.assignment)
    flash(_("The earlier grades get these points within a minute."))
    return redirect(url_for("pages.assignment", assignment_id=assignment_id, _anchor="calibration"), 303)


@blueprint.post("/assignments/<uuid:assignment_id>/tolerance")
@rule(assignment_teacher)
def set_tolerance(assignment_id: uuid.UUID) -> Any:
    try:
        assignments.set_tolerance(g.assignment, {"tolerance": text_field("tolerance") or None})
    except Problem as problem:
        return _teachers_view(field_errors(problem)), problem.status
    off = g.assignment.tolerance is None
    flash(_("Grades stand again without a tolerance.") if off else _("From the next essay on the tolerance counts."))
    return redirect(url_for("pages.assignment", assignment_id=assignment_id, _anchor="calibration"), 303)


@blueprint.post("/assignments/<uuid:assignment_id>/marks")
@rule(assignment_teacher)
def accept_marks(assignment_id: uuid.UUID) -> Any:
    assignments.accept_marks(g.assignment)
    flash(_("From now on marks are compared with those of today."))
    return redirect(url_for("pages.assignment", assignment_id=assignment_id), 303)


@blueprint.get("/classes/<uuid:class_id>/assignments/new")
@rule(class_teacher)
def new_assignment(class_id: uuid.UUID) -> str:
    values = {"language": current_language(), "release": Release.at_once.value}
    return _form(g.school_class, None, values, shown([]))


@blueprint.post("/classes/<uuid:class_id>/assignments/new")
@rule(class_teacher)
def create_assignment(class_id: uuid.UUID) -> Any:
    if "add" in request.form:
        return _form_as_sent(g.school_class, None, add_row=True)
    try:
        made = assignments.create_assignment(me(), {"class_id": class_id, **_sent()})
    except Problem as problem:
        return _form_as_sent(g.school_class, None, field_errors(problem)), problem.status
    flash(_("The assignment is there for your students now."))
    return redirect(url_for("pages.assignment", assignment_id=made.id), 303)


@blueprint.get("/assignments/<uuid:assignment_id>/edit")
@rule(assignment_teacher)
def edit_assignment(assignment_id: uuid.UUID) -> str:
    values = {
        "title": g.assignment.title,
        "prompt": g.assignment.prompt,
        "language": g.assignment.language,
        "deadline": local_input(g.assignment.deadline),
        "release": g.assignment.release.value,
        "release_at": local_input(g.assignment.release_at),
        "appeal_until": local_input(g.assignment.appeal_until),
    }
    rows = rows_of(Rubric.parse({"criteria": g.assignment.rubric.criteria}))
    return _form(g.assignment.school_class, g.assignment, values, shown(rows))


@blueprint.post("/assignments/<uuid:assignment_id>/edit")
@rule(assignment_teacher)
def change_assignment(assignment_id: uuid.UUID) -> Any:
    if "add" in request.form:
        return _form_as_sent(g.assignment.school_class, g.assignment, add_row=True)
    try:
        # The form does not ask for the tolerance, so it stays.
        assignments.change_assignment(g.assignment, {**_sent(), "tolerance": g.assignment.tolerance})
    except Problem as problem:
        return _form_as_sent(g.assignment.school_class, g.assignment, field_errors(problem)), problem.status
    flash(_("The assignment is saved."))
    return redirect(url_for("pages.assignment", assignment_id=assignment_id), 303)


def _sent() -> dict[str, Any]:
    """What the form sent, as the API would have it."""
    release = request.form.get("release", "")
    return {
        "title": line_field("title"),
        "prompt": text_field("prompt").strip("\n"),
        "language": request.form.get("language", ""),
        "rubric": rubric_of(rows_sent(typed())),
        "deadline": from_local_input(request.form.get("deadline", "")),
        "appeal_until": from_local_input(request.form.get("appeal_until", "")),
        "release": release,
        # Left standing in the form when another choice was made; it means nothing then.
        "release_at": from_local_input(request.form.get("release_at", ""))
        if release == Release.from_date.value
        else None,
    }


def _form_as_sent(
    school_class: Class, assignment: Assignment | None, errors: Mapping[str, str] | None = None, add_row: bool = False
) -> str:
    rows = shown(rows_sent(typed()), at_least=rows_counted(typed()) + add_row)
    return _form(school_class, assignment, typed(), rows, errors)


def _form(
    school_class: Class,
    assignment: Assignment | None,
    values: Mapping[str, str],
    rows: list[Row],
    errors: Mapping[str, str] | None = None,
) -> str:
    return render_template(
        "teacher/assignment_form.html",
        school_class=school_class,
        assignment=assignment,
        values=values,
        rows=rows,
        errors=errors or {},
    )
