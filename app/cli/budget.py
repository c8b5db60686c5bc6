"""`pizhu budget`: what may be spent in a day and a month."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.bodies import BudgetBody
from app.budgets import BudgetView, budgets, put_budget
from app.cli.db import opened
from app.problems import Problem
from models import Class, User

SCOPES = click.Choice(["platform", "class", "user"])
PERIODS = click.Choice(["day", "month"])
OF = click.option(
    "--of", "whom", help="Join code of the class, or e-mail of the user; without it: each that has none of its own."
)


class Dollars(click.ParamType):
    """An amount that never was a floating-point number."""

    name = "usd"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            return Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no amount", param, ctx)


@click.group()
def budget() -> None:
    """Say what models may cost in a day and a month.

    From the soft limit on people are warned; from the hard one on nothing is asked that costs something: essays are
    graded by what costs nothing, or by a teacher.
    """


@budget.command("list")
def list_budgets() -> None:
    """Show all budgets, and what is spent of each in its present period."""
    with opened() as db:
        found = budgets(db)
    if not found:
        click.echo("There is no budget.")
        return
    table = Table("whose", "period", "spent", "warns from", "stops at", box=None)
    for one in found:
        stop = f"{one['hard_usd'] or '–'}{' (spent)' if one['spent'] else ''}"
        table.add_row(_whose(one), one["period"], one["spent_usd"], one["soft_usd"] or "–", stop)
    Console().print(table)


@budget.command("set")
@click.argument("scope", type=SCOPES)
@click.argument("period", type=PERIODS)
@OF
@click.option("--soft", type=Dollars(), help="US dollars from which on people are warned.")
@click.option("--hard", type=Dollars(), help="US dollars from which on nothing is asked that costs something.")
def set_budget(scope: str, period: str, whom: str | None, soft: Decimal | None, hard: Decimal | None) -> None:
    """Set a budget, in place of the one there is.

    \b
    Examples: pizhu budget set platform month --soft 600 --hard 800
              pizhu budget set class day --hard 5
              pizhu budget set user day --of anna@school.test --hard 0.50
    """
    if soft is None and hard is None:
        raise click.UsageError("Give --soft, --hard or both; `pizhu budget remove` takes a budget away.")
    _put(scope, period, whom, soft, hard)


@budget.command("remove")
@click.argument("scope", type=SCOPES)
@click.argument("period", type=PERIODS)
@OF
def remove_budget(scope: str, period: str, whom: str | None) -> None:
    """Take a budget away."""
    _put(scope, period, whom, None, None)


def _put(scope: str, period: str, whom: str | None, soft: Decimal | None, hard: Decimal | None) -> None:
    with opened() as db:
        wanted = {"scope": scope, "period": period, "subject_id": _subject(db, scope, whom)}
        try:
            put_budget(db, BudgetBody.model_validate(wanted | {"soft_usd": soft, "hard_usd": hard}))
        except ValidationError as error:
            raise click.UsageError("; ".join(one["msg"] for one in error.errors())) from error
        except Problem as problem:
            raise click.UsageError("; ".join(one["message"] for one in problem.errors)) from problem


def _subject(db: Session, scope: str, whom: str | None) -> uuid.UUID | None:
    if whom is None:
        return None
    if scope == "platform":
        raise click.UsageError("The platform's budget is nobody's; leave --of out.")
    found = (
        db.scalar(select(Class.id).filter_by(join_code=whom.strip().upper()))
        if scope == "class"
        else db.scalar(select(User.id).filter_by(email=whom.strip().lower()))
    )
    if found is None:
        raise click.UsageError(f"There is no {scope} {whom!r}.")
    return found


def _whose(one: BudgetView) -> str:
    if one["scope"] == "platform":
        return "the platform"
    return f"{one['scope']} {one['subject']}" if one["subject_id"] else f"each {one['scope']}"
