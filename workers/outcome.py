"""How a claim ends: with a grade, at another tier, before a teacher, or given back. Each is committed and then told."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from grading import lifecycle, notices, progress
from grading.costs import ledger, savings
from grading.grader import Grade, TooUncertain
from grading.lifecycle import Claim
from grading.routing import Route
from models import CallOutcome, Essay, EssayState, Grading, Source
from models.session import session
from workers.conditions import conditions
from workers.patience import patiently
from workers.queue import enqueue
from workers.stream import Stream

if TYPE_CHECKING:
    from grading.calibrated import Calibrated  # what it stands on takes long to import

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opinion:
    """A grade that was not trusted, or as much of it as was awaited, by which tier, and the calls that it took."""

    grade: Grade | TooUncertain
    tier: str
    calls: tuple[uuid.UUID, ...]
    calibrated: Calibrated | None = None

    @property
    def confidence(self) -> float:
        """As the calibration has it, where it says so."""
        within = self.calibrated.within if self.calibrated else None
        return self.grade.confidence if within is None else within

    def columns(self, essay: Essay) -> dict[str, Any]:
        """As columns of `Grading`."""
        if isinstance(self.grade, Grade):
            by_calibration = self.calibrated.columns() if self.calibrated else {}
            return _columns(self.grade, essay, self.tier) | by_calibration
        columns = {name: getattr(self.grade, name) for name in ("total", "max", "criteria", "confidence")}
        columns |= _made_with(vars(self.grade.origin), essay, self.tier)
        nothing: dict[str, list[Any]] = {"annotations": [], "strengths": [], "suggestions": []}
        return columns | nothing | _origin(essay, self.tier) | {"usage": {lifecycle.BROKEN_OFF: True}}


def finish(claim: Claim, essay: Essay, opinion: Opinion) -> None:
    """Store the grade and tell the student, unless the claim was lost in the meantime.

    A finished grade outlives a restart of Postgres.
    """
    grading_id = uuid.uuid4()
    values = opinion.columns(essay) | {"id": grading_id}

    def store() -> bool:
        with session() as db:
            cost = ledger.spent(db, essay.id)
            if grading := lifecycle.complete(db, claim, Grading(**values, cost_usd=cost)):
                db.flush()
                savings.record(db, essay, grading)
                db.commit()
                progress.notify(notices.left(db))
                return True
            # A commit before this one may have taken effect although its answer was lost.
            return db.get(Grading, grading_id) is not None

    if not patiently(store):
        log.info("the grade came too late and is dropped")
        return
    log.info("graded by %s, attempt %d", values["model"], claim.attempts)
    data = {"status": EssayState.graded.value, "grading_id": str(grading_id)}
    progress.announce(claim.essay_id, essay.student_id, "graded", data)


def move_on(claim: Claim, essay: Essay, route: Route, opinion: Opinion | None = None) -> None:
    """Another tier is asked, or a teacher; what this one said, if it said anything, is kept for teachers to see."""

    def store() -> bool:
        with session() as db:
            kept = None
            if opinion:
                cost = ledger.cost_of(db, opinion.calls)
                kept = Grading(**opinion.columns(essay), cost_usd=cost)
                if route.queue:
                    ledger.correct(db, opinion.calls[-1], CallOutcome.ok, CallOutcome.escalated)
            if route.queue:
                moved = lifecycle.escalate(db, claim, route, kept)
            else:
                moved = lifecycle.give_to_teacher(db, essay.id, route.reason, claim, route=route, opinion=kept)
            if moved:
                if not route.queue:
                    savings.record(db, essay, None)
                db.commit()
                progress.notify(notices.left(db))
                return True
            db.rollback()
            # A commit before this one may have taken effect although its answer was lost.
            return (db.get_one(Essay, essay.id).route or {}).get("reason") == route.reason

    if not patiently(store):
        return
    log.info("on to %s: %s", route.tier, route.reason)
    state = EssayState.queued if route.queue else EssayState.needs_review
    data = {"status": state.value, "queue": route.queue, "reason": route.reason}
    progress.announce(claim.essay_id, essay.student_id, "state", data)
    if route.queue:
        Stream(essay.id).write("", "")  # who watches sees the next reply from its beginning
        enqueue(route.queue, [essay.id])


def settle_for(claim: Claim, essay: Essay, why: str) -> None:
    """No better tier can be asked after all: the last grade stands, which was not trusted while there was one."""

    def store() -> Grading | None:
        with session() as db:
            grading = lifecycle.settle_for(db, claim, why)
            if grading is None:
                return db.get_one(Essay, essay.id).current_grading
            savings.record(db, essay, grading)
            db.commit()
            progress.notify(notices.left(db))
            return grading

    if grading := patiently(store):
        log.info("%s; the grade by %s stands", why, grading.model)
        data = {"status": EssayState.graded.value, "grading_id": str(grading.id)}
        progress.announce(claim.essay_id, essay.student_id, "graded", data)


def give_up(claim: Claim, essay: Essay, reason: str) -> None:
    """No model could: a teacher grades it."""

    def store() -> bool:
        with session() as db:
            if lifecycle.give_to_teacher(db, claim.essay_id, reason, claim):
                savings.record(db, essay, None)
                db.commit()
                progress.notify(notices.left(db))
                return True
            return db.get_one(Essay, claim.essay_id).state is EssayState.needs_review

    if patiently(store):
        log.info("before a teacher: %s", reason)
        data = {"status": EssayState.needs_review.value, "reason": reason}
        progress.announce(claim.essay_id, essay.student_id, "state", data)


def give_back(claim: Claim, essay: Essay, why: str = "the worker was stopped") -> None:
    """Let it be graded another time; nothing happens when it was cancelled or taken away."""
    try:
        with session() as db:
            released = lifecycle.release(db, claim, why)
            db.commit()
    except SQLAlchemyError as error:
        log.warning("not given back, the lease will run out: %s", error)
        return
    if released:
        log.info("given back: %s", why)
        data = {"status": EssayState.queued.value, "queue": essay.queue}
        progress.announce(claim.essay_id, essay.student_id, "state", data)


def _columns(result: Grade, essay: Essay, tier: str) -> dict[str, Any]:
    """The grade as columns of `Grading`; what a call took goes into `usage`."""
    values = result.to_json() | {"total": result.total, "max": result.max}
    for name in ("first_token_s", "attempts", "dropped_quotes", "dropped_claims"):
        values["usage"][name] = values.pop(name)
    del values["stated_confidence"]  # a model's own word gates nothing, so that nobody takes it for ours
    if result.improved:
        values["former_id"] = uuid.UUID(result.improved["grading_id"])
    return _made_with(values, essay, tier) | _origin(essay, tier)


def _made_with(values: Mapping[str, Any], essay: Essay, tier: str) -> dict[str, Any]:
    """The values with how the reply was drawn, and under which settings, as the one column that keeps it."""
    kept = dict(values)
    kept["made_with"] = kept.pop("sampling") | conditions(essay.assignment, tier)
    return kept


def _origin(essay: Essay, tier: str) -> dict[str, Any]:
    source = Source.local if essay.queue == "local" else Source.openai
    return {"rubric_id": essay.assignment.rubric_id, "source": source, "tier": tier}
