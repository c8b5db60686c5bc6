"""An engine at a provider: kept within its limits, behind its circuit breaker, and asked again when that may help.

Put around any engine, also one that writes each call into a ledger: every attempt is one call of that engine.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace

from grading.engines.circuit import Circuit, State
from grading.engines.engine import (
    POLL_INTERVAL,
    AskAgain,
    Cancelled,
    Completion,
    Engine,
    Flag,
    RateLimited,
    Request,
    Unavailable,
)
from grading.engines.limits import Limits, estimated_tokens

log = logging.getLogger(__name__)

ATTEMPTS = 4
"""Tries of one request, when the provider fails."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


class HostedEngine:
    """An `Engine` as well. Its deadline is that of all attempts and of the waiting between them.

    What is left when nothing helps comes out as the engine raised it: `Unavailable`, `RateLimited`, `QuotaExceeded` or
    `AccountRefused`. While the circuit is open that is `Unavailable`, at once, so that another engine can be asked.
    `clock`, `sleep` and `chance` are there for tests.
    """

    def __init__(
        self,
        engine: Engine,
        circuit: Circuit,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.model, self.version = engine.model, engine.version
        self.circuit = circuit
        self._engine, self._limits = engine, limits
        self._clock, self._sleep, self._chance = clock, sleep, chance

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        """See `Engine.grade`."""
        due = self._clock() + request.deadline
        failures = 0
        while True:
            seen = self._admit(request, due, cancelled)
            begun = _Begun(on_delta)
            try:
                with self.circuit.passing(seen):
                    return self._engine.grade(replace(request, deadline=due - self._clock()), begun, cancelled)
            except AskAgain:
                pause = 0.0
            except Unavailable as error:
                failures += 1
                pause = self._pause_after(error, failures)
                hopeless = self.circuit.phase() == "open" or self._clock() + pause >= due
                if hopeless or failures == ATTEMPTS:
                    raise
                log.warning("%s Trying again in %.1f s.", error, pause)
            self._wait(pause, cancelled)
            if begun.any:
                on_delta("")

    def close(self) -> None:
        self._engine.close()

    def _admit(self, request: Request, due: float, cancelled: Flag) -> State:
        """Wait for room within the limits; the circuit's state then. Raises `RateLimited` when none is in time."""
        while True:
            seen = self.circuit.check()
            wait = self._limits.reserve(estimated_tokens(request))
            if not wait:
                return seen
            if self._clock() + wait >= due:
                raise RateLimited(f"{self.circuit.provider} has no room for the request in time.", wait)
            self._wait(wait, cancelled)

    def _pause_after(self, error: Unavailable, failures: int) -> float:
        if isinstance(error, RateLimited) and error.retry_after:
            self._limits.hold(error.retry_after)
        return pause(error.retry_after, failures, self._chance())

    def _wait(self, seconds: float, cancelled: Flag) -> None:
        until = self._clock() + seconds
        while True:
            if cancelled.is_set():
                raise Cancelled("The request was given up.")
            left = until - self._clock()
            if left <= 0:
                return
            self._sleep(min(POLL_INTERVAL, left))


class _Begun:
    """Hands the pieces of a reply on, and knows whether there were any."""

    def __init__(self, on_delta: Callable[[str], None]) -> None:
        self._on_delta, self.any = on_delta, False

    def __call__(self, delta: str) -> None:
        self.any = True
        self._on_delta(delta)


def pause(retry_after: float | None, failures: int, chance: float) -> float:
    """Seconds to wait after so many failures: never less than the provider asks for, doubling when it says nothing.

    `chance`, from 0 to 1, spreads those who failed together.
    """
    if retry_after is not None:
        return retry_after + chance * min(FIRST_PAUSE, retry_after / 2)
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (failures - 1)) * (0.5 + chance / 2)
