"""What goes wrong: scripted request by request, or drawn from a seeded mixture."""

from __future__ import annotations

import random
import threading
from collections import deque
from dataclasses import dataclass

KNOWN = {
    "ok": "nothing goes wrong",
    "rate_limited": "429 with Retry-After; the argument is its seconds (1), `date` for a date, `ms` for retry-after-ms",
    "rate_limited_bare": "429 that does not say how long",
    "quota": "429 insufficient_quota",
    "error_500": "500",
    "error_503": "503; the argument is the Retry-After in seconds (none)",
    "slow": "the first byte comes late; the argument is the seconds (1)",
    "trickle": "each token takes its time; the argument is the seconds (0.05)",
    "cut": "the connection is lost in the stream; the argument is the tokens sent before (10)",
    "stream_error": "an error is reported in the middle of the stream; the argument is its code (server_error)",
    "invalid_json": "what comes is no JSON",
    "wrong_schema": "the reply is JSON, but not what was asked for",
    "refusal": "the model declines",
    "content_filter": "the provider's filter stops the reply",
    "no_choices": "an answer without any choice",
    "no_finish": "the stream ends properly, but the reply was not finished",
    "length": "the reply is stopped for its length in the middle",
    "no_usage": "the provider does not say what it used",
}


@dataclass(frozen=True)
class Fault:
    """One of `KNOWN`, with its argument."""

    name: str
    argument: str = ""

    @classmethod
    def parse(cls, text: str) -> Fault:
        name, _, argument = text.partition(":")
        if name not in KNOWN:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(KNOWN)}")
        return cls(name, argument)

    def seconds(self, default: float) -> float:
        return float(self.argument or default)


class Faults:
    """Gives each request its fault: the script's next, then one of the mixture."""

    def __init__(self, mixture: str = "", seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._script: deque[Fault] = deque()
        self.mix(mixture, seed)

    def script(self, *faults: str) -> None:
        """The next requests go wrong like this, in the order in which they come."""
        parsed = [Fault.parse(fault) for fault in faults]
        with self._lock:
            self._script.extend(parsed)

    def mix(self, mixture: str, seed: int = 0) -> None:
        """From now on, such shares of all requests go wrong: `rate_limited:2=0.1,cut=0.05`."""
        parts = [part.rpartition("=") for part in mixture.split(",") if part]
        chosen = [(Fault.parse(name), float(share)) for name, _, share in parts]
        if sum(share for _, share in chosen) > 1:
            raise ValueError("the shares of all faults add up to more than one")
        with self._lock:
            self._random, self._mixture = random.Random(seed), chosen  # noqa: S311

    def next(self) -> Fault:
        with self._lock:
            if self._script:
                return self._script.popleft()
            at = self._random.random()
            for fault, share in self._mixture:
                if at < share:
                    return fault
                at -= share
            return Fault("ok")
