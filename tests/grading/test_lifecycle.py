from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading import lifecycle, queues
from grading.lifecycle import NotAllowed
from grading.queues import Waiting
from grading.routing import Route
from grading.text import TextError
from models import Essay, EssayState, EssayTransition, Grading, Source
from models.base import now
from models.session import session
from tests.factories import School, a_grading, make_assignment
from tests.grading.states import claim, new, told, waiting_for_a_batch

LOCAL = Route("local", "local", "a test")


def history(db: Session, essay_id: uuid.UUID) -> list[EssayState]:
    """The states an essay has been in; each change names the one before."""
    changes = db.scalars(select(EssayTransition).filter_by(essay_id=essay_id).order_by(EssayTransition.id)).all()
    assert [change.before for change in changes] == [None, *(change.after for change in changes[:-1])]
    assert changes[-1].after is db.scalar(select(Essay.state).filter_by(id=essay_id))
    return [change.after for change in changes]


class TestSubmitting:
    def submit(self, db: Session, school: School, text: str = "Text.", key: str | None = None) -> tuple[Essay, bool]:
        return lifecycle.submit(db, student=school.student, assignment=school.assignment, text=text, key=key)

    def test_keeps_the_text_byte_for_byte(self, school: School, db: Session) -> None:
        text = "\r\n\t  “行而知之” e\u0301 👩‍🏫 \u202eשלום\u202c\n\n"
        essay, created = self.submit(db, school, text)
        db.commit()
        db.expire_all()
        assert created
        assert db.get_one(Essay, essay.id).text.encode() == text.encode()
        assert history(db, essay.id) == [EssayState.submitted]

    def test_the_same_key_gives_the_same_essay(self, school: School, db: Session) -> None:
        first, _ = self.submit(db, school, key="k")
        again, created = self.submit(db, school, key="k")
        assert not created
        assert again.id == first.id
        assert history(db, first.id) == [EssayState.submitted]

    def test_without_a_key_the_same_text_is_another_essay(self, school: School, db: Session) -> None:
        assert self.submit(db, school)[0].id != self.submit(db, school)[0].id

    def test_a_key_cannot_be_used_for_another_text_or_assignment(self, school: School, db: Session) -> None:
        self.submit(db, school, key="k")
        with pytest.raises(NotAllowed, match="use a new key"):
            self.submit(db, school, "Another text.", key="k")
        other = make_assignment(school.school_class)
        with pytest.raises(NotAllowed, match="use a new key"):
            lifecycle.submit(db, student=school.student, assignment=other, text="Text.", key="k")

    def test_two_students_may_use_the_same_key(self, school: School, db: Session) -> None:
        mine, _ = self.submit(db, school, key="k")
        theirs, created = lifecycle.submit(
            db, student=school.classmate, assignment=school.assignment, text="Text.", key="k"
        )
        assert created
        assert theirs.id != mine.id

    def test_of_simultaneous_requests_with_one_key_one_makes_the_essay(self, school: School) -> None:
        together, results = threading.Barrier(8), []

        def submit() -> None:
            together.wait()
            with session() as own:
                essay, created = self.submit(own, school, key="k")
                own.commit()
                results.append((essay.id, created))

        in_threads(submit, 8)
        assert sorted(created for _, created in results) == [False] * 7 + [True]
        assert len({essay_id for essay_id, _ in results}) == 1

    def test_an_empty_text_is_refused(self, school: School, db: Session) -> None:
        with pytest.raises(TextError):
            self.submit(db, school, " \n ")


class TestClaiming:
    def test_one_of_many_gets_the_essay(self, school: School) -> None:
        essay_id = new(school, EssayState.queued)
        together, claims = threading.Barrier(8), []

        def take() -> None:
            together.wait()
            with session() as own:
                claims.append(lifecycle.claim(own, essay_id, "local", 60))
                own.commit()

        in_threads(take, 8)
        assert len([claim for claim in claims if claim]) == 1

    def test_only_what_waits_in_that_queue_can_be_claimed(self, school: School, db: Session) -> None:
        assert lifecycle.claim(db, new(school), "local", 60) is None
        assert lifecycle.claim(db, new(school, EssayState.queued), "another", 60) is None
        assert lifecycle.claim(db, uuid.uuid4(), "local", 60) is None

    def test_counts_the_attempt_and_sets_the_lease(self, school: School, db: Session) -> None:
        essay_id = new(school, EssayState.queued)
        claimed = claim(db, essay_id, lease=60)
        essay = db.get_one(Essay, essay_id)
        assert (claimed.attempts, essay.attempts, essay.claim_token) == (1, 1, claimed.token)
        assert essay.lease_until
        assert timedelta(seconds=55) < essay.lease_until - now() <= timedelta(seconds=60)

    def test_a_claim_that_stands_is_renewed_and_one_that_does_not_is_left_out(
        self, school: School, db: Session
    ) -> None:
        standing, cancelled = (claim(db, new(school, EssayState.queued)) for _ in range(2))
        lifecycle.cancel(db, cancelled.essay_id, school.student)
        assert lifecycle.renew(db, [standing, cancelled], 600) == {standing}
        db.commit()
        essay = db.get_one(Essay, standing.essay_id)
        assert essay.lease_until
        assert essay.lease_until - now() > timedelta(seconds=500)

    def test_of_two_claims_on_one_essay_only_the_newer_stands(self, school: School, db: Session) -> None:
        essay_id = new(school, EssayState.queued)
        old = claim(db, essay_id, lease=-1)
        lifecycle.expire_leases(db, max_attempts=4)
        newer = claim(db, essay_id)
        assert lifecycle.renew(db, [old, newer], 60) == {newer}


