from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis as redis_client

from grading.cache import counts
from grading.cache.chain import Answer, Chain, FlightFailed
from grading.cache.key import TTL_S, Key
from grading.cache.semantic import SemanticHit
from settings import settings
from tests.grading.cache.conftest import fresh_key, question
from tests.grading.cache.other import Other
from tests.processes import kill
from tests.stack import eventually

Others = Callable[[], Other]


def never() -> str:
    raise AssertionError("the model is asked again")


def test_the_model_is_asked_once_and_then_the_nearest_level_answers(chain: Chain, other: Others) -> None:
    key = fresh_key()
    assert chain.look_up(key) is None
    assert chain.get_or_call(key, lambda: "八百字。") == Answer("八百字。", None, key.digest)
    eventually(lambda: chain.look_up(key) == Answer("八百字。", "memory", key.digest), 5, "kept here", every=0.05)
    elsewhere = other()
    assert elsewhere.look_up(key) == "shared"
    eventually(lambda: elsewhere.look_up(key) == "memory", 5, "it has it too", every=0.05)


def test_nothing_is_served_to_another_scope(chain: Chain) -> None:
    chain.get_or_call(question(scope="class:1"), lambda: "of class 1")
    assert chain.look_up(question(scope="class:2")) is None
    assert chain.look_up(question(scope="public")) is None


@pytest.mark.parametrize("value", ["", " \n"])
def test_an_empty_answer_is_not_kept(chain: Chain, value: str) -> None:
    key = fresh_key()
    assert chain.get_or_call(key, lambda: value).value == value
    assert chain.look_up(key) is None


