"""Patience with a provider: what is tried again, when, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from grading.engines.circuit import Circuit
from grading.engines.engine import (
    AskAgain,
    Cancelled,
    Completion,
    DeadlineExceeded,
    EngineError,
    Flag,
    GivenUp,
    QuotaExceeded,
    RateLimited,
    Request,
    RequestRefused,
    Unavailable,
    Usage,
)
from grading.engines.hosted import ATTEMPTS, HostedEngine, pause
from grading.engines.limits import Limits
from tests.doubles.openai_server import serving
from tests.grading.engines.test_openai import graded, grading, made

NEVER = threading.Event()
REQUEST = Request("essay.1", [{"role": "user", "content": "Dear mayor"}], None, max_tokens=100, deadline=60)


@dataclass
class Scripted:
    """An engine that says or raises, call by call, what it is told to; all is well after that."""

    script: list[EngineError | tuple[str, EngineError]] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    model: str = "scripted"
    version: str = "scripted 1"

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        self.asked.append(request)
        said = self.script.pop(0) if self.script else "a reply"
        if isinstance(said, tuple):
            on_delta(said[0])
            raise said[1]
        if isinstance(said, EngineError):
            raise said
        on_delta(said)
        return Completion(said, [], Usage(), 0.0, "stop")

    def close(self) -> None:
        self.model = "closed"


class Clock:
    """Time that passes only while somebody sleeps; `during` is called then."""

    def __init__(self) -> None:
        self.now, self.during = 0.0, lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.during()
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inner() -> Scripted:
    return Scripted()


@pytest.fixture
def engine(redis: object, inner: Scripted, clock: Clock) -> HostedEngine:
    limits = Limits("example.test/scripted", requests=0, tokens=0)
    circuit = Circuit("example.test")
    return HostedEngine(inner, circuit, limits, clock=clock, sleep=clock.sleep, chance=lambda: 0.0)


def asked(engine: HostedEngine, cancelled: Flag = NEVER) -> str:
    return engine.grade(REQUEST, lambda delta: None, cancelled).text


class TestTryingAgain:
    def test_helps_against_a_failure_and_waits_longer_each_time(
        self, engine: HostedEngine, inner: Scripted, clock: Clock
    ) -> None:
        inner.script = [Unavailable("500"), Unavailable("cut"), Unavailable("503")]
        assert asked(engine) == "a reply"
        assert clock.now == pytest.approx(0.5 + 1 + 2)

    def test_waits_as_long_as_the_provider_asks(self, engine: HostedEngine, inner: Scripted, clock: Clock) -> None:
        inner.script = [Unavailable("503", retry_after=9)]
        assert asked(engine) == "a reply"
        assert clock.now == pytest.approx(9)

    def test_ends_after_some_attempts_with_what_the_provider_said_last(
        self, engine: HostedEngine, inner: Scripted
    ) -> None:
        inner.script = [RateLimited(f"time {number}") for number in range(ATTEMPTS + 1)]
        with pytest.raises(RateLimited, match=f"time {ATTEMPTS - 1}"):
            asked(engine)
        assert len(inner.asked) == ATTEMPTS

    def test_is_not_begun_when_the_deadline_comes_before(
        self, engine: HostedEngine, inner: Scripted, clock: Clock
    ) -> None:
        inner.script = [RateLimited("slowly", retry_after=60)]
        with pytest.raises(RateLimited):
            asked(engine)
        assert clock.now == 0

    def test_has_what_is_left_of_the_deadline(self, engine: HostedEngine, inner: Scripted) -> None:
        inner.script = [Unavailable("503", retry_after=20)]
        asked(engine)
        assert [request.deadline for request in inner.asked] == pytest.approx([60, 40])

    def test_with_less_in_the_request_costs_no_time(self, engine: HostedEngine, inner: Scripted, clock: Clock) -> None:
        inner.script = [AskAgain("less"), AskAgain("still less"), AskAgain("less"), AskAgain("less"), AskAgain("less")]
        assert asked(engine) == "a reply"
        assert (clock.now, engine.circuit.phase()) == (0, "closed")

    def test_tells_that_the_reply_begins_anew_if_some_of_it_was_out(
        self, engine: HostedEngine, inner: Scripted
    ) -> None:
        inner.script = [Unavailable("500"), ("a re", Unavailable("cut"))]
        deltas: list[str] = []
        engine.grade(REQUEST, deltas.append, NEVER)
        assert deltas == ["a re", "", "a reply"]

    @pytest.mark.parametrize("error", [RequestRefused("too long"), DeadlineExceeded("late"), QuotaExceeded("empty")])
    def test_is_not_done_where_it_cannot_help(self, engine: HostedEngine, inner: Scripted, error: EngineError) -> None:
        inner.script = [error]
        with pytest.raises(type(error)):
            asked(engine)
        assert len(inner.asked) == 1

    def test_ends_when_the_essay_is_cancelled_meanwhile(
        self, engine: HostedEngine, inner: Scripted, clock: Clock
    ) -> None:
        inner.script = [Unavailable("503", retry_after=20)]
        cancelled = threading.Event()
        clock.during = cancelled.set
        with pytest.raises(Cancelled):
            asked(engine, cancelled)
        assert clock.now < 1

    def test_is_not_for_what_was_given_up(self, engine: HostedEngine, inner: Scripted) -> None:
        inner.script = [GivenUp("unsure")]
        with pytest.raises(GivenUp):
            asked(engine)
        assert len(inner.asked) == 1


class TestTheCircuit:
    def test_is_closed_by_an_answer_that_was_not_read_to_its_end(self, engine: HostedEngine, inner: Scripted) -> None:
        inner.script = [Unavailable("500"), GivenUp("unsure")]
        with pytest.raises(GivenUp):
            asked(engine)
        assert engine.circuit.state().failures == 0

    def test_opens_at_once_when_the_quota_is_used_up_and_nothing_more_is_sent(
        self, engine: HostedEngine, inner: Scripted, clock: Clock
    ) -> None:
        inner.script = [QuotaExceeded("no credit")]
        with pytest.raises(QuotaExceeded):
            asked(engine)
        with pytest.raises(Unavailable, match="no credit"):
            asked(engine)
        assert (len(inner.asked), clock.now) == (1, 0)

    def test_that_opens_ends_the_trying_without_further_waiting(self, engine: HostedEngine, inner: Scripted) -> None:
        inner.script = [Unavailable(str(number)) for number in range(8)]
        with pytest.raises(Unavailable, match="3"):
            asked(engine)
        with pytest.raises(Unavailable, match="4"):
            asked(engine)
        assert (engine.circuit.phase(), len(inner.asked)) == ("open", 5)


class TestTheLimits:
    def test_are_waited_for(self, engine: HostedEngine, inner: Scripted, clock: Clock) -> None:
        limits = Limits("example.test/scripted", requests=0, tokens=0)
        limits.hold(50)
        clock.during = lambda: limits.hold(0.001)
        assert asked(engine) == "a reply"
        assert clock.now > 0

    def test_that_leave_no_room_before_the_deadline_end_the_request_unsent(
        self, engine: HostedEngine, inner: Scripted, clock: Clock
    ) -> None:
        Limits("example.test/scripted", requests=0, tokens=0).hold(100)
        with pytest.raises(RateLimited, match="no room"):
            asked(engine)
        assert (inner.asked, clock.now, engine.circuit.phase()) == ([], 0, "closed")

    def test_are_held_for_all_workers_when_the_provider_asks_for_it(
        self, engine: HostedEngine, inner: Scripted
    ) -> None:
        inner.script = [RateLimited("slowly", retry_after=90)]
        with pytest.raises(RateLimited):
            asked(engine)
        assert Limits("example.test/scripted", requests=0, tokens=0).reserve(1) == pytest.approx(90, abs=1)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_pause_is_never_shorter_than_asked_for_and_never_endless(chance: float) -> None:
    assert 7 <= pause(7, 1, chance) <= 8
    assert pause(0, 3, chance) == 0
    assert 15 <= pause(None, 40, chance) <= 30


def test_a_provider_that_fails_in_every_way_still_grades_and_each_attempt_is_one_request(redis: object) -> None:
    clock = Clock()
    with serving() as server:
        bare = made(server, "reasoning")
        limits = Limits(f"{bare.provider}/reasoning", requests=0, tokens=0)
        engine = HostedEngine(bare, Circuit(bare.provider), limits, clock=clock, sleep=clock.sleep)
        server.faults.script("ok", "error_500", "ok", "cut:20", "rate_limited_bare")
        deltas: list[str] = []
        completion = engine.grade(grading(), deltas.append, NEVER)
        assert [call.fault for call in server.calls] == ["ok", "error_500", "ok", "cut", "rate_limited_bare", "ok"]
        assert "".join(deltas[deltas.index("") + 1 :]) == completion.text == graded(bare).text
        engine.close()