class TestCompleting:
    def test_makes_the_grading_the_current_one_and_tells_the_student(self, school: School, db: Session) -> None:
        claimed = claim(db, new(school, EssayState.queued))
        grading = lifecycle.complete(db, claimed, a_grading(school.assignment))
        db.commit()
        essay = db.get_one(Essay, claimed.essay_id)
        assert grading
        assert essay.current_grading_id == grading.id
        assert essay.finished_at
        assert essay.claim_token is None
        assert essay.lease_until is None
        assert history(db, essay.id)[-2:] == [EssayState.grading, EssayState.graded]
        assert told(db, essay.id) == {(school.student.id, "graded")}

    def test_happens_once(self, school: School, db: Session) -> None:
        claimed = claim(db, new(school, EssayState.queued))
        assert lifecycle.complete(db, claimed, a_grading(school.assignment))
        assert lifecycle.complete(db, claimed, a_grading(school.assignment)) is None
        db.commit()
        assert len(db.scalars(select(Grading).filter_by(essay_id=claimed.essay_id)).all()) == 1

    @pytest.mark.parametrize("end", ["complete", "give up", "release"])
    def test_a_worker_whose_lease_ran_out_changes_nothing(self, end: str, school: School, db: Session) -> None:
        essay_id = new(school, EssayState.queued)
        late = claim(db, essay_id, lease=-1)
        lifecycle.expire_leases(db, max_attempts=4)
        current = claim(db, essay_id)
        ends: dict[str, Callable[[], object]] = {
            "complete": lambda: lifecycle.complete(db, late, a_grading(school.assignment)),
            "give up": lambda: lifecycle.give_to_teacher(db, essay_id, "because", late),
            "release": lambda: lifecycle.release(db, late, "because"),
        }
        assert not ends[end]()
        essay = db.get_one(Essay, essay_id)
        assert (essay.state, essay.claim_token) == (EssayState.grading, current.token)


class TestGivingAway:
    def test_to_a_teacher_leaves_a_notice_for_student_and_teachers_of_the_class(
        self, school: School, db: Session
    ) -> None:
        claimed = claim(db, new(school, EssayState.queued))
        assert lifecycle.give_to_teacher(db, claimed.essay_id, "twice no grade", claimed)
        db.commit()
        essay = db.get_one(Essay, claimed.essay_id)
        assert (essay.state, essay.reason) == (EssayState.needs_review, "twice no grade")
        assert told(db, essay.id) == {(school.student.id, "needs_review"), (school.teacher.id, "needs_review")}

    def test_to_a_teacher_straight_from_triage(self, school: School, db: Session) -> None:
        essay_id = new(school)
        assert lifecycle.give_to_teacher(db, essay_id, "no model is configured")
        assert not lifecycle.give_to_teacher(db, essay_id, "no model is configured")
        assert history(db, essay_id) == [EssayState.submitted, EssayState.needs_review]

    def test_back_to_the_queue_does_not_count_as_an_attempt(self, school: School, db: Session) -> None:
        claimed = claim(db, new(school, EssayState.queued))
        assert lifecycle.release(db, claimed, "the worker stops")
        db.commit()
        essay = db.get_one(Essay, claimed.essay_id)
        assert (essay.state, essay.attempts, essay.queue) == (EssayState.queued, 0, "local")
        assert queues.untold(db, older_than=60, lost_queues=[]) == [Waiting(essay.id, "local")]


