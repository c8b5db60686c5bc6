"""What a month of questions about assignments costs, and how many of them the cache answers.

The cache is the real one's first level (`grading.cache.memory`) with its keys, times to live and bounds, on the clock
of the month; who asks while the same is being answered waits for that answer, as there. Other words for the same
question are other questions here: what the semantic level adds is measured elsewhere. How many questions are asked, and
how often the same, has no source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from grading.ask.answer import MAX_TOKENS
from grading.cache.key import Key
from grading.cache.memory import CAPACITY, Memory
from grading.costs.prices import price_of
from grading.engines.engine import Usage
from grading.prompts.defaults import default
from grading.simulation import calls
from grading.simulation.queueing import DAY
from grading.simulation.traffic import Array

QUESTION_TOKENS = 20
CHARACTERS_A_TOKEN = 4.5
"""Of an answer in English."""


@dataclass(frozen=True)
class Questions:
    """Suppositions: so many `a_day`, asked when essays are handed in; `different` ones for each assignment, of which
    the k-th is asked 1/k as often as the first (Zipf's law). `capacity` is that of the cache in one process, bytes."""

    a_day: int = 1500
    different: int = 200
    capacity: int = CAPACITY


@dataclass(frozen=True)
class Answered:
    """`cost` with the cache, `uncached` without, in US dollars; `evicted` were asked again for want of room."""

    asked: int
    hits: int
    evicted: int
    cost: Decimal
    uncached: Decimal


def answered(given: Questions, days: Sequence[Array], assignments: int, model: str, seed: int) -> Answered:
    """Of a month whose essays come at these times, in seconds of each day."""
    random = np.random.default_rng([seed, 1])
    shares = 1 / np.arange(1, given.different + 1)
    clock = [0.0]
    memory = Memory(lambda: True, given.capacity, lambda: clock[0])
    answer = "x" * round(MAX_TOKENS * CHARACTERS_A_TOKEN)
    asked = hits = evicted = 0
    kept_until: dict[str, float] = {}
    for day, essays in enumerate(days):
        if not len(essays):
            continue
        times = np.sort(random.choice(essays, given.a_day)) + day * DAY
        classes = random.integers(assignments, size=given.a_day).tolist()
        which = random.choice(given.different, given.a_day, p=shares / shares.sum()).tolist()
        for at, of, number in zip(times.tolist(), classes, which, strict=True):
            clock[0] = at
            key = Key("ask", f"class:{of}", {"task": "ask", "model": model}, str(number))
            asked += 1
            if memory.get(key.digest) is not None:
                hits += 1
                continue
            evicted += kept_until.get(key.digest, 0.0) > at
            kept_until[key.digest] = at + key.ttl_s
            memory.put(key.digest, answer, key.tags, key.ttl_s, memory.ticket())
    one = price_of(model).cost(Usage(_prompt_tokens(), 0, MAX_TOKENS))
    return Answered(asked, hits, evicted, (asked - hits) * one, asked * one)


def _prompt_tokens() -> int:
    """Of a question about an assignment in English."""
    return default("ask", "en").tokens + calls.TASK["en"] + QUESTION_TOKENS
