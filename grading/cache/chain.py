"""The cache as a whole: memory, then Redis, then what means the same, then the model; each asked once.

Concurrent askings of one key are one flight: in a process they wait for the thread that came first, and of the
processes one holds the flight in Redis. When its holder is killed the lease runs out, and one of those who wait holds
it next.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol

from grading.cache.counts import REFUSED, Count
from grading.cache.key import Key
from grading.cache.news import News
from grading.cache.shared import EVERYTHING, Entry, Found, Missing, Shared, Waiting, flight_of
from settings import settings

log = logging.getLogger(__name__)
if TYPE_CHECKING:
    from grading.cache.semantic import SemanticHit

Level = Literal["memory", "shared", "semantic"]


@dataclass(frozen=True)
class Answer:
    """An answer, and the level that had it; None where a model was asked.

    `entry_id` names the entry for `evict`; `similarity` is the semantic level's cosine.
    """

    value: str
    level: Level | None
    entry_id: str | None = None
    similarity: float | None = None


class SemanticLevel(Protocol):
    """Finds what was asked before in other words; see `grading.cache.semantic`."""

    def find(self, key: Key, refused: Callable[[str], None] = ...) -> SemanticHit | None: ...

    def store(self, key: Key, value: str, ttl_s: float) -> None: ...

    def invalidate(self, tags: Collection[str]) -> int: ...

    def evict(self, entry_id: str) -> bool: ...


class FlightFailed(Exception):
    """Another process asked the model the same, and its call raised this."""


class Chain:
    """One for each process; threads and greenlets share it. Redis that is down is a miss."""

    def __init__(self, url: str, shared_bytes: int, semantic: SemanticLevel | None = None) -> None:
        self._shared = Shared(url, shared_bytes)
        self._news = News(url, self._shared)
        self._memory = self._news.memory
        self._semantic = semantic
        self._lock = threading.Lock()
        self._flights: dict[tuple[str, str | None, int], Future[Answer]] = {}
        self._news.start()

    def look_up(self, key: Key) -> Answer | None:
        """The answer if there is one. Only hits are counted: what is then asked, is asked by `get_or_call`."""
        if found := self._recall(key):
            return found
        ticket = self._memory.ticket()
        seen = self._shared.look(key)
        if isinstance(seen, Found):
            return self._take(key, seen, ticket, "shared")
        return self._alike(key, seen.stamp, lambda why: None) if seen else None

    def get_or_call(self, key: Key, call: Callable[[], str]) -> Answer:
        """The answer, by calling the model if need be: once for all who ask the same now, in whichever process.

        What the call raises is raised to all who wait in this process, and `FlightFailed` to those in others; nothing
        is kept then, nor is an answer that is empty.
        """
        if found := self._recall(key):
            return found
        ticket = self._memory.ticket()
        seen = self._shared.look(key)
        if isinstance(seen, Found):
            return self._take(key, seen, ticket, "shared")
        # Who asks after an invalidation does not join who asked before it.
        name = (key.digest, seen.stamp if seen else None, ticket)
        with self._lock:
            if not (others := self._flights.get(name)):
                self._flights[name] = Future()
        if others:
            answer = others.result()
            self._count("flight", key)
            return replace(answer, level=answer.level or "memory")
        try:
            answer = self._fly(key, call, seen, ticket)
        except BaseException as error:
            self._land(name).set_exception(error)
            raise
        self._land(name).set_result(answer)
        return answer

    def invalidate(self, *tags: str) -> int:
        """Forget every answer with any of these tags: when this returns, no process serves one. How many there were in
        Redis and the semantic level.

        Raises `redis.RedisError` when Redis is down, and does it when Redis is back, unless this process ends first.
        """
        gone = self._news.invalidate(tags)
        if self._semantic:
            try:
                gone += self._semantic.invalidate(tags)
            except Exception:  # an index may raise its own; nothing old is served, for the stamp is part of the bucket
                log.exception("the semantic level still holds what was invalidated")
        return gone

    def purge(self) -> int:
        """Forget everything; as `invalidate`."""
        return self.invalidate(EVERYTHING)

    def evict(self, entry_id: str) -> bool:
        """Somebody says that an answer of the semantic level answers another question: it is not given again."""
        return self._semantic is not None and self._semantic.evict(entry_id)

    def size(self) -> tuple[int, int]:
        """Entries in Redis and their bytes. Raises `redis.RedisError`."""
        return self._shared.size()

    def top(self, count: int) -> list[Entry]:
        """The entries that are served most often, most first. Raises `redis.RedisError`."""
        return self._shared.top(count)

    def is_fresh(self) -> bool:
        """Whether this process hears of invalidations; while it does not, it serves nothing from its memory."""
        return self._news.is_fresh()

    def close(self) -> None:
        self._news.close()
        self._shared.close()

    def _recall(self, key: Key) -> Answer | None:
        value = self._memory.get(key.digest)
        if value is None:
            return None
        self._count("memory", key, hit=True)
        return Answer(value, "memory", key.digest)

    def _take(self, key: Key, found: Found, ticket: int, count: str) -> Answer:
        self._memory.put(key.digest, found.value, key.tags | {EVERYTHING}, found.ttl_s, ticket)
        self._count(count, key, hit=True)
        return Answer(found.value, "shared", key.digest)

    def _alike(self, key: Key, stamp: str, refused: Callable[[str], None]) -> Answer | None:
        """What the semantic level has. No copy of it is kept for the key: a user may yet say that it is no answer."""
        if not key.semantic or self._semantic is None:
            return None
        hit = self._semantic.find(_stamped(key, stamp), refused)
        if hit is None:
            return None
        self._count("semantic", key)
        return Answer(hit.value, "semantic", hit.entry_id, hit.similarity)

    def _fly(self, key: Key, call: Callable[[], str], seen: Missing | None, ticket: int) -> Answer:
        """Be the one who asks, or wait for the one of another process who does."""
        if seen is None:
            return self._call(key, call)
        flight, token = flight_of(key, seen.stamp), secrets.token_hex(8)
        with self._news.awaiting(flight) as landing:
            waited = False
            while isinstance(boarded := self._shared.board(key, seen.stamp, token), Waiting):
                waited = True
                landing.wait(boarded.lease_s)
                if landing.error:
                    raise FlightFailed(landing.error)
        if isinstance(boarded, Found):
            return self._take(key, boarded, ticket, "flight" if waited else "shared")
        error: BaseException | None = None
        try:
            with self._news.holding(flight, token):
                return self._ask(key, call, seen.stamp, ticket)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._shared.land(flight, token, f"{type(error).__name__}: {error}" if error else None)

    def _ask(self, key: Key, call: Callable[[], str], stamp: str, ticket: int) -> Answer:
        if found := self._alike(key, stamp, lambda why: self._count(REFUSED + why, key)):
            return found
        answer = self._call(key, call)
        if answer.value.strip() and self._shared.store(key, answer.value, stamp):
            self._memory.put(key.digest, answer.value, key.tags | {EVERYTHING}, key.ttl_s, ticket)
            if key.semantic and self._semantic:
                self._semantic.store(_stamped(key, stamp), answer.value, key.ttl_s)
        return answer

    def _call(self, key: Key, call: Callable[[], str]) -> Answer:
        self._count("model", key)
        return Answer(call(), None, key.digest)

    def _land(self, name: tuple[str, str | None, int]) -> Future[Answer]:
        with self._lock:
            return self._flights.pop(name)

    def _count(self, level: str, key: Key, *, hit: bool = False) -> None:
        self._news.count(Count(level, key.kind, key.parts.get("task", "")), key.digest if hit else None)


def _stamped(key: Key, stamp: str) -> Key:
    """The key as the semantic level has it: what was invalidated is in a bucket that nobody looks into."""
    return replace(key, parts={**key.parts, "stamp": stamp}, tags=key.tags | {EVERYTHING})


def chain() -> Chain:
    """The chain of this process, from the settings."""
    return _chain(settings().redis_url, settings().cache_mb, os.getpid())  # a child has none of its parent's threads


@cache
def _chain(url: str, megabytes: int, _pid: int) -> Chain:
    from grading.cache.semantic import semantic  # takes seconds to load; a chain without it has no need of that

    return Chain(url, megabytes * 1024 * 1024, semantic())
