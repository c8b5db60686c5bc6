"""How a call to a model is paid for: by the token to a provider, or by the second of our own machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, Self

from grading.costs.prices import Price, machine_cost
from grading.engines.engine import Request, Usage

BYTES_PER_TOKEN = 3
"""A Chinese character is three bytes and about a token; English has four or five, so that its estimate is high."""


@dataclass(frozen=True)
class Bill:
    """What a call cost. None: nobody can say, since it was broken off; its estimate counts."""

    cost: Decimal | None
    machine_s: float | None = None


Ended = Callable[[Usage | None], Bill]
"""Is told of a call's end, with its usage if that is known, and says what it cost."""


class Tariff(Protocol):
    def estimate(self, request: Request) -> Decimal:
        """What the call will cost at most, nearly: budgets reserve it, and a lost call counts so much."""
        ...

    def begin(self) -> Ended:
        """The call begins now."""
        ...

    def to_json(self) -> dict[str, str]:
        """The price, as the ledger keeps it."""
        ...


def estimated_usage(request: Request) -> Usage:
    """Tokens that a request will take if its reply is as long as it may be; no tokenizer is asked."""
    texts = [message["content"] for message in request.messages]
    if request.schema is not None:
        texts.append(json.dumps(request.schema, ensure_ascii=False))
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return Usage(prompt=-(-size // BYTES_PER_TOKEN), completion=request.max_tokens)


@dataclass(frozen=True)
class Hosted:
    """Paid by the token; a batch that may take a day at half the price."""

    price: Price
    batch: bool = False

    def estimate(self, request: Request) -> Decimal:
        return self.price.cost(estimated_usage(request), batch=self.batch)

    def begin(self) -> Ended:
        return lambda usage: Bill(None if usage is None else self.price.cost(usage, batch=self.batch))

    def to_json(self) -> dict[str, str]:
        return self.price.to_json() | ({"batch": "true"} if self.batch else {})

    @classmethod
    def from_json(cls, kept: Mapping[str, str]) -> Self:
        """As it stands in the ledger: a call that ends a day later costs what it was made at."""
        amounts = {name: Decimal(kept[name]) for name in ("input_mtok", "cached_mtok", "output_mtok")}
        return cls(Price(**amounts, source=kept["source"], dated=kept.get("dated")), batch="batch" in kept)


class OwnMachine:
    """Paid by the second of a machine that works on many calls at once.

    In each second that the machine is busy, the calls in flight share its price equally. So the shares of all calls add
    up to the time that the machine was busy, and an idle one costs no call anything. `clock` counts seconds.
    """

    def __init__(self, hour_usd: Decimal, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._hour_usd = hour_usd
        self._at_once = at_once
        self._clock = clock
        self._lock = threading.Lock()
        self._in_flight = 0
        self._share = 0.0  # seconds that a call would have been charged which was in flight from the beginning on
        self._seen = clock()

    def estimate(self, request: Request) -> Decimal:
        """All the time it may take, beside as many others as there may be."""
        return machine_cost(request.deadline / self._at_once, self._hour_usd)

    def begin(self) -> Ended:
        before = self._count(+1)

        def ended(usage: Usage | None) -> Bill:
            seconds = self._count(-1) - before
            return Bill(machine_cost(seconds, self._hour_usd), seconds)

        return ended

    def to_json(self) -> dict[str, str]:
        return {"hour_usd": str(self._hour_usd), "source": "the setting PIZHU_LOCAL_HOUR_USD"}

    def _count(self, change: int) -> float:
        with self._lock:
            at = self._clock()
            if self._in_flight:
                self._share += (at - self._seen) / self._in_flight
            self._seen = at
            self._in_flight += change
            return self._share
