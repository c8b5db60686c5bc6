"""How long essays wait for an engine that works on many at once.

A queue of c slots, first come first served, each of which holds an essay for the same time: a worker whose rolling
batch of n essays finishes r essays a second holds each for n / r seconds (Little's law). The k-th essay then begins
when it comes or when the one c before it ends, whichever is later. A half-empty batch is in truth faster, so that waits
are rather too long than too short.
"""

from __future__ import annotations

import numpy as np

DAY = 86_400.0
"""Seconds."""


class Queue:
    """`slots` essays at once, `seconds` each, and only between the hours `opens` and `closes` of each day; what has
    begun when it closes goes on when it opens again."""

    def __init__(self, slots: int, seconds: float, opens: float = 0.0, closes: float = 24.0) -> None:
        self.slots, self.seconds = slots, seconds
        self.open_s = (closes - opens) * 3600
        """Seconds of a day."""
        self.came: list[float] = []
        self.began: list[float] = []
        """Moments, in seconds, of each essay in its order."""
        self._opens = opens * 3600
        self._closes_never = self.open_s == DAY
        self._began_open = self.began if self._closes_never else []
        self._next = 0

    def join(self, at: float) -> tuple[float, float]:
        """An essay comes, not before the one that came last; returns when it begins and when its grade is there."""
        begins = at if self._closes_never else self._open(at)
        if len(self.came) >= self.slots:
            free = self._began_open[-self.slots] + self.seconds
            if free > begins:
                begins = free
        self.came.append(at)
        self._began_open.append(begins)
        if self._closes_never:
            return begins, begins + self.seconds
        self.began.append(self._real(begins))
        return self.began[-1], self._real(begins + self.seconds)

    def wait(self, at: float) -> float:
        """For how long the essay that is next has waited, in seconds; moments are asked about in their order."""
        while self._next < len(self.came) and self.began[self._next] <= at:
            self._next += 1
        return at - self.came[self._next] if self._next < len(self.came) else 0.0

    def backlog(self) -> int:
        """Most essays that ever waited at once."""
        if not self.came:
            return 0
        came, began = np.array(self.came), np.array(self.began)
        begun = np.searchsorted(began, came, side="right")
        return int(max(0, (np.arange(1, len(came) + 1) - begun).max()))

    def utilisation(self, days: int) -> float:
        """Share of the slots' open time in which they held an essay."""
        return len(self.came) * self.seconds / (self.slots * self.open_s * days)

    def _open(self, at: float) -> float:
        """Open seconds up to that moment."""
        day, into = divmod(at, DAY)
        return day * self.open_s + min(max(into - self._opens, 0.0), self.open_s)

    def _real(self, open_s: float) -> float:
        """The moment at which so many open seconds have passed and it is open."""
        day, into = divmod(open_s, self.open_s)
        return day * DAY + self._opens + into
