"""A chain of this process, and others in processes of their own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
import redis as redis_client

from grading.cache.chain import Chain
from grading.cache.key import Key
from settings import settings
from tests.grading.cache.other import Other
from tests.stack import eventually

CAPACITY = 1024 * 1024


@pytest.fixture
def chain(redis: redis_client.Redis) -> Iterator[Chain]:
    """A chain that hears the news already."""
    chain = Chain(settings().redis_url, CAPACITY)
    eventually(chain.is_fresh, 10, "the chain hears the news", every=0.005)
    yield chain
    chain.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[list[Other]]:
    """Processes that tests have started: starting one takes longer than a test."""
    started: list[Other] = []
    yield started
    for one in started:
        one.close()


@pytest.fixture
def other(redis: redis_client.Redis, pool: list[Other]) -> Callable[[], Other]:
    """Gives a process with a chain of its own, another one each time."""
    pool[:] = [one for one in pool if one.process.poll() is None]
    idle = iter([*pool])

    def give() -> Other:
        one = next(idle, None)
        if one is None:
            one = Other(settings().redis_url, CAPACITY)
            pool.append(one)
        # The test before emptied Redis, so that until its next ping nobody knows that this process listens.
        eventually(lambda: redis.zscore("pizhu:cache:listeners", one.name), 10, "it listens", every=0.02)
        return one

    return give


def question(text: str = "要写多少字？", **more: object) -> Key:
    values: dict[str, object] = {
        "kind": "ask",
        "scope": "class:1",
        "parts": {"task": "ask"},
        "tags": frozenset({"assignment:1"}),
    }
    return Key(text=text, **(values | more))  # type: ignore[arg-type]


def fresh_key() -> Key:
    return question(uuid.uuid4().hex)
