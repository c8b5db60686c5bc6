"""When a provider is left alone, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis as redis_client

from grading.engines.circuit import ACCOUNT_PAUSE, PAUSE, PROBE, THRESHOLD, Circuit, State
from grading.engines.engine import (
    AccountRefused,
    AskAgain,
    Cancelled,
    DeadlineExceeded,
    EngineError,
    GivenUp,
    QuotaExceeded,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from tests.conftest import use_environment

WELL: list[EngineError | None] = [
    None,
    RateLimited("slowly"),
    AskAgain("less"),
    RequestRefused("too long"),
    GivenUp("unsure"),
]


class TestTheRule:
    @pytest.mark.parametrize("error", [Unavailable("500"), DeadlineExceeded("late")])
    def test_failures_in_a_row_open_it(self, error: EngineError) -> None:
        state = State()
        for _ in range(THRESHOLD - 1):
            state = state.left(error, 100, probing=False)
            assert state.phase(100) == "closed"
        state = state.left(error, 100, probing=False)
        assert (state.phase(100), state.until, state.reason) == ("open", 100 + PAUSE, str(error))

    @pytest.mark.parametrize("error", WELL)
    def test_an_answer_of_any_kind_ends_the_row(self, error: EngineError | None) -> None:
        assert State(failures=THRESHOLD - 1).left(error, 100, probing=False) == State()

    @pytest.mark.parametrize("error", [QuotaExceeded("no credit"), AccountRefused("no such key")])
    def test_an_account_that_is_refused_opens_it_at_once_and_for_longer(self, error: EngineError) -> None:
        state = State().left(error, 100, probing=False)
        assert (state.phase(100), state.until, state.reason) == ("open", 100 + ACCOUNT_PAUSE, str(error))

    def test_a_late_failure_does_not_shorten_a_longer_pause(self) -> None:
        state = State().left(QuotaExceeded("no credit"), 100, probing=False)
        for _ in range(THRESHOLD):
            state = state.left(Unavailable("500"), 101, probing=False)
        assert state.until == 100 + ACCOUNT_PAUSE

    def test_a_late_success_does_not_close_it(self) -> None:
        state = State(THRESHOLD, 130, "500")
        assert state.left(None, 101, probing=False) == state

    def test_after_the_pause_one_request_is_let_through(self) -> None:
        state = State(THRESHOLD, 130, "500")
        assert state.phase(130) == "half-open"
        assert state.entered(130).phase(131) == "open"

    def test_a_probe_that_nobody_hears_of_again_is_not_waited_for(self) -> None:
        assert State(THRESHOLD, 130, "500").entered(130).phase(130 + PROBE) == "half-open"

    @pytest.mark.parametrize("error", WELL)
    def test_a_probe_that_is_answered_closes_it(self, error: EngineError | None) -> None:
        assert State(THRESHOLD, 130, "500").entered(131).left(error, 132, probing=True) == State()

    def test_a_probe_that_fails_opens_it_again(self) -> None:
        state = State(THRESHOLD, 130, "500").entered(131).left(Unavailable("503"), 132, probing=True)
        assert (state.phase(132), state.until) == ("open", 132 + PAUSE)

    @pytest.mark.parametrize("error", [Cancelled("by the student"), OSError("a broken callback")])
    def test_a_probe_that_says_nothing_makes_room_for_another(self, error: Exception) -> None:
        state = State(THRESHOLD, 130, "500").entered(131).left(error, 132, probing=True)
        assert state.phase(132) == "half-open"


class Clock:
    """A time of day that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def fails(circuit: Circuit, error: EngineError) -> None:
    with pytest.raises(type(error)), circuit.passing():
        raise error


@pytest.mark.usefixtures("redis")
class TestWorkersTogether:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def worker(self, clock: Clock) -> Callable[[], Circuit]:
        return lambda: Circuit("api.example.test", clock=clock)

    def test_count_their_failures_together_and_all_see_it_open(self, worker: Callable[[], Circuit]) -> None:
        for _ in range(THRESHOLD):
            assert worker().phase() == "closed"
            fails(worker(), Unavailable("status 500"))
        assert worker().phase() == "open"
        with pytest.raises(Unavailable, match=r"left alone for 30 seconds: status 500") as raised:
            worker().check()
        assert raised.value.retry_after == PAUSE

    def test_lose_no_failure_when_they_count_at_the_same_time(self, worker: Callable[[], Circuit]) -> None:
        with ThreadPoolExecutor(THRESHOLD) as workers:
            list(workers.map(lambda _: fails(worker(), Unavailable("status 500")), range(THRESHOLD)))
        assert worker().phase() == "open"

    def test_see_at_once_that_the_account_has_no_credit(self, worker: Callable[[], Circuit]) -> None:
        fails(worker(), QuotaExceeded("no credit"))
        with pytest.raises(Unavailable, match="no credit"), worker().passing():
            pytest.fail("a request went through")

    def test_send_one_probe_after_the_pause(self, clock: Clock, worker: Callable[[], Circuit]) -> None:
        fails(worker(), QuotaExceeded("no credit"))
        clock.now += ACCOUNT_PAUSE
        assert worker().phase() == "half-open"
        with worker().passing(), pytest.raises(Unavailable), worker().passing():
            pytest.fail("a second request went through")
        assert worker().state() == State()

    def test_of_another_provider_are_not_concerned(self, worker: Callable[[], Circuit]) -> None:
        fails(worker(), QuotaExceeded("no credit"))
        assert Circuit("api.other.test").phase() == "closed"

    def test_leave_nothing_behind_when_all_is_well(
        self, worker: Callable[[], Circuit], redis: redis_client.Redis
    ) -> None:
        fails(worker(), Unavailable("status 500"))
        with worker().passing():
            pass
        assert redis.keys("*") == []


def test_without_redis_it_is_closed_and_says_so_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:9/0"}):
        circuit = Circuit("api.example.test")
        fails(circuit, QuotaExceeded("no credit"))
        with circuit.passing():
            assert circuit.phase() == "closed"
    assert "Redis is away" in caplog.text
