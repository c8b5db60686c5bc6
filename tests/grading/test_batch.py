from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from grading.batch import failed, grade_all, missing
from grading.engines.engine import Completion, EngineDead, Flag, Request
from grading.grader import unobserved
from grading.results import stamp
from grading.sources import Item
from grading.task import Task
from tests.doubles.engine import DIES, INVALID_ALWAYS, TAKES, DeadEngine, InstantEngine
from tests.grading.examples import TASK, TASK_ZH


def essays(count: int, words: str = "") -> list[Item]:
    return [Item(f"{number}.txt", str(number), f"Essay {number}. {words}") for number in range(count)]


def run(items: list[Item], engine: InstantEngine, concurrency: int = 4, task: Task = TASK) -> dict[str, dict]:
    records = list(
        grade_all(items, task, lambda: (engine, unobserved), concurrency=concurrency, secret="", deadline=30)
    )
    assert len(records) == len(items)
    return {record["id"]: record for record in records}


class CountingEngine(InstantEngine):
    """Holds every call until `meet` of them are in flight, and keeps the greatest number that ever were."""

    def __init__(self, meet: int) -> None:
        super().__init__()
        self.meeting = threading.Barrier(meet)
        self.lock = threading.Lock()
        self.in_flight = self.most = 0

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        with self.lock:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        self.meeting.wait(timeout=20)
        with self.lock:
            self.in_flight -= 1
        return super().grade(request, on_delta, cancelled)


def test_every_essay_gets_its_record() -> None:
    records = run(essays(50), InstantEngine())
    assert {record["status"] for record in records.values()} == {"graded"}
    assert records["7"]["grading"]["annotations"][0]["quote"].startswith("Essay 7")


def test_as_many_are_in_flight_as_asked_for_and_no_more() -> None:
    engine = CountingEngine(meet=4)
    run(essays(16), engine, concurrency=4)
    assert engine.most == 4


def test_a_result_comes_as_soon_as_it_is_there() -> None:
    slow, *quick = essays(3)
    items = [Item(slow.source, slow.id, TAKES.format(60)), *quick]
    records = grade_all(items, TASK, lambda: (InstantEngine(), unobserved), concurrency=2, secret="", deadline=90)
    assert [next(records)["id"], next(records)["id"]] == ["1", "2"]
    records.close()


def test_closing_aborts_what_is_in_flight() -> None:
    engine = InstantEngine()
    items = [*essays(1), *(Item(item.source, "slow " + item.id, TAKES.format(600)) for item in essays(3))]
    records = grade_all(items, TASK, lambda: (engine, unobserved), concurrency=2, secret="", deadline=900)
    assert next(records)["id"] == "0"
    records.close()  # or this test would run into its time limit
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("essay")]


def test_one_failure_is_its_own() -> None:
    records = run([*essays(3), Item("bad.txt", "bad", INVALID_ALWAYS)], InstantEngine())
    assert records["bad"]["status"] == "failed"
    assert "answered twice" in records["bad"]["reason"]
    assert [records[str(number)]["status"] for number in range(3)] == ["graded"] * 3


def test_an_essay_that_breaks_the_grader_does_not_stop_the_others() -> None:
    class Breaks(InstantEngine):
        def after_delta(self, essay: str) -> None:
            if "2" in essay:
                raise ZeroDivisionError("a fault of ours")

    records = run(essays(4), Breaks())
    assert [records[str(number)]["status"] for number in range(4)] == ["graded", "graded", "failed", "graded"]
    assert records["2"]["reason"] == "ZeroDivisionError: a fault of ours"


def test_a_dead_engine_stops_everything() -> None:
    items = [*essays(3), Item("bad.txt", "bad", DIES), *essays(3)]
    with pytest.raises(EngineDead):
        list(grade_all(items, TASK, lambda: (DeadEngine(), unobserved), concurrency=2, secret="", deadline=30))


def test_what_has_a_grade_is_not_missing() -> None:
    items = essays(3)
    done = run(items[:2], InstantEngine())
    assert missing(items, TASK, {stamp(record) for record in done.values()}) == items[2:]


def test_a_changed_essay_or_assignment_is_missing_again() -> None:
    items = essays(1)
    graded = {stamp(record) for record in run(items, InstantEngine()).values()}
    changed = [Item(items[0].source, items[0].id, items[0].text + "!")]
    assert missing(changed, TASK, graded) == changed
    assert missing(items, TASK_ZH, graded) == items


def test_a_failure_says_which_essay_and_why() -> None:
    record = failed(Item("a.txt", "a", problem="It is empty."), TASK, "It is empty.")
    assert (record["source"], record["id"], record["status"], record["reason"]) == (
        "a.txt",
        "a",
        "failed",
        "It is empty.",
    )
