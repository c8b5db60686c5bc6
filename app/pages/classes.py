"""A teacher's classes and the essays in them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from app import classes
from app.api.essays import list_of
from app.auth import class_teacher, me, rule, teacher
from app.bodies import EssayFilter, Page, validated
from app.costs import DAYS
from app.extensions import db
from app.pages import blueprint
from app.pages.forms import field_errors, line_field, query
from app.paging import paged
from app.problems import Problem
from grading.copies.clusters import shares_words
from grading.costs import attribution, savings
from models import Assignment, Class, Essay, EssayState, Membership, Role, User
from models.base import now
from models.session import snapshot

NEEDS_TEACHER = (EssayState.needs_review, EssayState.failed)


@blueprint.get("/classes")
@rule(teacher)
def my_classes() -> str:
    return _classes({})


@blueprint.post("/classes")
@rule(teacher)
def create_class() -> Any:
    try:
        school_class = classes.create_class(me(), {"name": line_field("name")})
    except Problem as problem:
        return _classes(field_errors(problem)), problem.status
    flash(_("Give the code %(code)s to your students; with it they join the class.", code=school_class.join_code))
    return redirect(url_for("pages.school_class", class_id=school_class.id), 303)


def _classes(errors: Mapping[str, str]) -> str:
    mine = select(Class).join(Membership).where(Membership.user_id == me().id)
    classes = paged(db(), mine, Class, validated(Page, query()), lambda school_class: school_class)
    ids = [school_class.id for school_class in classes["items"]]
    students = (
        select(Membership.class_id, func.count())
        .join(User)
        .where(Membership.class_id.in_(ids), User.role == Role.student)
        .group_by(Membership.class_id)
    )
    waiting = (
        select(Assignment.class_id, func.count())
        .join(Essay, Essay.assignment_id == Assignment.id)
        .where(Assignment.class_id.in_(ids), Essay.state.in_(NEEDS_TEACHER))
        .group_by(Assignment.class_id)
    )
    return render_template(
        "teacher/classes.html",
        classes=classes,
        students={class_id: count for class_id, count in db().execute(students)},  # noqa: C416 -- not rows
        waiting={class_id: count for class_id, count in db().execute(waiting)},  # noqa: C416
        errors=errors,
        name=request.form.get("name", ""),
    )


@blueprint.get("/classes/<uuid:class_id>")
@rule(class_teacher)
def school_class(class_id: uuid.UUID) -> str:
    essays = select(Essay).join(Assignment, Assignment.id == Essay.assignment_id).where(Assignment.class_id == class_id)
    assignments = select(Assignment).filter_by(class_id=class_id).order_by(Assignment.created_at.desc())
    students = (
        select(User)
        .join(Membership)
        .where(Membership.class_id == class_id, User.role == Role.student)
        .order_by(User.name, User.id)
    )
    wanted = validated(EssayFilter, query())
    with snapshot() as seen:
        spent = attribution.of_class(seen, class_id, now() - timedelta(days=DAYS - 1), now())
        saving = savings.total(seen, now() - timedelta(days=DAYS), now(), class_id)
    return render_template(
        "teacher/class.html",
        school_class=g.school_class,
        assignments=db().scalars(assignments).all(),
        counts=_counts(class_id),
        students=db().scalars(students).all(),
        essays=list_of(essays, wanted),
        wanted=wanted,
        spent=spent,
        saving=saving,
        days=DAYS,
    )


def _counts(class_id: uuid.UUID) -> dict[uuid.UUID, Any]:
    """How many essays each assignment of the class has: `essays`, `graded`, `waiting` for the teacher, and `copied`,
    which share words with another student's."""
    handed_in = Essay.state != EssayState.cancelled
    rows = db().execute(
        select(
            Essay.assignment_id,
            func.count().filter(handed_in).label("essays"),
            func.count().filter(Essay.state == EssayState.graded).label("graded"),
            func.count().filter(Essay.state.in_(NEEDS_TEACHER)).label("waiting"),
            func.count().filter(handed_in, shares_words()).label("copied"),
        )
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .where(Assignment.class_id == class_id)
        .group_by(Essay.assignment_id)
    )
    return {row.assignment_id: row for row in rows}
