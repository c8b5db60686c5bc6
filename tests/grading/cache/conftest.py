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


@pytest.fixture
def other(redis: redis_client.Redis) -> Iterator[Callable[[], Other]]:
    """Makes a process with a chain of its own."""
    made: list[Other] = []

    def make() -> Other:
        made.append(Other(settings().redis_url, CAPACITY))
        return made[-1]

    yield make
    for one in made:
        one.close()


def question(text: str = "要写多少字？", **more: object) -> Key:
    values: dict[str, object] = {"scope": "class:1", "parts": {"task": "ask"}, "tags": frozenset({"assignment:1"})}
    return Key(kind="ask", text=text, **(values | more))  # type: ignore[arg-type]


def fresh_key() -> Key:
    return question(uuid.uuid4().hex)