def test_an_error_is_raised_and_not_kept(chain: Chain) -> None:
    key = fresh_key()
    with pytest.raises(ZeroDivisionError):
        chain.get_or_call(key, lambda: str(1 // 0))
    assert chain.get_or_call(key, lambda: "well").value == "well"


@pytest.mark.parametrize("kind", ["static", "ask", "realtime"])
def test_an_answer_lives_as_long_as_its_kind(chain: Chain, redis: redis_client.Redis, kind: str) -> None:
    key = question(kind=kind)
    chain.get_or_call(key, lambda: "x")
    since, ends = redis.hmget(f"pizhu:cache:entry:{key.digest}", "since", "ends")  # type: ignore[misc]
    assert int(ends) - int(since) == TTL_S[key.kind] * 1000


def test_what_has_expired_is_a_miss_and_leaves_redis(chain: Chain, other: Others, redis: redis_client.Redis) -> None:
    key = fresh_key()
    chain.get_or_call(key, lambda: "x")
    entry = f"pizhu:cache:entry:{key.digest}"
    redis.hset(entry, "ends", 1)
    redis.zadd("pizhu:cache:ends", {key.digest: 1})
    assert other().look_up(key) is None
    eventually(lambda: not redis.exists(entry), 10, "the entry is gone")
    assert int(redis.get("pizhu:cache:bytes") or 0) == 0  # type: ignore[arg-type]


# ---- invalidation


def test_after_an_invalidation_no_process_serves_what_it_had(chain: Chain, other: Others) -> None:
    elsewhere = [other(), other()]
    changed, kept = question("a"), question("b", tags=frozenset({"assignment:2"}))
    for round_ in range(10):
        for key in (changed, kept):
            chain.get_or_call(key, lambda round_=round_: str(round_))  # type: ignore[misc]
            for one in elsewhere:
                eventually(lambda one=one, key=key: one.look_up(key) == "memory", 5, "it is kept", every=0.05)  # type: ignore[misc]
        assert elsewhere[0].invalidate("assignment:1") == 1
        assert [one.look_up(changed) for one in elsewhere] == [None, None]
        assert chain.look_up(changed) is None
        assert elsewhere[1].look_up(kept) is not None


def test_an_answer_to_what_was_invalidated_meanwhile_is_kept_nowhere(chain: Chain, other: Others) -> None:
    key, elsewhere = fresh_key(), other()

    def call() -> str:
        elsewhere.invalidate("assignment:1")
        return "old"

    assert chain.get_or_call(key, call).value == "old"
    assert chain.look_up(key) is None
    assert elsewhere.look_up(key) is None


def test_who_asks_after_an_invalidation_does_not_wait_for_who_asked_before(chain: Chain) -> None:
    key, asked, go_on = fresh_key(), threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        assert go_on.wait(10)
        return "old"

    with ThreadPoolExecutor() as pool:
        before = pool.submit(chain.get_or_call, key, slow)
        assert asked.wait(10)
        chain.invalidate("assignment:1")
        assert chain.get_or_call(key, lambda: "new").value == "new"
        go_on.set()
        assert before.result().value == "old"
    assert chain.get_or_call(key, never).value == "new"


def test_a_process_that_hears_no_news_serves_nothing_from_memory(chain: Chain, redis: redis_client.Redis) -> None:
    key = fresh_key()
    chain.get_or_call(key, lambda: "x")
    eventually(lambda: chain.get_or_call(key, never).level == "memory", 5, "it is kept", every=0.05)
    redis.execute_command("CLIENT", "PAUSE", "1800", "ALL")
    eventually(lambda: not chain.is_fresh(), 1.7, "the process knows that it may have missed something", every=0.01)
    eventually(chain.is_fresh, 10, "it hears again")


def test_everything_can_be_purged(chain: Chain, redis: redis_client.Redis) -> None:
    keys = [fresh_key() for _ in range(3)]
    for key in keys:
        chain.get_or_call(key, lambda: "x")
    assert chain.purge() == 3
    assert [chain.look_up(key) for key in keys] == [None] * 3
    left = {str(name) for name in redis.keys("pizhu:cache:*")}  # type: ignore[union-attr]
    assert not [name for name in left if ":entry:" in name or ":tagged:" in name]


# ---- one flight


def test_threads_that_ask_the_same_make_one_call(chain: Chain) -> None:
    key, calls, all_there = fresh_key(), [], threading.Barrier(51)

    def call() -> str:
        calls.append(1)
        threading.Event().wait(0.2)
        return "x"

    def ask() -> Answer:
        all_there.wait(10)
        return chain.get_or_call(key, call)

    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ask) for _ in range(50)]
        all_there.wait(10)
        answers = [one.result() for one in asked]
    assert len(calls) == 1
    assert {answer.value for answer in answers} == {"x"}
    assert sum(answer.level is None for answer in answers) == 1, "one has paid"


def test_processes_that_ask_the_same_make_one_call(other: Others, tmp_path: Path) -> None:
    key, log, others = fresh_key(), tmp_path / "calls", [other() for _ in range(3)]
    for one in others:
        one.ask(key, log, 0.5, threads=10)
    answers = [one.answer() for one in others for _ in range(10)]
    assert log.read_text().count("call") == 1
    assert {value for value, _level in answers} == {"answer"}
    assert sum(level is None for _value, level in answers) == 1


def test_a_killed_holder_is_followed_by_exactly_one(other: Others, tmp_path: Path) -> None:
    key, log, holder = fresh_key(), tmp_path / "calls", other()
    holder.ask(key, log, 60)
    eventually(log.exists, 10, "the model is asked")
    others = [other() for _ in range(2)]
    for one in others:
        one.ask(key, log, 0.5, threads=10)
    kill(holder.process.pid)
    answers = [one.answer() for one in others for _ in range(10)]
    assert log.read_text().count("call") == 2, "the one of the killed, and another"
    assert {value for value, _level in answers} == {"answer"}


def test_a_call_longer_than_the_lease_stays_the_only_one(other: Others, tmp_path: Path) -> None:
    key, log, others = fresh_key(), tmp_path / "calls", [other() for _ in range(2)]
    for one in others:
        one.ask(key, log, 3.5)
    assert [one.answer()[0] for one in others] == ["answer"] * 2
    assert log.read_text().count("call") == 1


