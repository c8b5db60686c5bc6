"""A hosted model of which every attempt is a row of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from grading.costs.meter import Meter
from grading.engines.engine import Completion, Engine, EngineError, Flag, Request
from grading.reply import InvalidReply
from models import CallOutcome
from workers.facts import saved


class SavingMode(EngineError):
    """The model was not asked, since saving mode has begun."""


class Attempts:
    """An `Engine` for one essay, to be asked again when that may help; a call that failed is `retried` by the next.

    In saving mode none is made for a class that nobody pays for, so that a loop ends too that is in the middle of an
    essay: `SavingMode`. `judged` is the `grading.grader.OnCall` that goes with it: a reply that turns out to be no
    grade is `invalid`.
    """

    def __init__(self, engine: Engine, calls: Meter) -> None:
        self.model, self.version = engine.model, engine.version
        self.calls = calls
        self._engine = engine
        self._asked = ""

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        """See `Engine.grade`."""
        if request.id == self._asked:
            self.calls.correct(CallOutcome.failed, CallOutcome.retried)
        self._asked = request.id
        self._check()
        named = replace(request, id=f"{request.id}.a{len(self.calls.opened) + 1}")
        with self.calls(named) as replied:
            completion = self._engine.grade(named, on_delta, cancelled)
            replied(completion)
            return completion

    def _check(self) -> None:
        class_id, tier = self.calls.account.class_id, self.calls.tier
        if class_id is None:
            return  # a person's command, who sees what it costs
        if why := self.calls.commit(lambda db: saved(db, class_id, tier)):
            raise SavingMode(why)

    @contextmanager
    def judged(self, request: Request) -> Iterator[Callable[[Completion], None]]:
        """Is entered around all attempts at a reply, and sees what was read in it."""
        try:
            yield lambda completion: None
        except InvalidReply:
            self.calls.correct(self.calls.well, CallOutcome.invalid)
            raise

    def close(self) -> None:
        """The connections belong to the process, not to one essay."""
