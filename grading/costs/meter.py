"""Whoever calls a model does it through a meter: each call is a row in the ledger, whatever comes of it.

    meter = Meter(Account("ask", prompt.id, user_id=…), tier.name, engine.model, engine.version, tariff)
    with meter(request) as replied:                      # a `grading.grader.OnCall` as well
        replied(engine.grade(request, on_delta, cancelled))

The row is committed before the call, which is not made where that fails or a budget is spent, and settled after it. No
connection is held in between.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol, Self, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from grading.costs import ledger
from grading.costs.ledger import Call, Ending
from grading.costs.tariff import Tariff, estimated_usage
from grading.engines.engine import (
    Cancelled,
    Completion,
    EngineDead,
    EngineError,
    GivenUp,
    Request,
    RequestRefused,
    Usage,
)
from grading.reply import InvalidReply
from models import CallOutcome, Essay
from models.session import is_away, session

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class LedgerAway(Exception):
    """Postgres could not be reached, and so no call was made; what it was for is to be done another time."""


class Commit(Protocol):
    """Does work in a transaction of its own and returns what that returned."""

    def __call__(self, work: Callable[[Session], Result]) -> Result: ...


def at_once(work: Callable[[Session], Result]) -> Result:
    """A `Commit` that does not wait for a database that is away."""
    with session() as db:
        result = work(db)
        db.commit()
        return result


@dataclass(frozen=True)
class Account:
    """What calls are for, and whose they are, as far as they are anybody's; class and user have budgets.

    `shadow`: they are made to compare, and nobody is shown what they say.
    """

    feature: str
    prompt_version: str = ""
    user_id: uuid.UUID | None = None
    class_id: uuid.UUID | None = None
    assignment_id: uuid.UUID | None = None
    essay_id: uuid.UUID | None = None
    shadow: bool = False

    @classmethod
    def of(cls, essay: Essay, prompt_version: str, feature: str = ledger.GRADE) -> Self:
        """Of grading this essay. What is asked only to compare is on no student's account."""
        compares = feature != ledger.GRADE
        return cls(
            feature,
            prompt_version,
            user_id=None if compares else essay.student_id,
            class_id=essay.assignment.class_id,
            assignment_id=essay.assignment_id,
            essay_id=essay.id,
            shadow=compares,
        )


@dataclass(frozen=True)
class Meter:
    """The calls to one model on one account; an instance is a `grading.grader.OnCall`.

    `commit` may wait for a database that is away, before a call as after it. What can then not be settled is given up,
    for a reply is worth more than its row: the sweeper counts it as lost.
    """

    account: Account
    tier: str
    model: str
    engine_version: str
    tariff: Tariff
    commit: Commit = at_once
    opened: list[uuid.UUID] = field(default_factory=list)
    """Rows of the calls so far."""

    @contextmanager
    def __call__(self, request: Request) -> Iterator[Callable[[Completion], None]]:
        """Around one call; the block is told the reply. Raises `LedgerAway` and `BudgetSpent` before it."""
        counted = self.counted(
            request.id, self.tariff.estimate(request), prompt_estimate=lambda: estimated_usage(request).prompt
        )
        with counted as used:
            yield lambda completion: used(completion.usage, completion.first_token_s)

    @contextmanager
    def counted(
        self, request_id: str, estimate: Decimal, *, prompt_estimate: Callable[[], int] = lambda: 0
    ) -> Iterator[Callable[[Usage, float | None], None]]:
        """Around a call of any kind, such as one for embeddings; the block is told its usage and seconds to the first
        token. `estimate` is in US dollars, on the high side; `prompt_estimate` stands in for a prompt that the provider
        broke off before counting. Raises as calling the meter does."""
        call_id = self._open(self.call(request_id, estimate))
        self.opened.append(call_id)
        told: list[tuple[Usage, float | None]] = []

        def used(usage: Usage, first_token_s: float | None) -> None:
            told.append((usage, first_token_s))

        began, ended = time.monotonic(), self.tariff.begin()

        def settle(outcome: CallOutcome, error: Exception | None = None) -> None:
            usage, first_token_s = told[-1] if told else (_used(error), None)
            estimated = usage is not None and usage.completion > 0 and not usage.prompt
            if usage and estimated:
                usage = replace(usage, prompt=prompt_estimate())
            ending = Ending(
                outcome=outcome,
                bill=ended(usage),
                latency_s=time.monotonic() - began,
                usage=usage,
                prompt_estimated=estimated,
                first_token_s=first_token_s,
                error=str(error) if error else None,
            )
            self._write(lambda db: ledger.settle(db, call_id, ending))

        try:
            yield used
        except EngineDead:
            raise  # the process ends here and now; the sweeper finds the row
        except Exception as error:
            settle(_outcome(error), error)
            raise
        settle(self.well)

    def call(self, request_id: str, estimate: Decimal) -> Call:
        """As the ledger wants to know of a call before it is made."""
        about = self.account
        return Call(
            request_id=request_id,
            feature=about.feature,
            tier=self.tier,
            model=self.model,
            engine_version=self.engine_version,
            prompt_version=about.prompt_version,
            estimated_cost=estimate,
            price=self.tariff.to_json(),
            user_id=about.user_id,
            class_id=about.class_id,
            assignment_id=about.assignment_id,
            essay_id=about.essay_id,
        )

    @property
    def well(self) -> CallOutcome:
        """How a call ends that went well."""
        return CallOutcome.shadow if self.account.shadow else CallOutcome.ok

    def correct(self, before: CallOutcome, after: CallOutcome) -> None:
        """Say what became of the last call; see `ledger.correct`."""
        self._write(lambda db: ledger.correct(db, self.opened[-1], before, after))

    def _open(self, call: Call) -> uuid.UUID:
        try:
            return self.commit(lambda db: ledger.open_call(db, call))
        except SQLAlchemyError as error:
            if is_away(error):
                raise LedgerAway(str(error)) from error
            raise

    def _write(self, change: Callable[[Session], object]) -> None:
        try:
            self.commit(change)
        except SQLAlchemyError as error:
            log.warning("what became of a call to the model is not written down: %s", error)


def _used(error: Exception | None) -> Usage | None:
    """What a call without a reply has used, None where nobody knows."""
    usage = error.usage if isinstance(error, EngineError) else None
    return Usage() if usage is None and isinstance(error, RequestRefused) else usage  # what was refused was not begun


def _outcome(error: Exception) -> CallOutcome:
    if isinstance(error, InvalidReply):
        return CallOutcome.invalid
    if isinstance(error, GivenUp):
        return CallOutcome.escalated
    return CallOutcome.abandoned if isinstance(error, Cancelled) else CallOutcome.failed