def test_what_the_call_raises_is_raised_to_all_who_wait(other: Others, chain: Chain, tmp_path: Path) -> None:
    key, log, elsewhere = fresh_key(), tmp_path / "calls", other()
    elsewhere.ask(key, log, 1.0, threads=5, error="no money")
    eventually(log.exists, 10, "the model is asked")
    with pytest.raises(FlightFailed, match="ValueError: no money"):
        chain.get_or_call(key, never)
    assert [elsewhere.answer() for _ in range(5)] == [["ValueError: no money", None]] * 5
    assert chain.look_up(key) is None


# ---- bounds, and a Redis that is away


def test_redis_holds_no_more_than_it_may_and_the_least_used_gives_way(
    chain: Chain, other: Others, redis: redis_client.Redis
) -> None:
    keys = [question(f"q{number}") for number in range(12)]
    for key in keys[:8]:
        chain.get_or_call(key, lambda: "x" * 100_000)
    redis.zadd("pizhu:cache:used", {keys[0].digest: 9e12}, xx=True)
    for key in keys[8:]:
        chain.get_or_call(key, lambda: "x" * 100_000)
    assert int(redis.get("pizhu:cache:bytes") or 0) <= 1024 * 1024  # type: ignore[arg-type]
    elsewhere = other()
    had = [elsewhere.look_up(key) is not None for key in keys]
    assert had == [True, False, False] + [True] * 9
    assert redis.scard("pizhu:cache:tagged:assignment:1") == 10


def test_without_redis_the_model_is_asked_and_nobody_waits() -> None:
    chain = Chain("redis://127.0.0.1:1/0", 1024 * 1024)
    try:
        key = fresh_key()
        answers = [chain.get_or_call(key, lambda: "x") for _ in range(2)]
        assert answers == [Answer("x", None, key.digest)] * 2, "what could not be invalidated is not kept"
        assert chain.look_up(key) is None
        with pytest.raises(redis_client.RedisError):
            chain.invalidate("assignment:1")
    finally:
        chain.close()


def test_that_no_news_come_is_said_once_until_they_do(
    redis: redis_client.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> int:
        return sum(int(entry["count"]) for entry in redis.acl_log())  # type: ignore[union-attr]

    caplog.set_level(logging.INFO, "grading.cache.news")
    redis.acl_log_reset()
    redis.execute_command("ACL", "SETUSER", "default", "-subscribe")
    chain = Chain(settings().redis_url, 1024 * 1024)
    try:
        eventually(lambda: refused() >= 3, 15, "it has tried three times")
        redis.execute_command("ACL", "SETUSER", "default", "+@all")
        eventually(chain.is_fresh, 10, "the chain hears the news")
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "+@all")
        chain.close()
    said = [record.getMessage() for record in caplog.records if record.name == "grading.cache.news"]
    assert [" ".join(line.split()[:5]) for line in said] == ["the cache hears no news,", "the cache hears news again"]


def test_what_was_invalidated_while_redis_was_away_is_gone_when_it_is_back(redis: redis_client.Redis) -> None:
    key, chain = fresh_key(), Chain(settings().redis_url, 1024 * 1024)
    try:
        eventually(chain.is_fresh, 10, "the chain hears the news")
        chain.get_or_call(key, lambda: "old")
        redis.execute_command("CLIENT", "KILL", "TYPE", "PUBSUB")
        redis.execute_command("ACL", "SETUSER", "default", "-evalsha", "-eval")
        with pytest.raises(redis_client.RedisError):
            chain.invalidate("assignment:1")
        redis.execute_command("ACL", "SETUSER", "default", "+evalsha", "+eval")
        entry = f"pizhu:cache:entry:{key.digest}"
        eventually(lambda: not redis.exists(entry), 15, "it has been made up for")
        assert chain.look_up(key) is None
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "+@all")
        chain.close()


