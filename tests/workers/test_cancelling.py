"""A withdrawn essay stops whatever is writing its grade within a second, and the call is counted as abandoned."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grading import lifecycle, progress
from grading.costs.meter import Meter
from grading.costs.prices import price_of
from grading.costs.tariff import Hosted, OwnMachine, Tariff
from grading.engines.circuit import Circuit
from grading.engines.engine import Cancelled, Completion, Engine, Flag, Request
from grading.engines.hosted import HostedEngine
from grading.engines.limits import Limits
from grading.engines.rolling import RollingBatch
from grading.engines.vllm import VllmEngine
from grading.grader import grade, unobserved
from models import CallOutcome, Essay, EssayState, LlmCall
from models.session import session
from tests.doubles.openai_server import OpenAiServer, serving
from tests.factories import School, make_essay
from tests.grading.engines.test_openai import made
from tests.grading.engines.test_rolling import ENDLESS, Counter
from tests.grading.examples import TASK
from tests.workers.lab import eventually
from workers.calls import meter_of
from workers.leases import leases

WITHIN = 1.0
"""Seconds from the student's click to the engine's end."""


class CountingEngine:
    """The rolling batch on an engine that counts for ever."""

    model, version = "counter", "counter 1"

    def __init__(self) -> None:
        self.counter = Counter()
        self._batch = RollingBatch(self.counter.opened, stall=30)

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        for _ in self._batch.stream(request.id, ENDLESS, None, deadline=request.deadline, cancelled=cancelled):
            on_delta(" ")
        raise AssertionError("it ended")

    def close(self) -> None:
        self._batch.close()


class Accounted:
    """An engine each call of which is a row of the ledger."""

    def __init__(self, engine: Engine, calls: Meter) -> None:
        self.model, self.version = engine.model, engine.version
        self._engine, self._calls = engine, calls

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        with self._calls(replace(request, id=uuid.uuid4().hex)) as replied:
            completion = self._engine.grade(request, on_delta, cancelled)
            replied(completion)
            return completion

    def close(self) -> None:
        self._engine.close()


class Grading(threading.Thread):
    """A worker's thread that grades an essay; `kept` makes an engine of one that is in the ledger."""

    def __init__(
        self, school: School, engine: Engine, tariff: Tariff, kept: Callable[[Engine], Engine] = lambda engine: engine
    ) -> None:
        super().__init__()
        self.student, self.cancelled = school.student, False
        essay_id = make_essay(school.student, school.assignment, state=EssayState.queued).id
        with session() as db:
            claim = lifecycle.claim(db, essay_id, "local", 60)
            self.essay = db.get_one(Essay, essay_id, options=[joinedload(Essay.assignment)])
            db.commit()
        assert claim
        self.claim = claim
        self.engine = kept(Accounted(engine, meter_of(self.essay, engine, "a tier", tariff)))
        self.start()

    def run(self) -> None:
        with leases.hold(self.claim) as hold:
            try:
                grade(
                    self.essay.text,
                    TASK,
                    self.engine,
                    request_id=str(self.essay.id),
                    secret="key",
                    on_progress=lambda field, text: None,
                    cancelled=hold,
                    deadline=60,
                    on_call=unobserved,
                )
            except Cancelled:
                self.cancelled = True

    def withdraw(self, stopped: Callable[[], Any]) -> None:
        """Withdraw the essay as its student does; fails unless grading and engine have stopped in time."""
        began = time.monotonic()
        with session() as db:
            assert lifecycle.cancel(db, self.essay.id, self.student)
            db.commit()
        progress.cancel(self.essay.id)
        self.join(WITHIN)
        eventually(stopped, "the engine stops", timeout=WITHIN)
        assert time.monotonic() - began < WITHIN
        assert self.cancelled


def calls() -> list[LlmCall]:
    with session() as db:
        return list(db.scalars(select(LlmCall)))


def outcomes() -> list[CallOutcome]:
    return [call.outcome for call in calls()]


@pytest.fixture(autouse=True)
def listening(redis: Redis) -> Iterator[None]:
    """This process hears of the first cancellation, as a worker hears of all."""

    def drop(essay_id: uuid.UUID) -> None:
        leases.drop(essay_id)
        raise SystemExit  # ends the listener, and it alone

    listener = progress.on_cancel(drop)
    eventually(lambda: redis.pubsub_numsub(progress.CANCEL_CHANNEL)[0][1], "somebody listens")
    yield
    progress.cancel(uuid.uuid4())  # for a test that has failed before it came to that
    listener.join(10)
    assert not listener.is_alive()


pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class TestTheLocalEngine:
    def test_takes_it_out_of_the_rolling_batch(self, school: School) -> None:
        engine = CountingEngine()
        grading = Grading(school, engine, OwnMachine(Decimal(1), at_once=4))
        eventually(lambda: engine.counter.together, "it runs")
        grading.withdraw(lambda: engine.counter.aborted == [str(grading.essay.id)])
        assert outcomes() == [CallOutcome.abandoned]
        engine.close()

    @pytest.mark.slow
    def test_stops_the_real_model(self, school: School, vllm_engine: VllmEngine) -> None:
        grading = Grading(school, vllm_engine, OwnMachine(Decimal(1), at_once=4))
        eventually(lambda: vllm_engine._batch._live, "it is in the batch")
        grading.withdraw(lambda: not vllm_engine._batch._live)
        assert outcomes() == [CallOutcome.abandoned]


class TestAHostedEngine:
    @pytest.fixture
    def server(self) -> Iterator[OpenAiServer]:
        with serving() as server:
            yield server

    @pytest.fixture
    def grading(self, school: School, server: OpenAiServer) -> Iterator[Callable[[], Grading]]:
        bare = made(server)

        def begin() -> Grading:
            limits = Limits(bare.provider, requests=0, tokens=0)
            return Grading(
                school,
                bare,
                Hosted(price_of("gpt-4o-mini")),
                lambda engine: HostedEngine(engine, Circuit(bare.provider), limits),
            )

        yield begin
        bare.close()

    @pytest.mark.parametrize("fault", ["slow:20", "trickle:0.05"], ids=["before the first byte", "in mid-stream"])
    def test_closes_the_connection(self, server: OpenAiServer, grading: Callable[[], Grading], fault: str) -> None:
        server.faults.script(fault)
        running = grading()
        eventually(lambda: server.calls and (fault == "slow:20" or server.calls[0].completion > 3), "it is at work")
        running.withdraw(lambda: server.calls[0].ended == "aborted")
        (call,) = calls()
        assert call.outcome is CallOutcome.abandoned
        if fault != "slow:20":
            assert server.calls[0].completion - 3 <= (call.completion_tokens or 0) <= server.calls[0].completion
            assert call.cost
            assert call.cost < call.estimated_cost

    def test_does_not_ask_again(self, server: OpenAiServer, grading: Callable[[], Grading]) -> None:
        server.faults.script("rate_limited:20")
        running = grading()
        eventually(lambda: outcomes() == [CallOutcome.failed], "the first attempt has failed")
        running.withdraw(lambda: True)
        assert len(server.calls) == 1

    def test_leaves_the_line_of_those_who_wait_for_the_limits(
        self, server: OpenAiServer, grading: Callable[[], Grading]
    ) -> None:
        provider = f"127.0.0.1:{server.server_port}"
        Limits(provider, requests=0, tokens=0).hold(20)
        running = grading()
        running.withdraw(lambda: True)
        assert (calls(), server.calls) == ([], [])
