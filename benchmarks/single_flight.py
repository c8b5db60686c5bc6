"""200 identical misses at once, over four processes, one of which is killed while it asks the model.

    python -m benchmarks.single_flight [--seconds 2]

Fifty threads in each process ask the same. The first process alone is let in, holds the flight, and is killed with -9
when all others wait. Prints one line of JSON: calls made, the killed one's apart, and how long the others waited.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from pathlib import Path

from app.embedded.valkey import EmbeddedValkey
from grading.cache.key import Key
from tests.grading.cache.other import Other
from tests.processes import kill
from tests.stack import eventually

PROCESSES = 4
THREADS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="that a call takes")
    seconds = parser.parse_args().seconds
    folder = Path(tempfile.mkdtemp())
    valkey = EmbeddedValkey(folder)
    url = valkey.start()
    log = folder / "calls"
    others = [Other(url, 1024 * 1024) for _ in range(PROCESSES)]
    try:
        key = Key("ask", "class:1", {"task": "ask"}, uuid.uuid4().hex, frozenset({"assignment:1"}))
        first, *rest = others
        first.ask(key, log, 60, threads=THREADS)
        eventually(log.exists, 30, "the model is asked", every=0.01)
        for one in rest:
            one.ask(key, log, seconds, threads=THREADS)
        time.sleep(1.0)  # they all wait by now
        killed = time.perf_counter()
        kill(first.process.pid)
        answers = [one.answer() for one in rest for _ in range(THREADS)]
        waited = time.perf_counter() - killed
    finally:
        for one in others:
            one.close()
        valkey.stop()
    print(
        json.dumps(
            {
                "asked": PROCESSES * THREADS,
                "processes": PROCESSES,
                "calls_besides_the_killed": log.read_text().count("call") - 1,
                "answered": sum(value == "answer" for value, _level in answers),
                "call_s": seconds,
                "waited_after_kill_s": round(waited, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