# ---- other words


class Alike:
    """A third level that takes any two questions of a bucket for the same."""

    def __init__(self) -> None:
        self.kept: dict[str, SemanticHit] = {}

    def find(self, key: Key, refused: Callable[[str], None] = lambda why: None) -> SemanticHit | None:
        if "not" in key.text:
            refused("negation")
            return None
        return self.kept.get(key.bucket)

    def store(self, key: Key, value: str, ttl_s: float) -> None:
        self.kept[key.bucket] = SemanticHit(value, "entry", 0.97, 0.99)

    def invalidate(self, tags: Collection[str]) -> int:
        raise ConnectionError("the index is down")

    def evict(self, entry_id: str) -> bool:
        self.kept.clear()
        return entry_id == "entry"


@pytest.fixture
def asking(redis: redis_client.Redis) -> Iterator[Chain]:
    chain = Chain(settings().redis_url, 1024 * 1024, Alike())
    yield chain
    chain.close()


def test_a_question_in_other_words_finds_its_answer_and_an_essay_does_not(asking: Chain) -> None:
    asking.get_or_call(question("Wie lang?", semantic=True), lambda: "800")
    assert asking.get_or_call(question("How long?", semantic=True), never) == Answer("800", "semantic", "entry", 0.97)
    assert asking.look_up(question("How long?", semantic=False)) is None
    assert asking.look_up(question("How long?", semantic=True, scope="class:2")) is None


def test_an_answer_that_answers_another_question_is_evicted(asking: Chain) -> None:
    asking.get_or_call(question("Wie lang?", semantic=True), lambda: "800")
    asking.get_or_call(question("How long?", semantic=True), never)
    assert asking.evict("entry")
    assert asking.look_up(question("How long?", semantic=True)) is None, "no level has kept a copy"


def test_what_was_invalidated_is_not_found_in_other_words_even_by_an_index_that_was_down(asking: Chain) -> None:
    asking.get_or_call(question("Wie lang?", semantic=True), lambda: "800")
    asking.invalidate("assignment:1")
    assert asking.look_up(question("How long?", semantic=True)) is None


# ---- counts


def test_answers_are_counted_by_level_kind_and_task_over_all_processes(
    chain: Chain, other: Others, redis: redis_client.Redis
) -> None:
    key = fresh_key()
    chain.get_or_call(key, lambda: "x")
    chain.get_or_call(key, never)
    other().look_up(key)

    def counted() -> bool:
        levels = {count.level: number for count, number in counts.since_ever(redis).items()}
        return levels == {"model": 1, "memory": 1, "shared": 1}

    eventually(counted, 10, "all is counted", every=0.05)
    assert counts.of_last(redis, hours=1) == counts.since_ever(redis)
    assert {(count.kind, count.task) for count in counts.since_ever(redis)} == {("ask", "ask")}
    [entry] = chain.top(10)
    assert (entry.digest, entry.hits, entry.tags) == (key.digest, 2, ["assignment:1"])
    entries, size = chain.size()
    assert entries == 1
    assert size == entry.bytes


def test_a_refusal_of_what_lies_close_is_counted_once_a_question_by_its_reason_and_is_no_answer(
    asking: Chain, redis: redis_client.Redis
) -> None:
    key = question("How long not?", semantic=True)
    assert asking.look_up(key) is None, "the web looks first, and then a worker asks"
    asking.get_or_call(key, lambda: "800")

    def counted() -> dict[str, int]:
        return {count.level: number for count, number in counts.since_ever(redis).items()}

    eventually(lambda: "model" in counted(), 10, "all is counted", every=0.05)
    assert counted() == {"model": 1, "refused:negation": 1}
    assert [count.is_answer for count in sorted(counts.since_ever(redis), key=lambda one: one.level)] == [True, False]
