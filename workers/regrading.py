"""Regrades at work: asked for on the ordinary queues, graded like any essay, and kept where nobody's grade is.

What a student watches, the essay and its current grade stay untouched; in the ledger the calls are `shadow`.
"""

from __future__ import annotations

import logging
import os
import uuid

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from grading import regrades, revision, wary
from grading.costs.budget import BudgetSpent
from grading.costs.meter import LedgerAway, Meter
from grading.engines.engine import AccountRefused, Cancelled, Engine, EngineDead, Unavailable
from grading.grader import OnCall, Ungradable
from grading.regrades import RegradeClaim
from grading.regrading import comparable
from grading.revision import Former
from grading.routing import queue_of
from models import Assignment, Essay, Grading, Regrade
from models.session import session
from settings import settings
from workers.attempts import SavingMode
from workers.calibrating import calibrated
from workers.leases import leases
from workers.outcome import Opinion
from workers.patience import patiently
from workers.queue import LATER, celery_app, messages_waiting
from workers.turn import ENGINE_DEAD, task_of

log = logging.getLogger(__name__)

REGRADE, SENTINEL = "regrade", "sentinel"
"""Features of the ledger: what a person asked for, and the daily grades of anchors."""
QUEUES = ("local", "openai")


def queue_of_tier(name: str | None) -> str | None:
    """Where the tier of this name is asked; None where this installation has it no more."""
    return next((queue_of(tier) for tier in settings().present_tiers if tier.name == name), None)


def ring(regrade_id: uuid.UUID, queue: str) -> bool:
    """Tell the queue of it, after the commit; False when the broker is down, and then the sweeper tells it later."""
    try:
        celery_app.send_task(f"{queue}.regrade", args=[str(regrade_id)], queue=queue, priority=LATER)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("broker not reached; the sweeper will tell it of the regrade: %s", error)
        with session() as db:
            db.execute(update(Regrade).where(Regrade.id == regrade_id).values(rung_at=None))
            db.commit()
        return False
    return True


def ring_again() -> None:
    """Tell the broker of regrades that wait and that it knows nothing of; a step of the sweeper."""
    lost = [queue for queue in QUEUES if messages_waiting(queue) == 0]
    with session() as db:
        waiting = regrades.untold(db, older_than=settings().requeue_after, lost_queues=lost)
        db.commit()
    for regrade_id, queue in waiting:
        ring(regrade_id, queue)


def take(regrade_id: uuid.UUID, queue: str) -> tuple[RegradeClaim, Regrade] | None:
    """Claim the regrade; None when it is not to be had."""
    with session() as db:
        claim = regrades.claim(db, regrade_id, queue, settings().lease)
        if claim is None:
            return None
        with_all = joinedload(Regrade.essay).joinedload(Essay.assignment).joinedload(Assignment.rubric)
        row = db.scalars(select(Regrade).where(Regrade.id == regrade_id).options(with_all)).one()
        db.commit()
        return claim, row


def feature_of(row: Regrade) -> str:
    return SENTINEL if row.anchor_id else REGRADE


def grade_claimed(claim: RegradeClaim, row: Regrade, engine: Engine, calls: Meter, on_call: OnCall) -> None:
    """Grade the essay as `workers.turn` does, but to the end however unsure it is, while its lease is kept,
    and end the claim."""
    essay = row.essay
    with leases.hold(claim) as hold:
        try:
            said = wary.grade(
                essay.text,
                task_of(essay.assignment),
                engine,
                request_id=f"regrade.{row.id}.{claim.token.hex}",
                secret=settings().secret_key.get_secret_value(),
                on_progress=lambda field, piece: None,
                cancelled=hold,
                deadline=settings().grade_deadline,
                on_call=on_call,
                former=_shown(row),
            )
        except (Cancelled, LedgerAway, Unavailable) as error:
            _release(claim, str(error))
        except Ungradable as error:
            fail(claim, error.reason)
        except (AccountRefused, BudgetSpent, SavingMode) as error:
            fail(claim, str(error))
        except EngineDead as error:
            log.critical("%s", error)
            os._exit(ENGINE_DEAD)
        except Exception:
            log.exception("regrading failed")
            fail(claim, f"An error in Pizhu itself; the log of the {row.queue} worker says which.")
        else:
            opinion = calibrated(essay, Opinion(said, row.tier, tuple(calls.opened)))
            _finish(claim, comparable(opinion.columns(essay)))


def _shown(row: Regrade) -> Former | None:
    with session() as db:
        return revision.shown(db, db.get_one(Grading, row.against_id))


def _finish(claim: RegradeClaim, grade: dict[str, object]) -> None:
    def store() -> bool:
        with session() as db:
            kept = regrades.finish(db, claim, grade)
            db.commit()
            return kept

    if patiently(store):
        log.info("graded again, to compare")


def fail(claim: RegradeClaim, why: str) -> None:
    """There is no grade, and trying again would bring none."""

    def store() -> None:
        with session() as db:
            regrades.fail(db, claim, why)
            db.commit()

    patiently(store)
    log.info("not graded again: %s", why)


def _release(claim: RegradeClaim, why: str) -> None:
    with session() as db:
        regrades.release(db, claim, why)
        db.commit()
    log.info("regrade given back: %s", why)
