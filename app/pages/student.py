"""A student's assignments and classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app import classes
from app.auth import limit_joining, me, rule, student
from app.bodies import Page, validated
from app.extensions import db
from app.pages import blueprint
from app.pages.forms import field_errors, query
from app.paging import paged
from app.problems import Problem
from app.views import EssayRow, essay_row_json, notice_json
from models import Assignment, Class, Essay, Membership, Notice

MAX_NEWS = 5


@blueprint.get("/assignments")
@rule(student)
def my_assignments() -> str:
    return _home({})


@blueprint.post("/classes/join")
@rule(student)
@limit_joining
def join_class() -> Any:
    try:
        school_class = classes.join_class(me(), {"join_code": request.form.get("join_code", "")})
    except Problem as problem:
        return _home(field_errors(problem)), problem.status
    flash(_("You are in the class “%(name)s” now.", name=school_class.name))
    return redirect(url_for("pages.my_assignments"), 303)


def _home(errors: Mapping[str, str]) -> str:
    mine = select(Class.id).join(Membership).where(Membership.user_id == me().id)
    assignments = paged(
        db(),
        select(Assignment).where(Assignment.class_id.in_(mine)).options(joinedload(Assignment.school_class)),
        Assignment,
        validated(Page, query()),
        lambda assignment: assignment,
    )
    return render_template(
        "student/home.html",
        assignments=assignments,
        essays=my_essays(assignments["items"]),
        classes=db().scalars(select(Class).where(Class.id.in_(mine)).order_by(Class.name)).all(),
        news=_news(),
        errors=errors,
        join_code=request.form.get("join_code", ""),
    )


def my_essays(assignments: list[Assignment]) -> dict[str, list[EssayRow]]:
    """The student's essays by id of the assignment, newest first."""
    found: dict[str, list[EssayRow]] = {}
    essays = (
        select(Essay)
        .where(Essay.student_id == me().id, Essay.assignment_id.in_([one.id for one in assignments]))
        .options(joinedload(Essay.student), joinedload(Essay.assignment), joinedload(Essay.current_grading))
        .order_by(Essay.created_at.desc(), Essay.id.desc())
    )
    for essay in db().scalars(essays):
        found.setdefault(str(essay.assignment_id), []).append(essay_row_json(essay, me()))
    return found


def _news() -> list[Any]:
    unseen = (
        select(Notice)
        .where(Notice.user_id == me().id, Notice.seen_at.is_(None))
        .order_by(Notice.created_at.desc())
        .limit(MAX_NEWS)
    )
    return [notice_json(notice) for notice in db().scalars(unseen)]
