"""The circuit breaker of a provider: who fails is left alone for a while, by all workers at once.

It opens after some failures in a row, and at once when the account is refused, which no waiting mends soon. When the
pause is over, one request goes ahead as a probe, and what becomes of it closes the circuit or opens it again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast

from grading.engines import shared
from grading.engines.engine import (
    AccountRefused,
    AskAgain,
    DeadlineExceeded,
    GivenUp,
    RateLimited,
    RequestRefused,
    Unavailable,
)

THRESHOLD = 5
"""Failures in a row that open a circuit."""
PAUSE = 30.0
ACCOUNT_PAUSE = 600.0
"""Seconds that it is then open: money or a key take a person some time."""
PROBE = 120.0
"""Seconds after which a probe that nobody has heard of again is taken to be lost."""
_LIFE = 24 * 3600


@dataclass(frozen=True)
class State:
    """Failures in a row, and what follows from them; times are Unix times, 0 for none.

    `until` is the end of the pause; `probe` the time until which a probe is waited for; `account` says that it was
    the account that was refused.
    """

    failures: int = 0
    until: float = 0.0
    reason: str = ""
    probe: float = 0.0
    account: bool = False

    def phase(self, now: float) -> Literal["closed", "open", "half-open"]:
        if not self.until:
            return "closed"
        return "open" if now < max(self.until, self.probe) else "half-open"

    def is_resting(self, now: float) -> bool:
        """Whether it is open for a moment only, because the provider failed; an account mends less soon."""
        return self.phase(now) == "open" and not self.account

    def entered(self, now: float) -> State:
        """After a request was let through."""
        return replace(self, probe=now + PROBE) if self.phase(now) == "half-open" else self

    def left(self, error: BaseException | None, now: float, *, probing: bool) -> State:
        """After a request came back, with an error or without."""
        if isinstance(error, AccountRefused):
            return State(self.failures + 1, now + ACCOUNT_PAUSE, str(error), account=True)
        if error is None or isinstance(error, RateLimited | AskAgain | RequestRefused | GivenUp):
            # It answers. What was sent before the circuit opened is no news, though.
            return State() if probing or not self.until else self
        if not isinstance(error, Unavailable | DeadlineExceeded):
            return replace(self, probe=0.0) if probing else self
        failures = self.failures + 1
        if failures < THRESHOLD and not probing:
            return replace(self, failures=failures)
        return State(failures, max(self.until, now + PAUSE), str(error))


class Circuit:
    """The breaker of one provider, for example `api.openai.com`. `clock` gives Unix time."""

    def __init__(self, provider: str, *, clock: Callable[[], float] = time.time) -> None:
        self.provider, self._clock = provider, clock
        self._key = f"pizhu:circuit:{provider}"

    def state(self) -> State:
        """As all workers see it; without Redis it is closed."""
        return shared.advice(lambda: _read(shared.connection().get(self._key)), State())

    def phase(self) -> Literal["closed", "open", "half-open"]:
        """`open`: send nothing there. `half-open`: the next request is a probe."""
        return self.state().phase(self._clock())

    def check(self) -> State:
        """Its state; raises `Unavailable` while it is open."""
        state = self.state()
        self._check(state, self._clock())
        return state

    @contextmanager
    def passing(self, seen: State | None = None) -> Iterator[None]:
        """Let a request through, and learn from how it ends; raises `Unavailable` while the circuit is open.

        `seen` is the state where it has just been looked at.
        """
        before = seen or self.state()
        probing = before.phase(self._clock()) == "half-open"
        if probing:
            before = self._change(self._enter)
        else:
            self._check(before, self._clock())
        try:
            yield
        except BaseException as error:
            ended: BaseException = error
            self._change(lambda state, now: state.left(ended, now, probing=probing))
            raise
        if before != State():
            self._change(lambda state, now: state.left(None, now, probing=probing))

    def _enter(self, state: State, now: float) -> State:
        self._check(state, now)  # somebody else may have been quicker
        return state.entered(now)

    def _check(self, state: State, now: float) -> None:
        if state.phase(now) == "open":
            wait = max(state.until, state.probe) - now
            raise Unavailable(f"{self.provider} is left alone for {wait:.0f} seconds: {state.reason}", wait)

    def _change(self, change: Callable[[State, float], State]) -> State:
        """Replace the state that all workers see by another that follows from it."""

        def transaction(pipe: Any) -> Any:
            state = _read(pipe.get(self._key))
            changed = change(state, self._clock())
            pipe.multi()
            if changed == State():
                pipe.delete(self._key)
            else:
                pipe.set(self._key, json.dumps(asdict(changed)), ex=_LIFE)
            return changed

        def changed() -> State:
            state: Any = shared.connection().transaction(transaction, self._key, value_from_callable=True)
            return cast(State, state)

        return shared.advice(changed, State())


def _read(kept: Any) -> State:
    return State(**json.loads(kept)) if kept else State()
