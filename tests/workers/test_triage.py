from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

from grading import progress
from models import Essay, EssayState, EssayTransition
from models.session import engine as pool
from models.session import session
from tests.conftest import use_environment
from tests.factories import School, make_essay
from workers.queue import messages_waiting
from workers.triage import triage


def states(essay_id: uuid.UUID) -> list[EssayState]:
    with session() as db:
        return list(db.scalars(select(EssayTransition.after).filter_by(essay_id=essay_id).order_by(EssayTransition.id)))


def test_an_essay_goes_to_the_local_queue_which_is_told(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    triage(str(essay.id))
    with session() as db:
        moved = db.get_one(Essay, essay.id)
    assert (moved.state, moved.queue) == (EssayState.queued, "local")
    assert moved.route
    assert moved.route["tier"] == "local"
    assert messages_waiting("local") == 1
    event = next(progress.follow(essay.id))
    assert event
    assert (event.type, event.data["status"]) == ("state", "queued")


def test_the_route_keeps_the_complexity_and_its_parts(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    triage(str(essay.id))
    with session() as db:
        route = db.get_one(Essay, essay.id).route
    assert route
    assert 0 < route["complexity"] < 1
    assert set(route["parts"]) == {"length", "vocabulary", "sentences", "errors"}


def test_no_connection_to_the_database_is_held_while_a_text_is_measured(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    def look(text: str) -> None:
        held.append(pool().pool.checkedout())  # type: ignore[attr-defined]
        raise RuntimeError("seen enough")

    monkeypatch.setattr("grading.complexity.measure", look)
    triage(str(make_essay(school.student, school.assignment).id))
    assert held == [0]


def test_an_essay_is_routed_without_complexity_when_that_cannot_be_measured(
    school: School, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(text: str) -> None:
        raise RuntimeError("no dictionary")

    monkeypatch.setattr("grading.complexity.measure", fails)
    essay = make_essay(school.student, school.assignment)
    triage(str(essay.id))
    with session() as db:
        moved = db.get_one(Essay, essay.id)
    assert moved.state is EssayState.queued
    assert moved.route
    assert moved.route["complexity"] is None
    assert "no dictionary" in caplog.text


def test_one_message_may_tell_of_many(school: School) -> None:
    essays = [make_essay(school.student, school.assignment) for _ in range(3)]
    triage(*(str(essay.id) for essay in essays))
    assert {states(essay.id)[-1] for essay in essays} == {EssayState.queued}
    assert messages_waiting("local") == 3


def test_twice_is_as_good_as_once(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    triage(str(essay.id))
    triage(str(essay.id))
    assert states(essay.id) == [EssayState.submitted, EssayState.queued]
    assert messages_waiting("local") == 1


@pytest.mark.parametrize("state", [state for state in EssayState if state is not EssayState.submitted])
def test_what_is_further_on_is_left_alone(state: EssayState, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    before = states(essay.id)
    triage(str(essay.id))
    assert states(essay.id) == before
    assert messages_waiting("local") == 0


def test_an_essay_that_is_gone_is_no_error(school: School) -> None:
    triage(str(uuid.uuid4()))


def test_without_a_model_a_teacher_is_told(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with use_environment({"PIZHU_LOCAL_MODEL": "none"}):
        triage(str(essay.id))
    assert states(essay.id) == [EssayState.submitted, EssayState.needs_review]
    assert messages_waiting("local") == 0


def test_with_the_broker_down_the_essay_waits_for_the_sweeper(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}):
        triage(str(essay.id))
    with session() as db:
        moved = db.get_one(Essay, essay.id)
    assert (moved.state, moved.enqueued_at) == (EssayState.queued, None)
