"""A tier's turn at an essay: claim it, have the model grade it, and send it where it goes from there.

No database connection is held while the model thinks.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grading import lifecycle, progress, revision, routing, wary
from grading.costs.budget import BudgetSpent
from grading.costs.meter import LedgerAway, Meter
from grading.engines.engine import AccountRefused, Cancelled, Engine, EngineDead, Unavailable
from grading.grader import Grade, OnCall, TooUncertain, Ungradable
from grading.lifecycle import Claim
from grading.revision import Former
from grading.routing import Facts
from grading.task import task_of as task_of
from models import Assignment, Essay, EssayState
from models.base import now
from models.session import session
from settings import settings
from workers import outcome
from workers.attempts import SavingMode
from workers.calibrating import calibrated
from workers.facts import facts, paid
from workers.leases import leases
from workers.outcome import Opinion
from workers.patience import patiently
from workers.stream import Stream

log = logging.getLogger(__name__)

ENGINE_DEAD = os.EX_SOFTWARE
"""Exit status that tells the supervisor to start another worker."""


def take(essay_id: uuid.UUID, queue: str, *, tries: int | None = None) -> tuple[Claim, Essay] | None:
    """Claim the essay, as `lifecycle.claim` does; None when it is not to be had."""
    with session() as db:
        claim = lifecycle.claim(db, essay_id, queue, settings().lease, tries=tries)
        if claim is None:
            return None
        essay = db.scalars(
            select(Essay)
            .where(Essay.id == essay_id)
            .options(joinedload(Essay.assignment).joinedload(Assignment.rubric))
        ).one()
        db.commit()
        return claim, essay


def grade_claimed(claim: Claim, essay: Essay, engine: Engine, calls: Meter, on_call: OnCall) -> None:
    """Grade the essay while its lease is kept, and end the claim one way or another."""
    tier = calls.tier
    with leases.hold(claim) as hold:
        data = {"status": EssayState.grading.value, "queue": essay.queue}
        progress.announce(essay.id, essay.student_id, "state", data)
        stream = Stream(essay.id)
        try:
            result = wary.grade(
                essay.text,
                task_of(essay.assignment),
                engine,
                request_id=request_id(claim),
                secret=settings().secret_key.get_secret_value(),
                on_progress=stream.write,
                cancelled=hold,
                deadline=settings().grade_deadline,
                on_call=on_call,
                give_up_below=routing.gives_up_below(known(essay), tier),
                former=former_of(essay),
            )
        except TooUncertain as error:
            conclude(claim, essay, Opinion(error, tier, tuple(calls.opened)))
        except (Cancelled, LedgerAway):
            outcome.give_back(claim, essay)
        except BudgetSpent as error:
            fall_back(claim, essay, tier, str(error), closed=dict.fromkeys(paid(settings().present_tiers), str(error)))
        except Ungradable as error:
            fall_back(claim, essay, tier, error.reason)
        except Unavailable as error:
            fall_back(claim, essay, tier, str(error), passes=True)
        except (AccountRefused, SavingMode) as error:
            fall_back(claim, essay, tier, str(error))
        except EngineDead as error:
            log.critical("%s", error)
            os._exit(ENGINE_DEAD)
        except Exception:
            log.exception("grading failed")
            outcome.give_up(claim, essay, f"An error in Pizhu itself; the log of the {essay.queue} worker says which.")
        else:
            stream.flush()
            conclude(claim, essay, Opinion(result, tier, tuple(calls.opened)))


def conclude(claim: Claim, essay: Essay, opinion: Opinion) -> None:
    """That tier gave a grade, or began one: it stands, or the essay goes to a better tier or to a teacher."""
    facts, said = known(essay), opinion.grade
    opinion = calibrated(essay, opinion)
    if opinion.calibrated is None:
        facts = replace(facts, tolerance=None)
    route = routing.next_route(facts, opinion.tier, opinion.confidence)
    if route is None and isinstance(said, Grade) and said.suspicions and said.suspicions.swayed:
        route = routing.swayed(facts, opinion.tier, said.suspicions.points)
    if route is None and opinion.calibrated and opinion.calibrated.oddity:
        route = routing.odd(facts, opinion.tier, opinion.calibrated.oddity)
    if route is not None and isinstance(said, TooUncertain):
        # Its comments were not awaited, so that it can be asked for the whole when the better ones cannot be.
        route = replace(route, tried=facts.tried)
    if route is not None:
        outcome.move_on(claim, essay, route, opinion)
    elif isinstance(said, TooUncertain):
        outcome.give_back(claim, essay, "no better model can be asked any more; graded again, in full")
    else:
        outcome.finish(claim, essay, opinion)


def fall_back(
    claim: Claim, essay: Essay, tier: str, why: str, *, passes: bool = False, closed: Mapping[str, str] | None = None
) -> None:
    """That tier gave no grade: another is asked, a former grade stands, or a teacher grades it.

    No teacher is troubled for what passes by itself, though: then the essay waits in its queue, but not for ever.
    `closed` are tiers for which there is no money for this essay, however open they are for the next, and why.
    """
    facts = known(essay)
    facts = replace(facts, closed={**facts.closed, **(closed or {})}, dear=facts.dear | (closed or {}).keys())
    route = routing.fallback(facts, tier, why)
    waited = (now() - essay.queued_at).total_seconds() if essay.queued_at else 0.0
    if route is None:
        outcome.settle_for(claim, essay, why)
    elif passes and route.queue is None and waited < facts.thresholds.longest_wait:
        outcome.give_back(claim, essay, why)
    else:
        outcome.move_on(claim, essay, route)


def known(essay: Essay) -> Facts:
    """The facts about an essay that is being graded."""

    def look() -> Facts:
        with session() as db:
            return facts(db, essay)

    return patiently(look)


def former_of(essay: Essay) -> Former | None:
    """The grade of the version before, of which this essay is a revision."""

    def look() -> Former | None:
        with session() as db:
            return revision.find(db, essay)

    return patiently(look)


def request_id(claim: Claim) -> str:
    """Names what is asked of a model under this claim, and no other."""
    return f"{claim.essay_id}.{claim.token.hex}"
