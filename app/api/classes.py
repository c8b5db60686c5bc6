"""Classes: who teaches and who learns in them."""

from __future__ import annotations

import uuid
from typing import Any

from flask import g
from sqlalchemy import select

from app import classes
from app.api import blueprint
from app.api.essays import list_of
from app.api.operation import Operation, operation
from app.auth import class_member, class_teacher, limit_joining, me, rule, signed_in, student, teacher
from app.bodies import ClassEssayFilter, JoinClass, NewClass, Page
from app.extensions import db
from app.paging import Listing, paged
from app.views import ClassDetails, ClassView, EssayRow, class_details_json, class_json
from models import Assignment, Class, Essay, Membership, User


@blueprint.post("/classes")
@rule(teacher)
@operation(Operation(201, ClassView, body=NewClass))
def create_class(body: NewClass) -> Any:
    """Make a class; its `join_code` lets students in."""
    return class_json(classes.create_class(me(), body), me()), 201


@blueprint.post("/classes/join")
@rule(student)
@limit_joining
@operation(Operation(200, ClassView, body=JoinClass))
def join_class(body: JoinClass) -> Any:
    """Become a member of the class with this code."""
    return class_json(classes.join_class(me(), body), me())


@blueprint.get("/classes")
@rule(signed_in)
@operation(Operation(200, Listing[ClassView], query=Page))
def list_classes(query: Page) -> Any:
    """One's own classes, newest first."""
    mine = select(Class).join(Membership).where(Membership.user_id == me().id)
    return paged(db(), mine, Class, query, lambda school_class: class_json(school_class, me()))


@blueprint.get("/classes/<uuid:class_id>")
@rule(class_member)
@operation(Operation(200, ClassDetails))
def get_class(class_id: uuid.UUID) -> Any:
    """A class and who belongs to it."""
    members = db().scalars(
        select(User).join(Membership).where(Membership.class_id == class_id).order_by(User.name, User.id)
    )
    return class_details_json(g.school_class, list(members), me())


@blueprint.get("/classes/<uuid:class_id>/essays")
@rule(class_teacher)
@operation(Operation(200, Listing[EssayRow], query=ClassEssayFilter))
def list_class_essays(class_id: uuid.UUID, query: ClassEssayFilter) -> Any:
    """All essays of a class, newest first."""
    essays = select(Essay).join(Assignment, Assignment.id == Essay.assignment_id).where(Assignment.class_id == class_id)
    if query.student_id is not None:
        essays = essays.where(Essay.student_id == query.student_id)
    return list_of(essays, query)
