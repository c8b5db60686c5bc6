from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from grading.engines import rolling
from grading.engines.engine import Cancelled, DeadlineExceeded, EngineDead, RequestRefused
from grading.engines.rolling import RollingBatch
from settings import ROOT
from tests.stack import eventually

NEVER = threading.Event()
ENDLESS = 10**9


@dataclass
class Output:
    request_id: str
    number: int
    finished: bool


@dataclass
class Counter:
    """An engine whose requests ask for so many numbers and get one a step. A negative count is refused."""

    running: dict[str, list[int]] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    together: list[set[str]] = field(default_factory=list)
    before_step: Callable[[], object] = lambda: time.sleep(0.001)
    silent: bool = False
    freed: bool = False

    @contextmanager
    def opened(self) -> Iterator[Counter]:
        yield self
        self.freed = True

    def add_request(self, request_id: str, prompt: Any, params: Any) -> None:
        if prompt < 0:
            raise ValueError("a negative count")
        self.running[request_id] = [0, prompt]

    def step(self) -> list[Output]:
        self.before_step()
        if self.silent:
            return []
        self.together.append({name(id) for id in self.running})
        outputs = []
        for id, state in list(self.running.items()):
            state[0] += 1
            outputs.append(Output(id, state[0], state[0] == state[1]))
            if outputs[-1].finished:
                del self.running[id]
        return outputs

    def abort_request(self, request_ids: list[str]) -> None:
        for id in request_ids:
            self.running.pop(id, None)
            self.aborted.append(name(id))


def name(id: str) -> str:
    """The caller's own name of a request."""
    return id.rpartition("-")[0]


class Batch:
    """A rolling batch on a counter, and callers in threads."""

    def __init__(self, **options: Any) -> None:
        self.engine = Counter()
        self.ended: list[int] = []
        self.rolling = RollingBatch(self.engine.opened, **{"stall": 30.0, "end": self.ended.append} | options)
        self.callers = ThreadPoolExecutor(16)

    def count(self, id: str, count: int, *, deadline: float = 30.0, **options: Any) -> list[int]:
        options = {"cancelled": NEVER} | options
        stream = self.rolling.stream(id, count, None, deadline=deadline, **options)
        return [output.number for outputs in stream for output in outputs]

    def start(self, id: str, count: int, **options: Any) -> Future[list[int]]:
        return self.callers.submit(self.count, id, count, **options)

    def start_and_see(self, id: str, count: int, **options: Any) -> Future[list[int]]:
        call = self.start(id, count, **options)
        eventually(lambda: self.runs(id), 10, f"{id} runs", every=0.001)
        return call

    def runs(self, id: str) -> bool:
        return any(name(other) == id for other in list(self.engine.running))


@pytest.fixture
def batch() -> Iterator[Batch]:
    batch = Batch()
    yield batch
    batch.rolling.close()
    batch.callers.shutdown()


def test_every_caller_gets_all_of_its_own_outputs_in_order(batch: Batch) -> None:
    calls = {count: batch.start(f"to {count}", count) for count in (1, 2, 50, 120)}
    assert {count: call.result() for count, call in calls.items()} == {
        count: list(range(1, count + 1)) for count in calls
    }


def test_a_request_joins_a_batch_that_is_already_running(batch: Batch) -> None:
    stop = threading.Event()
    long = batch.start_and_see("long", ENDLESS, cancelled=stop)
    assert batch.count("short", 3) == [1, 2, 3]
    assert not long.done()
    assert {"long", "short"} in batch.engine.together
    stop.set()


def test_the_same_id_may_be_in_flight_twice(batch: Batch) -> None:
    first, second = batch.start("twin", 20), batch.start("twin", 30)
    assert (len(first.result()), len(second.result())) == (20, 30)


def test_the_first_output_comes_at_once_and_the_others_some_at_a_time(batch: Batch) -> None:
    start = time.monotonic()
    updates = list(batch.rolling.stream("a", 200, None, deadline=30, cancelled=NEVER))
    took = time.monotonic() - start
    assert len(updates[0]) == 1
    assert len(updates) <= 2 + took / rolling.UPDATE_INTERVAL
    assert [output.number for outputs in updates for output in outputs] == list(range(1, 201))


def test_a_caller_that_takes_its_time_holds_up_nobody(batch: Batch) -> None:
    with closing(batch.rolling.stream("slow", ENDLESS, None, deadline=30, cancelled=NEVER)) as slow:
        next(slow)
        assert len(batch.count("quick", 50)) == 50
        assert next(slow)


