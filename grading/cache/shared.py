"""The second level: answers in Redis, for all processes; and the flights by which they ask a model once.

Redis runs with `noeviction` for the queues' sake, so the level bounds itself: it counts its bytes, and what was not
used for longest gives way. Every step is one script, so that no process sees half of it:

    entry:<digest>   hash      value, kind, parts, tags, bytes, since, ends (ms)
    counts:<hour>    hash      answers by level, kind and task, in an hour since 1970; `counts` has them since ever
    used, ends, hits sorted    digests by last use, by the time they expire at, and by how often they were served
    bytes            number    of all entries
    tagged:<tag>     set       digests with the tag
    stamp:<tag>      string    made new when the tag is invalidated; none: never, or longer ago than any entry is kept
    flight:<name>    string    token of whoever asks the model now; expires when its holder is dead
    listeners        sorted    processes by when they last enlisted; see `grading.cache.news`
    heard:<news>     list      those that have heard the news

The stamps of a key's tags are read before the model is asked, and an answer is stored only while they are the same: an
answer to what was invalidated meanwhile is given to whoever waits for it and kept nowhere.

Redis that is down is a miss, and for a moment is not even asked.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import redis

from grading.cache import counts, scripts
from grading.cache.key import TTL_S, Key

log = logging.getLogger(__name__)
Told = TypeVar("Told")

PREFIX = "pizhu:cache:"
NEWS = PREFIX + "news"
"""The channel on which processes tell each other what is invalid and which flights have landed."""
EVERYTHING = "*"
"""A tag that every entry has."""
PAUSE_S = 1.0
"""How long Redis is not asked again after it failed."""
LARGEST = 256 * 1024
"""Bytes of the longest answer that is kept."""
OVERHEAD = 700
"""Bytes that an entry takes in Redis besides its fields, about."""
STAMP_LIFE_MS = 2 * 1000 * max(TTL_S.values())
"""A stamp outlives every entry that was made before it."""
TRUST_MS = 1_000
"""How long a process that hears nothing serves from its memory; see `grading.cache.news`."""
LEASE_MS = 3_000
"""A flight whose holder has not renewed it for so long has none any more."""


@dataclass(frozen=True)
class Found:
    """An answer, and the seconds that it may be served for yet."""

    value: str
    ttl_s: float


@dataclass(frozen=True)
class Missing:
    """No answer; and the stamps of the key's tags at this moment."""

    stamp: str


@dataclass(frozen=True)
class Waiting:
    """Somebody else is asking the model; unless renewed, their lease ends in so many seconds."""

    lease_s: float


@dataclass(frozen=True)
class Entry:
    """What is known of an answer besides itself: its text is not shown to those who may not read it."""

    digest: str
    hits: int
    kind: str
    parts: dict[str, str]
    tags: list[str]
    bytes: int
    since: datetime


