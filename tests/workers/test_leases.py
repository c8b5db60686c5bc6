from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from grading import lifecycle
from grading.lifecycle import Claim
from models import Essay, EssayState
from models.base import now
from models.session import session
from tests.conftest import use_environment
from tests.factories import School, make_essay, make_school
from tests.workers.lab import eventually
from workers.leases import Leases

NO_DATABASE = {"PIZHU_DATABASE_URL": "postgresql+psycopg2://nobody@127.0.0.1:1/nothing"}


@pytest.fixture
def school(database: None) -> School:
    return make_school()


def claim(school: School, lease: float = 60) -> Claim:
    essay = make_essay(school.student, school.assignment, state=EssayState.queued)
    with session() as db:
        claimed = lifecycle.claim(db, essay.id, "local", lease)
        db.commit()
    assert claimed
    return claimed


def lease_of(claim: Claim) -> timedelta:
    with session() as db:
        until = db.scalar(select(Essay.lease_until).filter_by(id=claim.essay_id))
    assert until
    return until - now()


def test_leases_that_are_held_are_renewed(school: School) -> None:
    leases, claimed = Leases(), claim(school, lease=1)
    with leases.hold(claimed) as hold:
        leases.renew()
        assert lease_of(claimed) > timedelta(seconds=50)
        assert not hold.is_set()


def test_leases_are_renewed_by_themselves(school: School) -> None:
    with use_environment({"PIZHU_LEASE": "0.3"}):
        leases, claimed = Leases(), claim(school, lease=0.3)
        with leases.hold(claimed) as hold:
            with session() as db:
                db.execute(update(Essay).values(lease_until=now() - timedelta(days=1)))
                db.commit()
            eventually(lambda: lease_of(claimed) > timedelta(0), "the lease is renewed")
            assert not hold.is_set()


def test_the_database_may_be_away_for_a_while(school: School) -> None:
    with use_environment({"PIZHU_LEASE": "0.3"}):
        leases, claimed = Leases(), claim(school, lease=60)
        with leases.hold(claimed) as hold:
            with use_environment(NO_DATABASE), pytest.raises(OperationalError, match="refused"):
                leases.renew()
            eventually(lambda: lease_of(claimed) < timedelta(seconds=1), "the lease is renewed, and is short now")
            assert not hold.is_set()


def test_a_claim_that_was_lost_is_let_go(school: School) -> None:
    leases, lost, kept = Leases(), claim(school, lease=-1), claim(school)
    with leases.hold(lost) as lost_hold, leases.hold(kept) as kept_hold:
        with session() as db:
            lifecycle.expire_leases(db, max_attempts=4)
            db.commit()
        leases.renew()
        assert lost_hold.is_set()
        assert not kept_hold.is_set()


def test_a_newer_claim_on_the_same_essay_is_kept(school: School) -> None:
    leases, old = Leases(), claim(school, lease=-1)
    with session() as db:
        lifecycle.expire_leases(db, max_attempts=4)
        newer = lifecycle.claim(db, old.essay_id, "local", 60)
        db.commit()
    assert newer
    with leases.hold(old) as old_hold, leases.hold(newer) as newer_hold:
        leases.renew()
        assert old_hold.is_set()
        assert not newer_hold.is_set()


def test_an_essay_is_dropped_by_name() -> None:
    leases = Leases()
    mine, other = (Claim(uuid.uuid4(), uuid.uuid4(), 1) for _ in range(2))
    with leases.hold(mine) as mine_hold, leases.hold(other) as other_hold:
        leases.drop(uuid.uuid4())
        assert not mine_hold.is_set()
        leases.drop(mine.essay_id)
        assert mine_hold.is_set()
        assert not other_hold.is_set()


def test_an_essay_that_was_dropped_a_moment_before_it_is_held_stays_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    leases, claimed = Leases(), Claim(uuid.uuid4(), uuid.uuid4(), 1)
    leases.drop(claimed.essay_id)
    leases.drop(uuid.uuid4())
    with leases.hold(claimed) as hold:
        assert hold.is_set()
    monkeypatch.setattr("workers.leases.REMEMBERED", 0.0)
    with leases.hold(claimed) as hold:
        assert not hold.is_set()


def test_all_are_dropped_when_the_worker_stops_and_what_comes_later_too() -> None:
    leases = Leases()
    with leases.hold(Claim(uuid.uuid4(), uuid.uuid4(), 1)) as early:
        leases.stopping = True
        assert early.is_set()
        with leases.hold(Claim(uuid.uuid4(), uuid.uuid4(), 1)) as late:
            assert late.is_set()


def test_what_is_not_held_any_more_is_not_renewed(school: School) -> None:
    leases, claimed = Leases(), claim(school, lease=1)
    with leases.hold(claimed):
        pass
    leases.renew()
    assert lease_of(claimed) <= timedelta(seconds=1)
