"""What the workers tell each other of a provider, over Redis. It is advice: without Redis each goes on by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis

from settings import settings

log = logging.getLogger(__name__)
Told = TypeVar("Told")


def connection() -> redis.Redis:
    """The pool of this process, with short time-outs: no grade waits for advice."""
    return _connection(settings().redis_url)


def advice(ask: Callable[[], Told], otherwise: Told) -> Told:
    """What Redis tells, or the other thing when it is away."""
    try:
        return ask()
    except redis.RedisError as error:
        log.warning("Redis is away, so each worker is on its own with its provider: %s", error)
        return otherwise


@cache
def _connection(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, health_check_interval=25)
