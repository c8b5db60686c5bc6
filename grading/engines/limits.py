"""How much may be asked of a model in a minute, by all workers together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import redis
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from grading.engines import shared
from grading.engines.engine import Request
from settings import Settings

AGAIN = 0.5
"""Seconds after which to ask again when a minute is full."""


class Limits:
    """Requests and tokens a minute of one model, named as `provider/model`; 0 is no limit."""

    def __init__(self, name: str, *, requests: int, tokens: int) -> None:
        self._name, self._requests, self._tokens = name, requests, tokens
        self._hold = f"pizhu:hold:{name}"

    @classmethod
    def of(cls, settings: Settings, name: str) -> Limits:
        return cls(name, requests=settings.openai_requests_per_minute, tokens=settings.openai_tokens_per_minute)

    def reserve(self, tokens: int) -> float:
        """Take one request of so many tokens from this minute: 0 when it may go, else the seconds to wait.

        Without Redis it may go.
        """
        return shared.advice(lambda: self._reserve(tokens), 0.0)

    def hold(self, seconds: float) -> None:
        """Let all workers wait: the provider has said for how long."""
        milliseconds = math.ceil(1000 * seconds)
        if milliseconds > 0:
            shared.advice(lambda: shared.connection().set(self._hold, "1", px=milliseconds), None)

    def _reserve(self, tokens: int) -> float:
        held = shared.connection().pttl(self._hold)
        if isinstance(held, int) and held > 0:
            return held / 1000
        limiter = _limiter(shared.connection())
        wanted = list(self._wanted(tokens))
        # Asked of all but the first before, so that what is full for one does not use up the other.
        room = all(limiter.test(item, self._name, cost=cost) for item, cost in wanted[1:])
        return 0.0 if room and all(limiter.hit(item, self._name, cost=cost) for item, cost in wanted) else AGAIN

    def _wanted(self, tokens: int) -> Iterator[tuple[RateLimitItem, int]]:
        if self._requests:
            yield RateLimitItemPerMinute(self._requests, namespace="pizhu-requests"), 1
        if self._tokens:
            # What is larger than a whole minute goes when a minute is empty, and the provider may judge it.
            yield RateLimitItemPerMinute(self._tokens, namespace="pizhu-tokens"), min(tokens, self._tokens)


@cache
def _limiter(connection: redis.Redis) -> SlidingWindowCounterRateLimiter:
    """One for each connection, for its scripts take longer to make than to run."""
    return SlidingWindowCounterRateLimiter(RedisStorage("redis://", connection_pool=connection.connection_pool))


def estimated_tokens(request: Request) -> int:
    """Prompt and longest reply, rather too many: three bytes are a token of Chinese, and most of one of English."""
    return math.ceil(sum(len(message["content"].encode()) for message in request.messages) / 3) + request.max_tokens
