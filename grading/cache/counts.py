"""How often which level answered, over all processes: kept in Redis by hour and since ever, added to each second."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import redis

HOURS_KEPT = 8 * 24
HITS = ("memory", "shared", "semantic", "flight")
REFUSED = "refused:"
"""Before the reason for which the second check refused what lay close."""


@dataclass(frozen=True)
class Count:
    """What is counted: answers by one level to one kind of key of one task.

    `level` is one of `HITS`, of which "flight" is where another asked the same at that moment and one call answered
    both; or "model", where a call was made, whatever came of it. `REFUSED` with a reason is no answer: the semantic
    level had some that lay close, and refused them. `task` is the ledger's feature.
    """

    level: str
    kind: str
    task: str

    @property
    def is_answer(self) -> bool:
        return not self.level.startswith(REFUSED)

    @property
    def field(self) -> str:
        return f"{self.level}|{self.kind}|{self.task}"

    @classmethod
    def of_field(cls, field: str) -> Count:
        return cls(*field.split("|", 2))


def since_ever(connection: redis.Redis) -> dict[Count, int]:
    """All counts, which only grow. Raises `redis.RedisError`."""
    counted: Any = connection.hgetall("pizhu:cache:counts")
    return {Count.of_field(field): int(number) for field, number in counted.items()}


def of_last(connection: redis.Redis, hours: int) -> dict[Count, int]:
    """Counts of this hour and those before it, `hours` in all. Raises `redis.RedisError`."""
    this = int(time.time()) // 3600
    with connection.pipeline(transaction=False) as pipe:
        for hour in range(this - hours + 1, this + 1):
            pipe.hgetall(f"pizhu:cache:counts:{hour}")
        by_hour = pipe.execute()
    total: Counter[str] = Counter()
    for counted in by_hour:
        total.update({field: int(number) for field, number in counted.items()})
    return {Count.of_field(field): number for field, number in total.items()}
