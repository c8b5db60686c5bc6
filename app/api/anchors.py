"""Anchors: the essays of an assignment that are graded again every day, so that a model which marks differently is
noticed."""

from __future__ import annotations

import uuid
from typing import Any

from flask import g

from app import anchors
from app.anchors import AnchorView, SaidView
from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import assignment_watcher, essay_watcher, me, rule
from app.extensions import db
from app.paging import Listing


@blueprint.get("/assignments/<uuid:assignment_id>/anchors")
@rule(assignment_watcher)
@operation(Operation(200, Listing[AnchorView]))
def list_anchors(assignment_id: uuid.UUID) -> Any:
    """The essays of an assignment that are graded again every day; for its teachers and ops."""
    return _listing()


@blueprint.get("/essays/<uuid:essay_id>/anchor")
@rule(essay_watcher)
@operation(Operation(200, Listing[SaidView]))
def said_of_anchor(essay_id: uuid.UUID) -> Any:
    """Who has kept an essay as an anchor or dismissed it, and when; the latest first."""
    return {"items": anchors.said_json(db(), g.essay), "next": None}


@blueprint.put("/essays/<uuid:essay_id>/anchor")
@rule(essay_watcher)
@operation(Operation(200, Listing[AnchorView]))
def keep_anchor(essay_id: uuid.UUID) -> Any:
    """Have an essay graded again every day, before those that are chosen automatically; returns all of the assignment.

    409 where no model has graded it by the rubric in use, or people keep as many of this assignment as there may be.
    """
    anchors.keep(g.essay, me())
    return _listing()


@blueprint.delete("/essays/<uuid:essay_id>/anchor")
@rule(essay_watcher)
@operation(Operation(200, Listing[AnchorView]))
def dismiss_anchor(essay_id: uuid.UUID) -> Any:
    """Have an essay graded again no more, nor chosen automatically; returns the others of the assignment."""
    anchors.dismiss(g.essay, me())
    return _listing()


def _listing() -> Any:
    return {"items": anchors.anchors_json(db(), g.assignment), "next": None}
