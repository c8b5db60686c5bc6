"""How long a hit of the first two levels takes, with embedded Valkey on this machine.

    python -m benchmarks.cache_latency [--looks 20000]

Whole look-ups by the chain, the key's hash included, of answers of 800 characters. Prints one line of JSON:
microseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.embedded.valkey import EmbeddedValkey
from grading.cache.chain import Answer, Chain
from grading.cache.key import Key

ENTRIES = 1_000
MIB = 1024 * 1024


def key_of(number: int) -> Key:
    parts = {"task": "ask", "prompt": "3f" * 32, "assignment": "a0" * 32}
    tags = frozenset({"assignment:1", "rubric:1", "prompt:1", f"answer:{number}"})
    return Key("ask", "class:1", parts, f"第{number}个问题：作文要写多少字？", tags)


def figures(level: str, looks: int, look: Callable[[Key], Answer | None]) -> dict[str, float]:
    times = []
    for number in range(looks):
        key = key_of(number % ENTRIES)
        began = time.perf_counter()
        found = look(key)
        took = time.perf_counter() - began
        if found is not None and found.level == level:
            times.append(took * 1e6)
    times.sort()
    return {
        "p50_us": round(statistics.median(times), 1),
        "p95_us": round(times[int(len(times) * 0.95)], 1),
        "p99_us": round(times[int(len(times) * 0.99)], 1),
        "hits": len(times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=20_000)
    looks = parser.parse_args().looks
    valkey = EmbeddedValkey(Path(tempfile.mkdtemp()))
    chain = Chain(valkey.start(), 64 * MIB)
    try:
        while not chain.is_fresh():
            time.sleep(0.01)
        for number in range(ENTRIES):
            chain.get_or_call(key_of(number), lambda: "字" * 800)
        memory = figures("memory", looks, chain.look_up)

        def from_redis(key: Key) -> Answer | None:
            chain._memory.clear()
            return chain.look_up(key)

        shared = figures("shared", looks // 4, from_redis)
    finally:
        chain.close()
        valkey.stop()
    print(json.dumps({"entries": ENTRIES, "memory": memory, "shared": shared}))


if __name__ == "__main__":
    main()