class Shared:
    """One connection pool of this process, with short time-outs."""

    def __init__(self, url: str, capacity: int) -> None:
        """`capacity` is in bytes, as estimated by what is stored."""
        self._capacity = capacity
        self._redis = redis.Redis.from_url(
            url, socket_connect_timeout=0.3, socket_timeout=0.5, health_check_interval=25, decode_responses=True
        )
        # What deletes thousands of entries, or waits for others, takes longer than a look-up may.
        self.patient = redis.Redis.from_url(
            url, socket_connect_timeout=0.5, socket_timeout=5, health_check_interval=25, decode_responses=True
        )
        self._look = self._redis.register_script(scripts.LOOK)
        self._store = self._redis.register_script(scripts.STORE)
        self._invalidate = self.patient.register_script(scripts.INVALIDATE)
        self._board = self._redis.register_script(scripts.BOARD)
        self._enlist = self.patient.register_script(scripts.ENLIST)
        self._land = self._redis.register_script(scripts.LAND)
        self._settle = self.patient.register_script(scripts.SETTLE)
        self._away_until = 0.0

    def look(self, key: Key) -> Found | Missing | None:
        """The answer, or that there is none; None while Redis is down."""
        told = self._ask(lambda: self._look(args=[key.digest, *_tags(key)]))
        return None if told is None else _found(told) or Missing(told[1])

    def store(self, key: Key, value: str, stamp: str) -> bool:
        """Keep the answer unless a tag was invalidated since `stamp` was read; whether it is kept."""
        parts = json.dumps(dict(key.parts))
        size = len(value.encode()) + len(parts) + sum(len(tag) for tag in key.tags) + OVERHEAD
        if size > min(LARGEST, self._capacity):
            return False
        args = (key.digest, stamp, value, key.kind, parts, key.ttl_s * 1000, size, self._capacity)
        return bool(self._ask(lambda: self._store(args=[*args, *_tags(key)])))

    def invalidate(self, tags: Collection[str]) -> tuple[int, str, set[str]]:
        """Forget what has any of the tags, and publish that: how many entries, the name of the news, and the processes
        that may serve from their memory until they have heard it. Raises `redis.RedisError`."""
        name = secrets.token_hex(8)
        removed, listeners = self._invalidate(args=[name, STAMP_LIFE_MS, TRUST_MS, *sorted(tags)])
        return int(removed), name, set(listeners)

    def await_heard(self, name: str, listeners: set[str], seconds: float) -> None:
        """Return once they all have heard that news, or after so many seconds. Raises `redis.RedisError`."""
        until = time.monotonic() + seconds
        while listeners and (left := until - time.monotonic()) > 0:
            told: Any = self.patient.blpop([PREFIX + "heard:" + name], timeout=left)
            if told:
                listeners.discard(told[1])

    def say_heard(self, name: str, listener: str) -> None:
        """Raises `redis.RedisError`."""
        with self.patient.pipeline(transaction=False) as pipe:
            pipe.lpush(PREFIX + "heard:" + name, listener)
            pipe.expire(PREFIX + "heard:" + name, 10)
            pipe.execute()

    def enlist(self, listener: str, flights: Mapping[str, str]) -> None:
        """This process is about to serve from its memory for a time, and keeps these flights, by name the tokens that
        hold them. Raises `redis.RedisError`."""
        self._enlist(args=[listener, LEASE_MS, *(part for flight in flights.items() for part in flight)])

    def board(self, key: Key, stamp: str, token: str) -> Found | Waiting | bool:
        """The answer; or True when whoever has the token is to ask the model; or whom to wait for. False while Redis is
        down: each asks for itself."""
        told = self._ask(lambda: self._board(args=[key.digest, flight_of(key, stamp), token, LEASE_MS, *_tags(key)]))
        if told is None:
            return False
        if found := _found(told):
            return found
        return True if told[1] == "yours" else Waiting(int(told[1]) / 1000)

    def land(self, flight: str, token: str, error: str | None) -> None:
        """The model was asked: whoever waits is told so, and with what error."""
        news = json.dumps({"landed": flight, "error": error})
        self._ask(lambda: self._land(args=[flight, token, news]))

    def settle(self, counted: Mapping[str, int], hits: Mapping[str, int]) -> None:
        """Add to the counts, by `grading.cache.counts.Count.field`, and to the hits of entries, by digest: they were
        just used, at whichever level. Expired entries leave. Raises `redis.RedisError`."""
        args = [part for pairs in (counted, hits) for pair in pairs.items() for part in pair]
        self._settle(args=[counts.HOURS_KEPT * 3600, len(counted), *args])

    def size(self) -> tuple[int, int]:
        """Entries and their bytes. Raises `redis.RedisError`."""
        return int(self.patient.zcard(PREFIX + "used")), int(self.patient.get(PREFIX + "bytes") or 0)

    def top(self, count: int) -> list[Entry]:
        """The entries that are served most often, most first. Raises `redis.RedisError`."""
        hits: Any = self.patient.zrevrange(PREFIX + "hits", 0, count - 1, withscores=True)
        with self.patient.pipeline(transaction=False) as pipe:
            for digest, _ in hits:
                pipe.hmget(PREFIX + "entry:" + digest, "kind", "parts", "tags", "bytes", "since")
            rows = pipe.execute()
        return [
            Entry(
                digest,
                int(number),
                kind,
                json.loads(parts),
                [tag for tag in json.loads(tags) if tag != EVERYTHING],
                int(size),
                datetime.fromtimestamp(int(since) / 1000, UTC),
            )
            for (digest, number), (kind, parts, tags, size, since) in zip(hits, rows, strict=True)
            if kind
        ]

    def _ask(self, ask: Callable[[], Told]) -> Told | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            return ask()
        except redis.RedisError as error:
            self._away_until = time.monotonic() + PAUSE_S
            log.warning("the cache in Redis is away for a moment: %s", error)
            return None

    def close(self) -> None:
        self._redis.close()
        self.patient.close()


def flight_of(key: Key, stamp: str) -> str:
    """Those who ask the same after an invalidation do not wait for who asked before it."""
    return f"{key.digest}:{stamp}"


def _tags(key: Key) -> tuple[str, ...]:
    return (*sorted(key.tags), EVERYTHING)


def _found(told: Any) -> Found | None:
    return Found(told[0], int(told[1]) / 1000) if told[0] is not None else None
