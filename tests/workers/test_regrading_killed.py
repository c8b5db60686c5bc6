"""A regrade with a real worker: what is lost when it is killed."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from grading import regrades
from models import CallOutcome, Essay, EssayState, Grading, Regrade
from models.session import session
from tests.doubles.engine import TAKES
from tests.factories import TEXT, make_essay
from tests.workers import lab as laboratory
from tests.workers.lab import Lab, assert_graded_once, eventually, outcomes
from workers import regrading

pytestmark = pytest.mark.slow

LEASE = "8"
"""Seconds; a regrade may lose no more than two workers, and on a busy machine a shorter one is not always renewed."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab") / "home"
    with laboratory.running(home, laboratory.FRAGILE | {"PIZHU_LEASE": LEASE}, ("local",)) as running:
        yield running


def ask(essay: Essay) -> uuid.UUID:
    """As the sentinel asks."""
    with session() as db:
        db.execute(update(Grading).values(tier="local"))
        against = regrades.original(db, db.get_one(Essay, essay.id))
        assert against
        regrade_id = regrades.ask(db, against, "local")
        db.commit()
    regrading.ring(regrade_id, "local")
    return regrade_id


def kept(regrade_id: uuid.UUID) -> Regrade:
    with session() as db:
        return db.get_one(Regrade, regrade_id)


def test_a_regrade_whose_worker_is_killed_is_left_to_the_next(lab: Lab) -> None:
    school = lab.school
    essay = make_essay(school.student, school.assignment, f"{TEXT} {TAKES.format(2)}", EssayState.graded)
    regrade_id = ask(essay)
    eventually(lambda: outcomes(f"regrade.{regrade_id}") == [CallOutcome.started], "a model is at it", timeout=150)
    first, ends = kept(regrade_id), len(lab.workers["local"].ends)
    lab.workers["local"].signal(signal.SIGKILL)
    assert lab.workers["local"].await_end(since=ends) == -signal.SIGKILL
    killed = kept(regrade_id)
    assert killed.finished_at is None
    assert killed.claim_token == first.claim_token, "it died with the claim in its hand"

    def swept() -> bool:
        regrading.ring_again()  # as the sweeper does
        return kept(regrade_id).finished_at is not None

    eventually(swept, "it is over", timeout=150)
    found = kept(regrade_id)
    assert found.grade, (found.error, lab.log("local"))
    assert (found.grade["model"], found.attempts) == ("dying", 2)
    came = outcomes(f"regrade.{regrade_id}")
    assert came == [CallOutcome.started, CallOutcome.shadow], "what was lost stays in the ledger"
    assert_graded_once([essay.id])
