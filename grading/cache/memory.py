"""The first level: answers in this process, found in microseconds.

What another process invalidates must not be served here either, and asking Redis at each look-up would cost more than
the look-up saves. So the level is served from only while `trusted` says that no news can have been missed; see
`grading.cache.news`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from cachetools import TLRUCache

CAPACITY = 16 * 1024 * 1024
"""Bytes of answers in one process."""
OVERHEAD = 1024
"""Bytes that an entry takes besides its value, about."""


@dataclass(frozen=True)
class _Entry:
    value: str
    tags: frozenset[str]
    expires: float

    @property
    def size(self) -> int:
        return sys.getsizeof(self.value) + OVERHEAD


class Memory:
    """A cache bounded in bytes, of which the least recently used gives way; each entry has its own time to live."""

    def __init__(
        self, trusted: Callable[[], bool], capacity: int = CAPACITY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._trusted = trusted
        self._clock = clock
        self._lock = threading.Lock()
        self._version = 0
        self._entries: TLRUCache[str, _Entry] = TLRUCache(
            capacity, ttu=lambda _digest, entry, _now: entry.expires, timer=clock, getsizeof=lambda it: it.size
        )

    def get(self, digest: str) -> str | None:
        if not self._trusted():
            return None
        with self._lock:
            entry = self._entries.get(digest)
        return entry.value if entry else None

    def ticket(self) -> int:
        """To be taken before what `put` is given was looked up or asked for."""
        return self._version

    def put(self, digest: str, value: str, tags: frozenset[str], ttl_s: float, ticket: int) -> None:
        """Keep it for so many seconds, unless anything was invalidated since the ticket was taken: it may have been
        this."""
        entry = _Entry(value, tags, self._clock() + ttl_s)
        with self._lock:
            if ticket == self._version and entry.size <= self._entries.maxsize:
                self._entries[digest] = entry

    def drop(self, tags: Collection[str]) -> None:
        """Forget what has any of the tags."""
        with self._lock:
            self._version += 1
            for digest in [digest for digest, entry in self._entries.items() if not entry.tags.isdisjoint(tags)]:
                del self._entries[digest]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._version += 1
            self._entries.clear()
