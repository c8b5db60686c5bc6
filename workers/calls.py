"""The meter of a worker: as any, but it waits for a database that is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from grading import prompt
from grading.costs import ledger
from grading.costs.meter import Account, Meter, at_once
from grading.costs.tariff import Tariff
from grading.engines.engine import Engine
from models import Essay
from workers.patience import patiently

Result = TypeVar("Result")


def meter_of(essay: Essay, engine: Engine, tier: str, tariff: Tariff, feature: str = ledger.GRADE) -> Meter:
    """For the calls that grading one essay takes."""
    return Meter(account_of(essay, feature), tier, engine.model, engine.version, tariff, in_time)


def account_of(essay: Essay, feature: str = ledger.GRADE) -> Account:
    """Whose account a grade of this essay is on, with the prompt that is in use."""
    return Account.of(essay, prompt.load(essay.assignment.language).id, feature)


def in_time(work: Callable[[Session], Result]) -> Result:
    """A `Commit` that waits for the database, as `patiently` does."""
    return patiently(lambda: at_once(work))
