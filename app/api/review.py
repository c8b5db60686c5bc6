"""What waits for a teacher."""

from __future__ import annotations

from typing import Any

from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import me, rule, teacher
from app.bodies import ReviewFilter
from app.extensions import db
from app.paging import Listing
from app.review import ReviewRow, queue


@blueprint.get("/review")
@rule(teacher)
@operation(Operation(200, Listing[ReviewRow], query=ReviewFilter))
def list_review(query: ReviewFilter) -> Any:
    """Essays of one's classes that a teacher should look at, those first where a mark tells most.

    `why` is `appeal`, `needs_review`, `failed`, `suspicious` (it seems to speak to its grader), `second_look` (a
    teacher's correction of an essay like it) or `unsure`, in this order; `uncertainty` and `disagreement` lie between
    0 and 1. Each mark changes the list, so there is no second page: grade, and ask again.
    """
    return {"items": queue(db(), me(), query), "next": None}
