from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.conftest import use_environment
from workers import heartbeat
from workers.heartbeat import LIFE, PREFIX, STALLED, Heartbeat, Watch, live_workers
from workers.queue import QUEUES, celery_app


class TestWatch:
    def stalled(self, *moments: dict[str, Any]) -> list[bool]:
        """What a watch with ten seconds of patience says of these moments, five seconds apart."""
        watch = Watch(patience=10)
        usual = {"waiting": True, "busy": False, "taken": 0}
        return [watch.is_stalled(at=5.0 * number, **(usual | moment)) for number, moment in enumerate(moments)]

    def test_a_worker_that_takes_nothing_while_messages_wait_has_stalled(self) -> None:
        assert self.stalled({}, {}, {}, {}) == [False, False, True, True]

    def test_taking_one_message_is_a_sign_of_life(self) -> None:
        assert self.stalled({}, {}, {"taken": 1}, {"taken": 1}, {"taken": 1}) == [False, False, False, False, False]
        assert self.stalled({}, {"taken": 1}, {"taken": 1}, {"taken": 1}, {"taken": 1})[-1]

    def test_a_worker_with_full_hands_has_not_stalled(self) -> None:
        assert not any(self.stalled(*[{"busy": True}] * 10))

    def test_a_worker_without_work_has_not_stalled(self) -> None:
        assert not any(self.stalled(*[{"waiting": False}] * 10))

    def test_patience_begins_anew_after_every_good_moment(self) -> None:
        assert self.stalled({}, {}, {"waiting": False}, {}, {}, {}) == [False, False, False, False, False, True]


@pytest.fixture
def worker() -> Any:
    """As much of a Celery worker as a heartbeat looks at."""
    app = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=["upkeep", "notify"])))
    state = SimpleNamespace(active_requests=set(), all_total_count=[0])
    return SimpleNamespace(app=app, state=state, concurrency=4)


class TestHeartbeat:
    def test_counts_for_each_of_its_queues_as_long_as_it_beats(self, worker: Any, redis: Redis) -> None:
        beating = Heartbeat(worker)
        beating._beat()
        assert live_workers() == {"triage": 0, "local": 0, "openai": 0, "batches": 0, "upkeep": 1, "notify": 1}
        assert all(0 < redis.ttl(key) <= LIFE for key in redis.scan_iter(f"{PREFIX}*"))
        beating.stop()
        assert live_workers() == dict.fromkeys(QUEUES, 0)

    def test_several_workers_of_one_queue_are_counted(self, redis: Redis) -> None:
        for number in range(3):
            redis.set(f"{PREFIX}local:{socket.gethostname()}:{number}", 1, ex=LIFE)
        assert live_workers()["local"] == 3

    def test_ends_the_worker_when_it_has_stalled(
        self, worker: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended: list[int] = []
        monkeypatch.setattr(heartbeat.os, "_exit", ended.append)
        with use_environment({"PIZHU_STALL_EXIT": "1e-9"}):
            beating = Heartbeat(worker)
            beating._beat()
            assert ended == []
            celery_app.send_task("upkeep.sweep")
            beating._beat()
            beating._beat()
        assert ended == [STALLED]

    def test_who_asks_for_live_workers_learns_that_the_broker_is_down(self, servers: None) -> None:
        with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}), pytest.raises(RedisError):
            live_workers()

    def test_stopping_with_the_broker_down_is_no_error(self, worker: Any, servers: None) -> None:
        with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}):
            Heartbeat(worker).stop()
