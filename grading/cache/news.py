"""What the processes tell each other of the cache, and how each knows that it has heard everything.

One daemon thread a process listens on a channel of Redis, enlists and then pings on the same connection. Redis answers
in order, so a pong says that everything published before it has been heard. For `TRUST_S` after an answered ping was
sent, the process may serve from its memory; a process that is cut off stops by itself. Whoever invalidates waits until
all who enlisted within that time have said that they heard it, or until it is over: after either, no process
serves what is old.

The same thread renews the flights of this process, which die with it, wakes those who wait for another's, and
counts hits.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from grading.cache.counts import Count
from grading.cache.memory import Memory
from grading.cache.shared import NEWS, TRUST_MS, Shared

log = logging.getLogger(__name__)

TRUST_S = TRUST_MS / 1000
"""How long a process that hears nothing serves from its memory."""
TICK_S = 0.4
"""Between two pings."""
SETTLE_S = 1.0
"""Between two times that hits are counted; a process that is killed takes as much with it."""


class Landing:
    """A flight of another process that is waited for."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self.error: str | None = None

    def announce(self, error: str | None) -> None:
        self.error = error
        self._over.set()

    def wait(self, seconds: float) -> None:
        self._over.wait(seconds)
        self._over.clear()


class News:
    """What this process hears and tells. Nothing is heard before `start`."""

    def __init__(self, url: str, shared: Shared) -> None:
        self.memory = Memory(self.is_fresh)
        self._shared = shared
        self._name = secrets.token_hex(6)
        # Bytes, for with `decode_responses` the client takes the text of a pong apart.
        self._listening = redis.Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=5)
        self._fresh_until = 0.0
        self._deaf = False
        self._lock = threading.Lock()
        self._landings: dict[str, list[Landing]] = {}
        self._flights: dict[str, str] = {}
        self._undone: set[str] = set()
        self._hits: Counter[str] = Counter()
        self._counts: Counter[Count] = Counter()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="cache-news", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(2)
        self._listening.close()

    def is_fresh(self) -> bool:
        """Whether everything that was published up to `TRUST_S` ago has been heard."""
        return time.monotonic() < self._fresh_until

    def invalidate(self, tags: Collection[str]) -> int:
        """Forget what has any of the tags, in every process: when this returns, none serves it. How many entries.

        Raises `redis.RedisError` when Redis is down. Then nobody serves what it holds, and this process
        invalidates the tags as soon as it is back.
        """
        self.memory.drop(tags)
        try:
            removed, name, listeners = self._shared.invalidate(tags)
            self._shared.await_heard(name, listeners, TRUST_S)
        except redis.RedisError:
            with self._lock:
                self._undone.update(tags)
            raise
        return removed

    def count(self, count: Count, digest: str | None = None) -> None:
        """Count an answer, and the use of the entry it came from."""
        with self._lock:
            self._counts[count] += 1
            if digest:
                self._hits[digest] += 1

    @contextmanager
    def holding(self, flight: str, token: str) -> Iterator[None]:
        """Renew the flight while the block runs."""
        with self._lock:
            self._flights[flight] = token
        try:
            yield
        finally:
            with self._lock:
                self._flights.pop(flight, None)

    @contextmanager
    def awaiting(self, flight: str) -> Iterator[Landing]:
        """Hear of the flight's end while the block runs."""
        landing = Landing()
        with self._lock:
            self._landings.setdefault(flight, []).append(landing)
        try:
            yield landing
        finally:
            with self._lock:
                self._landings[flight].remove(landing)
                if not self._landings[flight]:
                    del self._landings[flight]

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                with self._listening.pubsub() as channel:
                    channel.subscribe(NEWS)
                    self._follow(channel)
            except Exception as error:  # whatever it is, a process that listens no more would serve nothing from memory
                if not self._deaf:
                    log.warning("the cache hears no news, and so serves nothing from memory: %s", error)
                self._deaf = True
                self._closed.wait(TRUST_S)

    def _follow(self, channel: Any) -> None:
        tick = settle = 0.0
        while not self._closed.is_set():
            now = time.monotonic()
            if now >= tick:
                tick = now + TICK_S
                self._tick(channel)
            if now >= settle:
                settle = now + SETTLE_S
                self.settle()
            self._hear(channel.get_message(timeout=TICK_S))

    def _tick(self, channel: Any) -> None:
        with self._lock:
            flights = dict(self._flights)
        now = time.monotonic()
        self._shared.enlist(self._name, flights)
        channel.ping(str(now))

    def _hear(self, message: Any) -> None:
        if message is None:
            return
        if message["type"] == "subscribe":
            if self._deaf:
                log.info("the cache hears news again")
                self._deaf = False
            self.memory.clear()  # what was published before was missed
            self._make_up()
        elif message["type"] == "pong":
            self._fresh_until = float(message["data"]) + TRUST_S
        elif message["type"] == "message":
            self._take(json.loads(message["data"]))

    def _take(self, news: dict[str, Any]) -> None:
        if "landed" in news:
            with self._lock:
                landings = list(self._landings.get(news["landed"], ()))
            for landing in landings:
                landing.announce(news["error"])
        else:
            self.memory.drop(news["tags"])
            self._shared.say_heard(news["name"], self._name)

    def _make_up(self) -> None:
        with self._lock:
            undone, self._undone = self._undone, set()
        if undone:
            try:
                self._shared.invalidate(undone)
            except redis.RedisError:
                with self._lock:
                    self._undone |= undone
                raise

    def settle(self) -> None:
        """Tell Redis what was counted since the last time. Raises `redis.RedisError`."""
        with self._lock:
            hits, self._hits = self._hits, Counter()
            counted, self._counts = self._counts, Counter()
        if hits or counted:
            self._shared.settle({count.field: number for count, number in counted.items()}, hits)
