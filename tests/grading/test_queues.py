from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from grading import lifecycle, queues
from grading.queues import Waiting
from models import Essay, EssayState
from models.base import now
from tests.factories import School, a_grading
from tests.grading.states import claim, new, waiting_for_a_batch


class TestTelling:
    def test_nobody_is_told_of_what_waits_for_a_batch(self, school: School, db: Session) -> None:
        essay_id = waiting_for_a_batch(db, school)
        queues.mark_untold(db, [essay_id])
        assert queues.untold(db, older_than=-1, lost_queues=["triage", "local", "openai"]) == []

    def test_what_the_broker_lost_is_told_again_once_it_is_old_enough(self, school: School, db: Session) -> None:
        submitted, queued = new(school), new(school, EssayState.queued)
        lost = ["triage", "local"]
        assert queues.untold(db, older_than=60, lost_queues=lost) == []
        db.execute(update(Essay).values(enqueued_at=now() - timedelta(seconds=61)))
        assert queues.untold(db, older_than=60, lost_queues=[]) == []
        assert queues.untold(db, older_than=60, lost_queues=["local"]) == [Waiting(queued, "local")]
        assert queues.untold(db, older_than=60, lost_queues=lost) == [Waiting(submitted, "triage")]

    def test_what_the_broker_could_not_be_told_of_is_told_at_once(self, school: School, db: Session) -> None:
        first, second = new(school), new(school)
        queues.mark_untold(db, [second, first])
        assert queues.untold(db, older_than=60, lost_queues=[]) == [
            Waiting(first, "triage"),
            Waiting(second, "triage"),
        ]

    @pytest.mark.parametrize("state", [state for state in EssayState if state.is_final or state is EssayState.grading])
    def test_what_does_not_wait_is_left_alone(self, state: EssayState, school: School, db: Session) -> None:
        queues.mark_untold(db, [new(school, state)])
        assert queues.untold(db, older_than=0, lost_queues=["triage", "local"]) == []


class TestPausing:
    def test_nothing_is_claimed_or_told_until_the_queue_is_resumed(self, school: School, db: Session) -> None:
        essay_id = new(school, EssayState.queued)
        queues.pause(db, "local", school.ops)
        queues.pause(db, "local", school.ops)
        assert lifecycle.claim(db, essay_id, "local", 60) is None
        queues.mark_untold(db, [essay_id])
        assert queues.untold(db, older_than=0, lost_queues=["local"]) == []
        queues.resume(db, "local")
        assert queues.untold(db, older_than=60, lost_queues=[]) == [Waiting(essay_id, "local")]
        assert claim(db, essay_id)

    def test_another_queue_goes_on(self, school: School, db: Session) -> None:
        queues.pause(db, "triage", school.ops)
        assert claim(db, new(school, EssayState.queued))

    def test_what_is_being_graded_is_finished(self, school: School, db: Session) -> None:
        claimed = claim(db, new(school, EssayState.queued))
        queues.pause(db, "local", school.ops)
        assert lifecycle.renew(db, [claimed], 60) == {claimed}
        assert lifecycle.complete(db, claimed, a_grading(school.assignment))

    def test_resuming_what_is_not_paused_does_nothing(self, school: School, db: Session) -> None:
        new(school)
        queues.resume(db, "triage")
        assert queues.untold(db, older_than=60, lost_queues=[]) == []
