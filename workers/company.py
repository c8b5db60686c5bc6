"""Who may be graded beside whom.

An essay that was in flight whenever a worker died may be what killed it. It is graded with nothing else claimed in the
same process, so that it can take only itself along.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL_INTERVAL = 0.2
"""Seconds in which those who wait notice, at the latest, that the worker stops."""


class Company:
    """A lock that many share or one has alone; whoever wants it alone is not overtaken by those who share.

    Once `stopping()` is true, nobody waits any more and nobody is kept apart.
    """

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
        self._changed = threading.Condition()
        self._sharing = 0
        self._alone = False
        self._want_alone = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Wait until nobody is alone or wants to be; then be there together with others."""
        with self._changed:
            self._wait(lambda: not self._alone and not self._want_alone)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else is there, and let nobody in."""
        with self._changed:
            self._want_alone += 1
            self._wait(lambda: not self._alone and not self._sharing)
            self._want_alone -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    def _wait(self, free: Callable[[], bool]) -> None:
        while not free() and not self._stopping():
            self._changed.wait(POLL_INTERVAL)
