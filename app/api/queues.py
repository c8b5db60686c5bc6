"""The queues, for ops."""

from __future__ import annotations

from typing import Any

from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import me, ops, rule
from app.drifts import DriftView, drifts
from app.extensions import db
from app.feedback import FeedbackView, feedback
from app.paging import Listing
from app.queues import QueueView, overview, pause, resume
from app.shares import SharesView, shares
from app.tiers import TierView, tiers


@blueprint.get("/queues")
@rule(ops)
@operation(Operation(200, Listing[QueueView]))
def list_queues() -> Any:
    """Every queue: what waits, for how long, what is in flight, and who works on it.

    `depth`, `oldest_wait_s` and `in_flight` count essays in the database, `messages` what the broker holds; null is
    what does not apply, or cannot be known while the broker is down.
    """
    return {"items": overview(db()), "next": None}


@blueprint.get("/queues/shares")
@rule(ops)
@operation(Operation(200, Listing[SharesView]))
def list_shares() -> Any:
    """Who gave the grades of the last day and of the last week: tiers, teachers and the cache."""
    return {"items": shares(db()), "next": None}


@blueprint.get("/feedback")
@rule(ops)
@operation(Operation(200, Listing[FeedbackView]))
def list_feedback() -> Any:
    """How many of the models' quotes and counts were false and left out, by version of the prompt."""
    return {"items": feedback(db()), "next": None}


@blueprint.get("/drifts")
@rule(ops)
@operation(Operation(200, Listing[DriftView]))
def list_drifts() -> Any:
    """The assignments whose essays that are graded again every day are marked differently than before."""
    return {"items": drifts(db()), "next": None}


@blueprint.get("/tiers")
@rule(ops)
@operation(Operation(200, Listing[TierView]))
def list_tiers() -> Any:
    """The tiers of the cascade, and why one is not asked now."""
    return {"items": tiers(db()), "next": None}


@blueprint.post("/queues/<name>/pause")
@rule(ops)
@operation(Operation(200, Listing[QueueView]))
def pause_queue(name: str) -> Any:
    """Take nothing more from a queue; what is being graded is finished."""
    pause(name, me())
    return list_queues()


@blueprint.post("/queues/<name>/resume")
@rule(ops)
@operation(Operation(200, Listing[QueueView]))
def resume_queue(name: str) -> Any:
    """Let a queue go on."""
    resume(name)
    return list_queues()
