"""Assignments and their rubrics."""

from __future__ import annotations

import uuid
from typing import Any

from flask import g, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app import assignments
from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import assignment_member, assignment_teacher, me, rule, signed_in, teacher
from app.bodies import AssignmentFilter, ChangedAssignment, NewAssignment, Tolerance
from app.calibration import CalibrationJSON, calibration_json, calibration_of
from app.copies import CopiesView, copies_json
from app.extensions import db
from app.paging import Listing, paged
from app.views import AssignmentView, assignment_json
from models import Assignment, Membership


@blueprint.post("/assignments")
@rule(teacher)
@operation(Operation(201, AssignmentView, body=NewAssignment))
def create_assignment(body: NewAssignment) -> Any:
    """Give a class an assignment. A rubric that no model can be held to is refused here."""
    assignment = assignments.create_assignment(me(), body)
    location = url_for("api.get_assignment", assignment_id=assignment.id)
    return assignment_json(assignment), 201, {"Location": location}


@blueprint.get("/assignments")
@rule(signed_in)
@operation(Operation(200, Listing[AssignmentView], query=AssignmentFilter))
def list_assignments(query: AssignmentFilter) -> Any:
    """The assignments of one's classes, newest first."""
    mine = (
        select(Assignment)
        .join(Membership, Membership.class_id == Assignment.class_id)
        .where(Membership.user_id == me().id)
        .options(joinedload(Assignment.rubric))
    )
    if query.class_id is not None:
        mine = mine.where(Assignment.class_id == query.class_id)
    return paged(db(), mine, Assignment, query, assignment_json)


@blueprint.get("/assignments/<uuid:assignment_id>")
@rule(assignment_member)
@operation(Operation(200, AssignmentView))
def get_assignment(assignment_id: uuid.UUID) -> Any:
    """An assignment with its current rubric."""
    return assignment_json(g.assignment)


@blueprint.put("/assignments/<uuid:assignment_id>")
@rule(assignment_teacher)
@operation(Operation(200, AssignmentView, body=ChangedAssignment))
def change_assignment(assignment_id: uuid.UUID, body: ChangedAssignment) -> Any:
    """Change an assignment. A rubric that differs becomes its next version; essays not yet graded are graded by it."""
    return assignment_json(assignments.change_assignment(g.assignment, body))


@blueprint.get("/assignments/<uuid:assignment_id>/calibration")
@rule(assignment_teacher)
@operation(Operation(200, CalibrationJSON, query=Tolerance))
def get_calibration(assignment_id: uuid.UUID, query: Tolerance) -> Any:
    """What was learned from the teacher's marks; with `tolerance`, also what that would mean before it is set."""
    return calibration_json(calibration_of(db(), g.assignment, query.tolerance))


@blueprint.post("/assignments/<uuid:assignment_id>/calibration/apply")
@rule(assignment_teacher)
@operation(Operation(202, CalibrationJSON))
def recalibrate(assignment_id: uuid.UUID) -> Any:
    """Have grades that models gave before it get the points of the calibration in use; a teacher's own stay."""
    assignments.recalibrate(g.assignment)
    return calibration_json(calibration_of(db(), g.assignment)), 202


@blueprint.get("/assignments/<uuid:assignment_id>/copies")
@rule(assignment_teacher)
@operation(Operation(200, CopiesView))
def get_copies(assignment_id: uuid.UUID) -> Any:
    """Essays that share words with another student's, in this assignment or another one of the class."""
    return copies_json(db(), assignment_id)


@blueprint.post("/assignments/<uuid:assignment_id>/release")
@rule(assignment_teacher)
@operation(Operation(200, AssignmentView))
def release_grades(assignment_id: uuid.UUID) -> Any:
    """Let students see their grades from now on."""
    assignments.release_grades(g.assignment)
    return assignment_json(g.assignment)
