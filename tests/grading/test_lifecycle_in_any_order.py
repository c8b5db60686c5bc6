"""Whatever happens to essays, and in whatever order: claims, history and gradings agree."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise, zip_longest
from typing import Any

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from grading import lifecycle
from grading.lifecycle import Claim, NotAllowed
from grading.routing import Route
from models import Essay, EssayState
from models.session import session
from tests.factories import School, a_grading, make_essay, make_school

LOCAL = Route("local", "local", "a test")
FOLLOWS = {
    None: {EssayState.submitted},
    EssayState.submitted: {EssayState.queued, EssayState.needs_review, EssayState.cancelled, EssayState.graded},
    EssayState.queued: {EssayState.grading, EssayState.cancelled, EssayState.graded},
    EssayState.grading: set(EssayState) - {EssayState.submitted, EssayState.grading},
    EssayState.graded: {EssayState.graded},
    EssayState.needs_review: {EssayState.submitted, EssayState.graded},
    EssayState.failed: {EssayState.submitted, EssayState.graded},
    EssayState.cancelled: set(),
}
MAX_ATTEMPTS = 3


class Life(RuleBasedStateMachine):
    """Workers, students, teachers and the sweeper do whatever they like to some essays, in any order."""

    essays: Bundle[uuid.UUID] = Bundle("essays")
    claims: Bundle[Claim] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.valid: dict[uuid.UUID, Claim] = {}

    def do(self, change: Callable[[Session], Any]) -> Any:
        with session() as db:
            result = change(db)
            db.commit()
            return result

    def holds(self, claim: Claim) -> bool:
        return self.valid.get(claim.essay_id) == claim

    @rule(target=essays)
    def submit(self) -> uuid.UUID:
        return make_essay(SCHOOL.student, SCHOOL.assignment).id

    @rule(essay=essays)
    def triage(self, essay: uuid.UUID) -> None:
        self.do(lambda db: lifecycle.put_in_queue(db, essay, LOCAL))

    @rule(target=claims, essay=essays, lease=st.sampled_from([60, -1]))
    def claim(self, essay: uuid.UUID, lease: float) -> Any:
        claim = self.do(lambda db: lifecycle.claim(db, essay, "local", lease))
        if claim is None:
            return multiple()
        assert essay not in self.valid
        self.valid[essay] = claim
        return claim

    @rule(claim=claims)
    def complete(self, claim: Claim) -> None:
        done = self.do(lambda db: lifecycle.complete(db, claim, a_grading(SCHOOL.assignment)))
        self.ended(claim, done is not None)

    @rule(claim=claims)
    def give_to_teacher(self, claim: Claim) -> None:
        self.ended(claim, self.do(lambda db: lifecycle.give_to_teacher(db, claim.essay_id, "because", claim)))

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        self.ended(claim, self.do(lambda db: lifecycle.release(db, claim, "because")))

    def ended(self, claim: Claim, done: bool) -> None:
        assert done == self.holds(claim)
        if done:
            del self.valid[claim.essay_id]

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        assert self.do(lambda db: lifecycle.renew(db, [claim], 60)) == ({claim} if self.holds(claim) else set())

    @rule()
    def sweep(self) -> None:
        for essay in self.do(lambda db: lifecycle.expire_leases(db, MAX_ATTEMPTS)):
            del self.valid[essay]

    @rule(essay=essays)
    def cancel(self, essay: uuid.UUID) -> None:
        if self.do(lambda db: lifecycle.cancel(db, essay, SCHOOL.student)):
            self.valid.pop(essay, None)

    @rule(essay=essays)
    def retry(self, essay: uuid.UUID) -> None:
        self.do(lambda db: lifecycle.retry(db, essay, SCHOOL.teacher))

    @rule(essay=essays)
    def override(self, essay: uuid.UUID) -> None:
        try:
            self.do(lambda db: lifecycle.override(db, essay, SCHOOL.teacher, a_grading(SCHOOL.assignment)))
        except NotAllowed:
            return
        self.valid.pop(essay, None)

    @rule(essay=essays)
    def appeal(self, essay: uuid.UUID) -> None:
        with suppress(NotAllowed):
            self.do(lambda db: lifecycle.appeal(db, essay, SCHOOL.student, "because"))

    @invariant()
    def everything_adds_up(self) -> None:
        with session() as db:
            for essay in db.scalars(select(Essay)):
                states = [None, *(change.after for change in essay.transitions)]
                assert [change.before for change in essay.transitions] == states[:-1]
                assert essay.state is states[-1]
                assert all(after in FOLLOWS[before] for before, after in pairwise(states))
                claim = self.valid.get(essay.id)
                assert essay.claim_token == (claim.token if claim else None)
                assert (essay.state is EssayState.grading) == (claim is not None) == (essay.lease_until is not None)
                assert 0 <= essay.attempts <= MAX_ATTEMPTS
                assert len(essay.gradings) + len(essay.appeals) == states.count(EssayState.graded)
                assert essay.current_grading_id == (essay.gradings[-1].id if essay.gradings else None)

                for appeal, following in zip_longest(essay.appeals, essay.appeals[1:]):
                    assert appeal.is_open == (appeal.grading_id_after is None)
                    if appeal.is_open:
                        assert following is None
                        assert appeal.grading_id == essay.current_grading_id

    def teardown(self) -> None:
        with session() as db:
            db.execute(delete(Essay))
            db.commit()


SCHOOL: School


def test_claims_history_and_gradings_agree(database: None) -> None:
    global SCHOOL
    SCHOOL = make_school()
    run_state_machine_as_test(
        Life, settings=hypothesis_settings(max_examples=25, stateful_step_count=25, deadline=None, derandomize=True)
    )
