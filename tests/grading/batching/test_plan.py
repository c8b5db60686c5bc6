"""grading/batching/plan.py: what is done with a batch next."""

from __future__ import annotations

import pytest

from grading import routing
from grading.batching import plan
from grading.batching.plan import Situation, Step, after_not_found, is_last_call, is_time, most, next_step
from models import BatchState

SENT = (BatchState.submitting, BatchState.submitted, BatchState.cancelling)
UNSENT = (BatchState.prepared, BatchState.uploaded)
OVER = [state for state in BatchState if state.is_over]


def situation(state: BatchState, waiting: int = 3, due_s: float = 30 * 3600.0, asked_s: float = 0.0) -> Situation:
    return Situation(state, waiting, due_s, asked_s)


def test_a_batch_is_made_of_many_or_of_those_who_have_waited_long() -> None:
    assert is_time(plan.LARGE_ENOUGH, 0)
    assert is_time(1, plan.PATIENCE)
    assert not is_time(plan.LARGE_ENOUGH - 1, plan.PATIENCE - 1)
    assert not is_time(0, plan.PATIENCE)


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (BatchState.prepared, Step.upload),
        (BatchState.uploaded, Step.submit),
        (BatchState.submitting, Step.find),
        (BatchState.submitted, Step.look),
        (BatchState.cancelling, Step.look),
    ],
)
def test_when_all_goes_well_one_step_follows_another(state: BatchState, step: Step) -> None:
    assert next_step(situation(state)) is step


@pytest.mark.parametrize("state", UNSENT)
def test_what_is_not_sent_is_not_sent_when_it_is_late_or_nobody_waits(state: BatchState) -> None:
    assert next_step(situation(state, due_s=plan.RESCUE)) is Step.give_up
    assert next_step(situation(state, waiting=0, due_s=0)) is Step.drop


def test_what_is_under_way_is_stopped_when_it_is_late_or_nobody_waits() -> None:
    assert next_step(situation(BatchState.submitted, due_s=plan.RESCUE)) is Step.cancel
    assert next_step(situation(BatchState.submitted, waiting=0, due_s=0)) is Step.cancel


@pytest.mark.parametrize("waiting", [0, 3])
@pytest.mark.parametrize("due_s", [-1.0, plan.RESCUE, 90 * 3600.0])
def test_what_may_have_begun_is_never_begun_again_without_a_look_at_the_list(waiting: int, due_s: float) -> None:
    assert next_step(situation(BatchState.submitting, waiting, due_s)) is Step.find
    assert after_not_found(situation(BatchState.submitting, asked_s=plan.SETTLED - 1)) is None
    assert after_not_found(situation(BatchState.submitting, asked_s=plan.SETTLED)) is Step.withdraw


@pytest.mark.parametrize("state", SENT)
def test_what_never_ends_is_written_off(state: BatchState) -> None:
    assert next_step(situation(state, asked_s=plan.HOPELESS)) is Step.write_off


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_has_no_next_step(state: BatchState) -> None:
    with pytest.raises(ValueError, match="over"):
        next_step(situation(state))
    assert not is_last_call(situation(state, due_s=0))


def test_at_the_last_call_only_those_who_still_wait_are_graded_otherwise() -> None:
    assert is_last_call(situation(BatchState.cancelling, due_s=plan.LAST_CALL))
    assert not is_last_call(situation(BatchState.cancelling, due_s=plan.LAST_CALL + 1))
    assert not is_last_call(situation(BatchState.cancelling, waiting=0, due_s=0))


def test_there_is_time_to_stop_a_batch_before_the_last_call_and_routing_gives_it_more_than_it_takes() -> None:
    assert plan.LAST_CALL < plan.RESCUE
    assert routing.BATCH_WINDOW - plan.PATIENCE > plan.TAKES


def test_a_step_that_fails_is_tried_less_and_less_often_and_never_before_the_provider_wants_it() -> None:
    pauses = [plan.pause(None, failures) for failures in range(1, 50)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == plan.LONGEST_PAUSE
    assert plan.pause(3000.0, 1) == 3000.0


class TestAProviderWithoutRoom:
    def test_that_never_refused_gets_full_batches_side_by_side(self) -> None:
        assert most(None, BatchState.submitted, 0) == plan.MOST_ESSAYS

    def test_is_left_alone_for_a_while_and_then_gets_half(self) -> None:
        assert most(1000, BatchState.no_room, plan.NO_ROOM - 1) == 0
        assert most(1000, BatchState.no_room, plan.NO_ROOM) == 500

    def test_gets_one_at_a_time(self) -> None:
        assert most(1000, BatchState.submitted, 0) == 0
        assert most(1000, BatchState.finished, 0) == 500

    def test_gets_no_crumbs(self) -> None:
        assert most(plan.FEWEST_ESSAYS, BatchState.finished, 0) == plan.FEWEST_ESSAYS
