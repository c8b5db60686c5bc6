from __future__ import annotations

import base64
import json
import uuid

import pytest
from redis import Redis

from models import Essay
from models.session import session
from tests.conftest import use_environment
from tests.factories import make_essay, make_school
from workers import queue
from workers.queue import KEY_PREFIX, QUEUES, TASK_OF_QUEUE, celery_app, enqueue, messages_waiting

NO_BROKER = {"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}
NO_DATABASE = {"PIZHU_DATABASE_URL": "postgresql+psycopg2://nobody@127.0.0.1:1/nothing"}


class TestTelling:
    def test_a_message_carries_the_essays_id_and_nothing_of_the_essay(self, servers: None, redis: Redis) -> None:
        essay_id = uuid.uuid4()
        assert enqueue("triage", [essay_id])
        assert messages_waiting("triage") == 1
        message = json.loads(redis.lindex(f"{KEY_PREFIX}triage", 0))
        assert message["headers"]["task"] == "triage.triage"
        assert message["headers"]["argsrepr"] == f"['{essay_id}']"

    def test_each_queue_has_its_own_line(self, servers: None, redis: Redis) -> None:
        enqueue("triage", [uuid.uuid4()])
        enqueue("local", [uuid.uuid4(), uuid.uuid4()])
        assert (messages_waiting("triage"), messages_waiting("local")) == (1, 2)

    def test_triage_is_told_of_many_essays_at_once(self, servers: None, redis: Redis) -> None:
        essays = [uuid.uuid4() for _ in range(45)]
        enqueue("triage", essays)
        messages = [json.loads(message) for message in redis.lrange(f"{KEY_PREFIX}triage", 0, -1)]
        told = [json.loads(base64.b64decode(message["body"]))[0] for message in reversed(messages)]
        assert [len(some) for some in told] == [20, 20, 5]
        assert [essay for some in told for essay in some] == [str(essay) for essay in essays]

    def test_essays_at_a_grader_stand_behind_what_somebody_waits_for(self, servers: None, redis: Redis) -> None:
        enqueue("local", [uuid.uuid4() for _ in range(3)])
        celery_app.send_task("local.ask", args=["a question"], queue="local")
        assert messages_waiting("local") == 4
        with (
            celery_app.connection_for_read() as connection,
            connection.SimpleQueue(celery_app.amqp.queues["local"]) as line,
        ):
            tasks = [line.get(timeout=5).headers["task"] for _ in range(4)]
        assert tasks == ["local.ask", "local.grade", "local.grade", "local.grade"]

    def test_with_the_broker_down_the_row_says_that_it_was_not_told(self, database: None) -> None:
        school = make_school()
        essay = make_essay(school.student, school.assignment)
        with use_environment(NO_BROKER):
            assert not enqueue("triage", [essay.id])
        with session() as db:
            assert db.get_one(Essay, essay.id).enqueued_at is None

    def test_with_broker_and_database_down_it_still_only_says_no(self, servers: None) -> None:
        with use_environment(NO_BROKER | NO_DATABASE):
            assert not enqueue("triage", [uuid.uuid4()])


class TestSettings:
    def test_a_task_is_redelivered_only_after_the_longest_task_has_long_ended(
        self, servers: None, redis: Redis
    ) -> None:
        with celery_app.connection_for_read() as connection:
            assert connection.default_channel.visibility_timeout == 900

    def test_every_task_goes_to_a_queue_that_somebody_consumes(self) -> None:
        celery_app.loader.import_default_modules()
        ours = [name for name in celery_app.tasks if not name.startswith("celery.")]
        assert sorted(ours) == [
            "batches.turn",
            "local.ask",
            "local.check_answer",
            "local.grade",
            "local.regrade",
            "notify.email",
            "notify.webhook",
            "openai.ask",
            "openai.check_answer",
            "openai.grade",
            "openai.regrade",
            "triage.triage",
            "upkeep.anchors",
            "upkeep.calibrate",
            "upkeep.copies",
            "upkeep.forget",
            "upkeep.roll_up",
            "upkeep.sweep",
            "upkeep.watch_spending",
        ]
        for name in ours:
            assert celery_app.amqp.router.route({}, name)["queue"].name == name.partition(".")[0]
        assert set(TASK_OF_QUEUE.values()) <= set(ours)
        assert set(TASK_OF_QUEUE) <= set(QUEUES)

    def test_no_result_is_kept_for_it_would_block_whoever_tells_while_the_broker_is_down(self) -> None:
        assert celery_app.conf.task_ignore_result
        assert celery_app.conf.result_backend is None

    @pytest.mark.parametrize(
        "name", ["local.grade", "local.regrade", "triage.triage", "upkeep.sweep", "notify.email", "batches.turn"]
    )
    def test_a_task_whose_worker_dies_is_not_acknowledged(self, name: str) -> None:
        celery_app.loader.import_default_modules()
        assert celery_app.tasks[name].acks_late
        assert celery_app.tasks[name].reject_on_worker_lost

    def test_the_sweeper_is_not_sent_again_before_the_last_one_has_lost_its_worth(self) -> None:
        for entry in queue.configuration()["beat_schedule"].values():
            assert entry["options"]["expires"] == entry["schedule"]
