"""Advice about costs, for ops."""

from __future__ import annotations

from typing import Any

from app.advice import AdviceView, advice
from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import ops, rule
from models.session import snapshot


@blueprint.get("/costs/advice")
@rule(ops)
@operation(Operation(200, AdviceView))
def advise_on_costs() -> Any:
    """What to do next about costs: what it would save, and what it would risk; by the ledger of the last 30 days."""
    with snapshot() as db:
        return advice(db)
