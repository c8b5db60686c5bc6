"""How long a student waits for the first words: from `POST /essays` to the first streamed piece of a comment.

    python -m benchmarks.first_token [--probes 12]

Measured at a real SSE client against the whole installation, once when the engine is idle and once while 31 other
essays are in flight (the probe makes 32). Prints one line of JSON; seconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.corpus import english_essays
from tests.stack import Client, Stack, classroom, eventually, running, server_sent_events

IN_FLIGHT = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probes", type=int, default=12, help="essays measured in each state")
    probes = parser.parse_args().probes
    texts = itertools.cycle(english_essays(200))
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), PIZHU_LOCAL_CONCURRENCY=str(IN_FLIGHT)) as stack,
    ):
        _, student, assignment = classroom(stack)
        first_words(student, assignment, next(texts))  # warms the prefix cache and the compiled grammar
        idle = [first_words(student, assignment, next(texts)) for _ in _shown(probes, "idle")]
        with background(stack, assignment, student, texts):
            busy = [first_words(student, assignment, next(texts)) for _ in _shown(probes, "31 others in flight")]
    print(json.dumps({"benchmark": "first_token", "probes": probes, "idle": spread(idle), "busy": spread(busy)}))


def first_words(student: Client, assignment: dict[str, Any], text: str) -> float:
    """Seconds from sending the essay to its first words; the essay is cancelled then."""
    began = time.perf_counter()
    essay = student.post("/essays", {"assignment_id": assignment["id"], "text": text}).json()
    with student.http.get(f"{student.base}/api/v1/essays/{essay['id']}/events", stream=True, timeout=300) as answer:
        took = next(time.perf_counter() - began for _, kind, _ in server_sent_events(answer) if kind == "delta")
    student.post(f"/essays/{essay['id']}/cancel")
    return took


class background:  # noqa: N801 -- used like a function
    """Keeps 31 essays in flight while the block runs."""

    def __init__(self, stack: Stack, assignment: dict[str, Any], student: Client, texts: Iterator[str]) -> None:
        self.stop = threading.Event()
        self.running: set[str] = set()
        self.assignment, self.texts = assignment, texts
        self.client = Client(stack.base, student.email, student.password, student.token)
        self.thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()
        eventually(lambda: len(self._in_flight()) >= IN_FLIGHT - 1, 120, "31 essays in flight")

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        for essay in self._in_flight():
            self.client.http.post(f"{self.client.base}/api/v1/essays/{essay}/cancel", timeout=30)

    def _keep(self) -> None:
        while not self.stop.wait(0.2):
            self.running = (
                self._in_flight() | {e["id"] for e in self._list("queued")} | {e["id"] for e in self._list("submitted")}
            )
            for _ in range(IN_FLIGHT - 1 - len(self.running)):
                self.client.post("/essays", {"assignment_id": self.assignment["id"], "text": next(self.texts)})

    def _in_flight(self) -> set[str]:
        return {essay["id"] for essay in self._list("grading")}

    def _list(self, state: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.client.get("/essays", params={"state": state, "limit": 100}).json()["items"]
        return items


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50": round(statistics.median(ordered), 3), "p95": round(ordered[int(len(ordered) * 0.95)], 3)}


def _shown(count: int, what: str) -> Iterator[int]:
    for i in range(count):
        print(f"\r{what}: {i + 1}/{count}", end="", file=sys.stderr, flush=True)
        yield i
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
