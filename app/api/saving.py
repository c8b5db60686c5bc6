"""Saving mode and alerts, for ops."""

from __future__ import annotations

import uuid
from typing import Any

from app import saving
from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import me, ops, rule
from app.bodies import PaysWhileSaving, SavingReason
from app.extensions import db
from app.paging import Listing
from app.saving import AlertView, PaidClass, SavingView


@blueprint.get("/saving")
@rule(ops)
@operation(Operation(200, SavingView))
def get_saving() -> Any:
    """Whether saving mode is on, since when, by whom, and why: then no model is asked that is paid by the token."""
    return saving.state(db())


@blueprint.post("/saving/on")
@rule(ops)
@operation(Operation(200, SavingView, body=SavingReason))
def turn_saving_on(body: SavingReason) -> Any:
    """Begin saving mode by hand; it lasts until it is ended by hand."""
    saving.turn_on(me(), body)
    return saving.state(db())


@blueprint.post("/saving/off")
@rule(ops)
@operation(Operation(200, SavingView))
def turn_saving_off() -> Any:
    """End saving mode, whoever began it; an incident that goes on does not begin it again."""
    saving.turn_off(me())
    return saving.state(db())


@blueprint.get("/saving/classes")
@rule(ops)
@operation(Operation(200, Listing[PaidClass]))
def list_paid_classes() -> Any:
    """Classes that have handed something in lately, and whether they are paid for in saving mode too."""
    return {"items": saving.classes(db()), "next": None}


@blueprint.put("/saving/classes/<uuid:class_id>")
@rule(ops)
@operation(Operation(200, PaidClass, body=PaysWhileSaving))
def pay_for_class(class_id: uuid.UUID, body: PaysWhileSaving) -> Any:
    """Say whether the essays of a class go to paid models in saving mode too."""
    return saving.paid_json(saving.pay_for(class_id, body.pays_while_saving))


@blueprint.get("/alerts")
@rule(ops)
@operation(Operation(200, Listing[AlertView]))
def list_alerts() -> Any:
    """The latest alerts, newest first."""
    return {"items": saving.alerts(db()), "next": None}