def test_what_the_engine_refuses_fails_alone(batch: Batch) -> None:
    other = batch.start("other", 50)
    with pytest.raises(RequestRefused, match="a negative count"):
        batch.count("bad", -1)
    assert len(other.result()) == 50
    assert batch.ended == []


def test_a_cancelled_request_is_aborted_and_the_others_go_on(batch: Batch) -> None:
    cancelled, stop = threading.Event(), threading.Event()
    call = batch.start_and_see("unwanted", ENDLESS, cancelled=cancelled)
    other = batch.start_and_see("other", ENDLESS, cancelled=stop)
    cancelled.set()
    with pytest.raises(Cancelled):
        call.result()
    eventually(lambda: batch.engine.aborted == ["unwanted"], 10, "the abort")
    assert batch.runs("other")
    assert not other.done()
    stop.set()


def test_a_request_that_is_not_done_by_its_deadline_is_aborted(batch: Batch) -> None:
    with pytest.raises(DeadlineExceeded):
        batch.count("late", ENDLESS, deadline=0.05)
    eventually(lambda: batch.engine.aborted == ["late"], 10, "the abort")


def test_a_caller_that_goes_away_takes_its_request_along(batch: Batch) -> None:
    with closing(batch.rolling.stream("left", ENDLESS, None, deadline=30, cancelled=NEVER)) as stream:
        next(stream)
    eventually(lambda: batch.engine.aborted == ["left"], 10, "the abort")


def test_an_exception_in_a_step_is_the_end_of_the_process(batch: Batch) -> None:
    def fail() -> None:
        raise RuntimeError("CPU Generator does not use offset")

    calls = [batch.start_and_see(id, ENDLESS) for id in "ab"]
    batch.engine.before_step = fail
    for call in calls:
        with pytest.raises(EngineDead, match="CPU Generator does not use offset"):
            call.result()
    assert batch.ended == [70]
    with pytest.raises(EngineDead):
        batch.count("afterwards", 1)


@pytest.mark.parametrize("how", ["a step that never returns", "steps that give nothing"])
def test_an_engine_that_gives_nothing_while_requests_wait_is_the_end_of_the_process(how: str) -> None:
    batch = Batch(stall=0.1)
    hangs = threading.Event()
    call = batch.start_and_see("a", ENDLESS)
    if how == "a step that never returns":
        batch.engine.before_step = hangs.wait
    else:
        batch.engine.silent = True
    with pytest.raises(EngineDead, match=r"given nothing for 0\.1 seconds"):
        call.result()
    assert batch.ended == [70]
    hangs.set()
    batch.callers.shutdown()


def test_the_first_step_after_an_idle_hour_is_not_taken_for_a_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    skipped, watched = [0.0], []

    def clock() -> float:
        if threading.current_thread().name == "engine watchdog":
            watched.append(1)
        return time.monotonic() + skipped[0]

    monkeypatch.setattr(rolling, "time", type("Clock", (), {"monotonic": staticmethod(clock), "sleep": time.sleep}))
    batch = Batch(stall=2.0)
    batch.count("before", 5)
    skipped[0] = 3600.0
    # The first step lasts until the watchdog has looked at the request three times.
    batch.engine.before_step = lambda: eventually(lambda: len(watched) >= 3, 10, "watched", every=0.01)
    assert len(batch.count("after", 5)) == 5
    assert batch.ended == []
    batch.rolling.close()
    batch.callers.shutdown()


def test_a_dead_engine_really_ends_its_process_with_code_70() -> None:
    program = """
import contextlib, threading
from grading.engines.rolling import RollingBatch
class Broken:
    def add_request(self, *arguments): ...
    def abort_request(self, ids): ...
    def step(self): raise RuntimeError("out of memory")
batch = RollingBatch(lambda: contextlib.nullcontext(Broken()), stall=10)
list(batch.stream("a", "", None, deadline=10, cancelled=threading.Event()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "The engine is dead: it failed with RuntimeError: out of memory" in done.stderr


def test_what_goes_wrong_in_opening_the_engine_comes_out_of_the_constructor() -> None:
    def opened() -> Any:
        raise EngineDead("There is no model.")

    with pytest.raises(EngineDead, match="There is no model"):
        RollingBatch(opened, stall=30)


def test_closing_aborts_what_is_in_flight_and_frees_the_engine() -> None:
    batch = Batch()
    call = batch.start_and_see("a", ENDLESS)
    batch.rolling.close()
    assert batch.engine.freed
    with pytest.raises(Cancelled, match="closed"):
        call.result()
    with pytest.raises(Cancelled):
        batch.count("afterwards", 1)
    assert batch.ended == []
    batch.callers.shutdown()
