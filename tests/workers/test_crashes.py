"""Whatever is killed, and whenever: every essay ends once, with one current grade."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from grading import queues
from models import Essay, EssayState
from models.session import session
from tests.doubles.engine import DIES
from tests.workers.lab import LEASE, Lab, assert_graded_once, eventually
from workers.heartbeat import STALLED, live_workers
from workers.queue import celery_app, enqueue, messages_waiting
from workers.turn import ENGINE_DEAD

pytestmark = pytest.mark.slow


def test_a_local_worker_killed_in_mid_grade_loses_nothing(lab: Lab) -> None:
    essays = lab.submit(30, takes=0.5)
    lab.await_states(essays, EssayState.graded, at_least=5)
    lab.await_states(essays, EssayState.grading, at_least=2)
    killed = lab.workers["local"].process
    children = psutil.Process(killed.pid).children(recursive=True)
    lab.workers["local"].signal(signal.SIGKILL)
    lab.await_states(essays, EssayState.graded)
    assert_graded_once(essays)
    assert not [child for child in children if child.is_running()]


def test_a_triage_worker_killed_at_work_loses_nothing(lab: Lab) -> None:
    essays = lab.submit(60)
    lab.await_states(essays, EssayState.queued, EssayState.grading, EssayState.graded, at_least=1)
    lab.workers["triage"].signal(signal.SIGKILL)
    lab.await_states(essays, EssayState.graded)
    assert_graded_once(essays)


def test_a_broker_killed_in_mid_grade_loses_nothing_and_workers_find_it_again(lab: Lab) -> None:
    ends = {name: list(worker.ends) for name, worker in lab.workers.items()}
    essays = lab.submit(30, takes=0.5)
    lab.await_states(essays, EssayState.grading, at_least=2)
    os.kill(lab.valkey.pid or 0, signal.SIGKILL)
    eventually(lambda: not lab.valkey.is_running(), "Valkey is dead")
    lab.valkey.start()
    lab.await_states(essays, EssayState.graded)
    assert_graded_once(essays)
    later = lab.submit(5)
    lab.await_states(later, EssayState.graded)
    assert {name: worker.ends for name, worker in lab.workers.items()} == ends, "no worker had to be started again"


def test_a_database_killed_in_mid_grade_loses_nothing(lab: Lab) -> None:
    ends = {name: list(worker.ends) for name, worker in lab.workers.items()}
    essays = lab.submit(30, takes=0.5)
    lab.await_states(essays, EssayState.grading, at_least=2)
    os.kill(lab.postgres.pid or 0, signal.SIGKILL)
    lab.postgres.start()
    lab.await_states(essays, EssayState.graded)
    assert_graded_once(essays)
    assert {name: worker.ends for name, worker in lab.workers.items()} == ends, "no worker had to be started again"


def test_an_essay_that_kills_the_engine_fails_alone(lab: Lab) -> None:
    before = len(lab.workers["local"].ends)
    essays = [*lab.submit(10, takes=0.2), *lab.submit(1, text=DIES, takes=0.2), *lab.submit(10, takes=0.2)]
    lab.await_states(essays, EssayState.graded, EssayState.failed)
    assert_graded_once(essays, failed=1)
    with session() as db:
        poisonous = db.get_one(Essay, essays[10])
    assert poisonous.state is EssayState.failed
    assert poisonous.reason == "the worker was lost 4 times while grading this essay"
    assert lab.workers["local"].ends[before:] == [ENGINE_DEAD] * 4


def test_essays_handed_in_while_the_broker_is_down_are_graded_when_it_is_back(lab: Lab) -> None:
    lab.valkey.stop()
    essays = lab.submit(3, tell=False)
    assert not enqueue(queues.TRIAGE, essays)
    lab.valkey.start()
    lab.await_states(essays, EssayState.graded)
    assert_graded_once(essays)


def test_a_paused_queue_waits_until_it_is_resumed(lab: Lab) -> None:
    with session() as db:
        queues.pause(db, "local", lab.school.ops)
        db.commit()
    essays = lab.submit(5)
    lab.await_states(essays, EssayState.queued)
    eventually(lambda: messages_waiting("local") == 0, "the messages have been taken")
    assert lab.count(essays, EssayState.queued) == 5
    with session() as db:
        queues.resume(db, "local")
        db.commit()
    lab.await_states(essays, EssayState.graded)
    assert_graded_once(essays)


def test_a_message_delivered_many_times_is_one_grade(lab: Lab) -> None:
    essays = lab.submit(3, takes=0.5)
    for _ in range(3):
        enqueue("triage", essays)
        lab.await_states(essays, EssayState.queued, EssayState.grading, EssayState.graded)
        enqueue("local", essays)
    lab.await_states(essays, EssayState.graded)
    eventually(lambda: messages_waiting("local") + messages_waiting("triage") == 0, "all messages have been taken")
    assert_graded_once(essays)


def test_a_worker_that_slept_through_its_leases_lets_its_essays_go(lab: Lab) -> None:
    lab.start("second", like="local")
    eventually(lambda: live_workers()["local"] == 2, "both local workers live")
    essays = lab.submit(8, takes=1)
    lab.await_states(essays, EssayState.grading)
    lab.workers["local"].signal(signal.SIGSTOP)
    try:
        lab.await_states(essays, EssayState.graded)
    finally:
        lab.workers["local"].signal(signal.SIGCONT)
    eventually(lambda: "no longer ours" in lab.log("local"), "the sleeper notices")
    assert_graded_once(essays)
    lab.workers.pop("second").kill()


def test_a_worker_that_is_stopped_gives_its_essays_back(lab: Lab) -> None:
    local = lab.workers["local"]
    before = len(local.ends)
    essays = lab.submit(8, takes=2)
    lab.await_states(essays, EssayState.grading)
    local.signal(signal.SIGTERM)
    assert local.await_end(since=before) == 0
    with session() as db:
        released = [db.get_one(Essay, essay) for essay in essays]
    assert {essay.state for essay in released} <= {EssayState.queued, EssayState.grading}
    assert all(essay.attempts == 0 for essay in released if essay.state is EssayState.queued)
    lab.await_states(essays, EssayState.graded)
    assert_graded_once(essays)


def test_a_worker_that_takes_nothing_while_messages_wait_is_replaced(lab: Lab) -> None:
    local = lab.workers["local"]
    before = len(local.ends)
    celery_app.control.cancel_consumer("local")
    essays = lab.submit(3)
    lab.await_states(essays, EssayState.graded)
    assert local.ends[before:] == [STALLED]
    assert_graded_once(essays)


def test_leases_outlast_the_longest_grade(lab: Lab) -> None:
    [essay] = lab.submit(1, takes=3 * LEASE)
    lab.await_states([essay], EssayState.graded)
    with session() as db:
        assert db.get_one(Essay, essay).attempts == 1