class TestPeople:
    @pytest.mark.parametrize("state", [EssayState.submitted, EssayState.queued, EssayState.grading])
    def test_an_essay_that_no_grade_was_found_for_can_be_withdrawn(
        self, state: EssayState, school: School, db: Session
    ) -> None:
        essay_id = new(school, state)
        assert lifecycle.cancel(db, essay_id, school.student)
        assert history(db, essay_id)[-1] is EssayState.cancelled

    @pytest.mark.parametrize("state", [state for state in EssayState if state.is_final])
    def test_anything_else_cannot(self, state: EssayState, school: School, db: Session) -> None:
        assert not lifecycle.cancel(db, new(school, state), school.student)

    @pytest.mark.parametrize("state", [EssayState.failed, EssayState.needs_review])
    def test_what_failed_can_be_tried_again_with_all_attempts(
        self, state: EssayState, school: School, db: Session
    ) -> None:
        essay_id = new(school, state)
        assert lifecycle.retry(db, essay_id, school.teacher)
        db.commit()
        essay = db.get_one(Essay, essay_id)
        assert (essay.state, essay.queue, essay.attempts) == (EssayState.submitted, None, 0)
        assert not lifecycle.retry(db, essay_id, school.teacher)

    @pytest.mark.parametrize("state", [state for state in EssayState if state is not EssayState.cancelled])
    def test_a_teachers_grade_becomes_the_current_one_in_any_state(
        self, state: EssayState, school: School, db: Session
    ) -> None:
        essay_id = new(school, state)
        before = db.get_one(Essay, essay_id).current_grading_id
        grading = lifecycle.override(db, essay_id, school.teacher, a_grading(school.assignment))
        db.commit()
        db.expire_all()
        essay = db.get_one(Essay, essay_id)
        assert (essay.state, essay.current_grading_id) == (EssayState.graded, grading.id)
        assert (grading.source, grading.teacher_id) == (Source.teacher, school.teacher.id)
        assert {kept.id for kept in essay.gradings} == {grading.id} | ({before} if before else set())
        assert (school.student.id, "regraded" if before else "graded") in told(db, essay_id)

    def test_a_teachers_grade_takes_the_essay_from_the_worker_that_grades_it(self, school: School, db: Session) -> None:
        claimed = claim(db, new(school, EssayState.queued))
        lifecycle.override(db, claimed.essay_id, school.teacher, a_grading(school.assignment))
        assert lifecycle.complete(db, claimed, a_grading(school.assignment)) is None

    def test_a_withdrawn_essay_cannot_be_graded(self, school: School, db: Session) -> None:
        with pytest.raises(NotAllowed, match="withdrawn"):
            lifecycle.override(db, new(school, EssayState.cancelled), school.teacher, a_grading(school.assignment))


class TestSweeping:
    def test_an_expired_essay_goes_back_to_its_queue_and_is_told_again(self, school: School, db: Session) -> None:
        claimed = claim(db, new(school, EssayState.queued), lease=-1)
        fresh = claim(db, new(school, EssayState.queued))
        assert lifecycle.expire_leases(db, max_attempts=4) == [claimed.essay_id]
        db.commit()
        essay = db.get_one(Essay, claimed.essay_id)
        assert (essay.state, essay.attempts) == (EssayState.queued, 1)
        assert lifecycle.renew(db, [fresh], 60) == {fresh}
        assert queues.untold(db, older_than=60, lost_queues=[]) == [Waiting(essay.id, "local")]
        assert queues.untold(db, older_than=60, lost_queues=[]) == []

    def test_after_the_last_attempt_it_has_failed_and_people_are_told(self, school: School, db: Session) -> None:
        essay_id = new(school, EssayState.queued)
        for _ in range(3):
            claim(db, essay_id, lease=-1)
            assert lifecycle.expire_leases(db, max_attempts=3) == [essay_id]
        db.commit()
        essay = db.get_one(Essay, essay_id)
        assert essay.state is EssayState.failed
        assert essay.reason == "the worker was lost 3 times while grading this essay"
        assert told(db, essay_id) == {(school.student.id, "failed"), (school.teacher.id, "failed")}

    def test_two_sweepers_do_not_do_the_same_work(self, school: School, db: Session) -> None:
        claim(db, new(school, EssayState.queued), lease=-1)
        db.commit()
        with session() as other:
            assert len(lifecycle.expire_leases(db, max_attempts=4)) == 1
            assert lifecycle.expire_leases(other, max_attempts=4) == []

    def test_what_rides_in_a_batch_has_no_lease_that_could_run_out(self, school: School, db: Session) -> None:
        essay_id = waiting_for_a_batch(db, school)
        held = lifecycle.claim(db, essay_id, "batches", lease=None)
        assert held
        assert lifecycle.expire_leases(db, max_attempts=1) == []
        assert lifecycle.escalate(db, held, Route("openai", "small", "a test"))

    def test_what_waits_for_a_batch_in_vain_waits_elsewhere_from_now_on(self, school: School, db: Session) -> None:
        essay_id = waiting_for_a_batch(db, school)
        assert lifecycle.reroute(db, essay_id, Route("openai", "small", "it is late"))
        essay = db.get_one(Essay, essay_id)
        assert (essay.state, essay.queue, essay.reason) == (EssayState.queued, "openai", "it is late")
        assert lifecycle.claim(db, essay_id, "openai", lease=60)
        assert not lifecycle.reroute(db, essay_id, Route("openai", "small", "it is late"))


def in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
