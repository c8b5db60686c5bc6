from __future__ import annotations

import json
import queue
import threading
import uuid
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from grading import progress
from models import Notice
from tests.conftest import use_environment

NOWHERE = {"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}


def events(essay_id: uuid.UUID, after: str = progress.START) -> list[progress.Event]:
    """The events that are there, in order."""
    found = []
    for event in progress.follow(essay_id, after, wait=0.01):
        if event is None:
            return found
        found.append(event)
    raise AssertionError("following never ends by itself")


@pytest.fixture
def essay_id(redis: Redis) -> uuid.UUID:
    return uuid.uuid4()


class TestFollowing:
    def test_gives_events_in_order_with_what_they_carry(self, essay_id: uuid.UUID) -> None:
        progress.publish(essay_id, "state", {"status": "grading"})
        progress.publish(essay_id, "delta", {"field": "comments.ideas", "text": "论点清楚。👍"})
        assert [(event.type, event.data) for event in events(essay_id)] == [
            ("state", {"status": "grading"}),
            ("delta", {"field": "comments.ideas", "text": "论点清楚。👍"}),
        ]

    def test_goes_on_after_an_event_without_repeating_or_missing_one(self, essay_id: uuid.UUID) -> None:
        for number in range(3):
            progress.publish(essay_id, "delta", {"text": str(number)})
        first, *rest = events(essay_id)
        assert events(essay_id, after=first.id) == rest

    def test_says_so_when_there_is_no_news_and_goes_on_with_what_comes(self, essay_id: uuid.UUID) -> None:
        following = progress.follow(essay_id, wait=0.01)
        assert next(following) is None
        progress.publish(essay_id, "state", {})
        event = next(following)
        assert event is not None
        assert event.type == "state"

    def test_wakes_as_soon_as_something_happens(self, essay_id: uuid.UUID) -> None:
        got: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=lambda: got.put(next(progress.follow(essay_id, wait=60)))).start()
        progress.publish(essay_id, "state", {})
        assert got.get(timeout=10).type == "state"

    def test_an_essay_tells_nothing_of_another(self, essay_id: uuid.UUID) -> None:
        progress.publish(uuid.uuid4(), "state", {})
        assert events(essay_id) == []

    @pytest.mark.parametrize("after", ["", "x", "1-x", "-", "1-2-3", "９-0", "$", "1 0", "1" * 30, "-1"])
    def test_refuses_what_is_no_event_id(self, after: str, essay_id: uuid.UUID) -> None:
        with pytest.raises(ValueError, match="not an event id"):
            next(progress.follow(essay_id, after))

    def test_an_id_without_its_second_part_is_one(self, essay_id: uuid.UUID) -> None:
        progress.publish(essay_id, "state", {})
        assert len(events(essay_id, after="0")) == 1

    def test_raises_when_the_broker_is_down(self, servers: None) -> None:
        with use_environment(NOWHERE), pytest.raises(RedisError):
            next(progress.follow(uuid.uuid4()))


class TestPublishing:
    def test_a_stream_is_capped_and_expires(self, essay_id: uuid.UUID, redis: Redis, monkeypatch: Any) -> None:
        monkeypatch.setattr(progress, "STREAM_LENGTH", 200)
        for number in range(700):
            progress.publish(essay_id, "delta", {"text": str(number)})
        key = progress.stream_key(essay_id)
        assert 200 <= redis.xlen(key) < 700
        assert events(essay_id)[-1].data == {"text": "699"}
        assert 0 < redis.ttl(key) <= progress.STREAM_LIFE

    def test_a_broker_that_is_down_costs_the_event_and_nothing_else(self, servers: None) -> None:
        with use_environment(NOWHERE):
            progress.announce(uuid.uuid4(), uuid.uuid4(), "state", {})
            progress.cancel(uuid.uuid4())


class TestRooms:
    def heard(self, redis: Redis, tell: Any) -> list[dict[str, Any]]:
        """What the web processes hear while `tell` runs."""
        with redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(progress.SOCKET_CHANNEL)
            channel.get_message(timeout=1)
            tell()
            found = []
            while message := channel.get_message(timeout=0.5):
                found.append(json.loads(message["data"]))
            return found

    def test_an_announcement_goes_to_the_students_own_room(self, essay_id: uuid.UUID, redis: Redis) -> None:
        student = uuid.uuid4()
        data = {"status": "graded", "grading_id": "g"}
        [message] = self.heard(redis, lambda: progress.announce(essay_id, student, "graded", data))
        assert message["room"] == f"user:{student}" == progress.room(student)
        assert (message["event"], message["data"]) == ("graded", [{"essay_id": str(essay_id), **data}])
        assert [event.type for event in events(essay_id)] == ["graded"]

    def test_a_notice_goes_to_its_reader(self, essay_id: uuid.UUID, redis: Redis) -> None:
        reader = uuid.uuid4()
        notice = Notice(user_id=reader, essay_id=essay_id, kind="needs_review", details={"assignment": "A letter"})
        [message] = self.heard(redis, lambda: progress.notify([notice]))
        assert message["room"] == progress.room(reader)
        assert message["event"] == "notice"
        assert message["data"] == [{"kind": "needs_review", "essay_id": str(essay_id)}]

    def test_deltas_stay_in_the_stream(self, essay_id: uuid.UUID, redis: Redis) -> None:
        assert self.heard(redis, lambda: progress.publish(essay_id, "delta", {"text": "x"})) == []


class TestCancelling:
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_is_heard_by_who_listens_even_after_the_connection_broke(self, redis: Redis) -> None:
        first, second = uuid.uuid4(), uuid.uuid4()
        heard: queue.Queue[uuid.UUID] = queue.Queue()

        def hear(essay_id: uuid.UUID) -> None:
            heard.put(essay_id)
            if essay_id == second:
                raise SystemExit  # ends the thread, and it alone

        listener = progress.on_cancel(hear)
        for essay_id in (first, second):
            self.await_listener(redis)
            progress.cancel(essay_id)
            assert heard.get(timeout=10) == essay_id
            redis.client_kill_filter(_type="pubsub")
        listener.join(timeout=10)
        assert not listener.is_alive()

    def await_listener(self, redis: Redis) -> None:
        listening = threading.Event()
        while not dict(redis.pubsub_numsub(progress.CANCEL_CHANNEL)).get(progress.CANCEL_CHANNEL):
            listening.wait(0.02)
