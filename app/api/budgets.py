"""Budgets, for ops."""

from __future__ import annotations

from typing import Any

from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import ops, rule
from app.bodies import BudgetBody
from app.budgets import BudgetView, budgets, put_budget
from app.extensions import db
from app.paging import Listing


@blueprint.get("/budgets")
@rule(ops)
@operation(Operation(200, Listing[BudgetView]))
def list_budgets() -> Any:
    """All budgets, and what is spent of each in its present period."""
    return {"items": budgets(db()), "next": None}


@blueprint.put("/budgets")
@rule(ops)
@operation(Operation(200, Listing[BudgetView], body=BudgetBody))
def set_budget(body: BudgetBody) -> Any:
    """Set the budget of the platform, a class or a user, or of each; without a limit it is taken away.

    What was spent before in its period counts.
    """
    put_budget(db(), body)
    return {"items": budgets(db()), "next": None}
