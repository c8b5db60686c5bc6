"""Each call to a model that a worker makes is a row in the ledger, whatever comes of it."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from grading import prompt
from grading.costs import ledger
from grading.costs.ledger import Call, Ending
from grading.costs.tariff import Tariff, estimated_usage
from grading.engines.engine import (
    Cancelled,
    Completion,
    Engine,
    EngineDead,
    EngineError,
    GivenUp,
    Request,
    RequestRefused,
    Usage,
)
from grading.reply import InvalidReply
from models import CallOutcome, Essay
from models.session import session
from workers.patience import is_away, patiently

log = logging.getLogger(__name__)


class LedgerAway(Exception):
    """Postgres could not be reached for so long that no call was made; the essay is to be graded another time."""


@dataclass(frozen=True)
class Calls:
    """The calls that grading one essay takes; an instance is a `grading.grader.OnCall`.

    A database that is away is waited for before a call, for none is made that is not in the ledger. After a call it
    is waited for as well, but the reply is worth more than its row: what cannot be settled, the sweeper counts as lost.
    """

    essay: Essay
    engine: Engine
    tier: str
    tariff: Tariff
    feature: str = ledger.GRADE
    opened: list[uuid.UUID] = field(default_factory=list)
    """Rows of the calls so far."""

    @contextmanager
    def __call__(self, request: Request) -> Iterator[Callable[[Completion], None]]:
        call_id = self._open(request)
        self.opened.append(call_id)
        replies: list[Completion] = []
        began, ended = time.monotonic(), self.tariff.begin()

        def settle(outcome: CallOutcome, error: Exception | None = None) -> None:
            reply = replies[0] if replies else None
            usage = reply.usage if reply else _used(error)
            estimated = usage is not None and usage.completion > 0 and not usage.prompt
            if usage and estimated:
                usage = replace(usage, prompt=estimated_usage(request).prompt)
            ending = Ending(
                outcome=outcome,
                bill=ended(usage),
                latency_s=time.monotonic() - began,
                usage=usage,
                prompt_estimated=estimated,
                first_token_s=reply.first_token_s if reply else None,
                error=str(error) if error else None,
            )
            self._settle(call_id, ending)

        try:
            yield replies.append
        except EngineDead:
            raise  # the process ends here and now; the sweeper finds the row
        except Exception as error:
            settle(_outcome(error), error)
            raise
        settle(self.well)

    @property
    def well(self) -> CallOutcome:
        """How a call ends that went well: what is asked only to compare is shown to nobody."""
        return CallOutcome.ok if self.feature == ledger.GRADE else CallOutcome.shadow

    def _open(self, request: Request) -> uuid.UUID:
        call = call_for(
            self.essay,
            request,
            request_id=request.id,
            tier=self.tier,
            model=self.engine.model,
            engine_version=self.engine.version,
            tariff=self.tariff,
            feature=self.feature,
        )

        def write() -> uuid.UUID:
            with session() as db:
                call_id = ledger.open_call(db, call)
                db.commit()
                return call_id

        try:
            return patiently(write)
        except SQLAlchemyError as error:
            if is_away(error):
                raise LedgerAway(str(error)) from error
            raise

    def correct(self, before: CallOutcome, after: CallOutcome) -> None:
        """Say what became of the last call; see `ledger.correct`."""
        self._write(lambda db: ledger.correct(db, self.opened[-1], before, after))

    def _settle(self, call_id: uuid.UUID, ending: Ending) -> None:
        self._write(lambda db: ledger.settle(db, call_id, ending))

    def _write(self, change: Callable[[Session], object]) -> None:
        """Change the ledger. What cannot be written for long is given up; the sweeper counts what was not settled."""

        def write() -> None:
            with session() as db:
                change(db)
                db.commit()

        try:
            patiently(write)
        except SQLAlchemyError as error:
            log.warning("what became of a call to the model is not written down: %s", error)


def call_for(
    essay: Essay,
    request: Request,
    *,
    request_id: str,
    tier: str,
    model: str,
    engine_version: str,
    tariff: Tariff,
    feature: str = ledger.GRADE,
) -> Call:
    """The call that is to grade this essay, as the ledger wants to know of it before it is made.

    What is asked only to compare is on no student's account.
    """
    assignment = essay.assignment
    return Call(
        request_id=request_id,
        feature=feature,
        tier=tier,
        model=model,
        engine_version=engine_version,
        prompt_version=prompt.load(assignment.language).id,
        estimated_cost=tariff.estimate(request),
        price=tariff.to_json(),
        user_id=essay.student_id if feature == ledger.GRADE else None,
        class_id=assignment.class_id,
        assignment_id=assignment.id,
        essay_id=essay.id,
    )


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
