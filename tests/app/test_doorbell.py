"""app/doorbell.py: triage is told beside the requests."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence

import pytest

from app import doorbell
from tests.stack import eventually


def test_who_rings_does_not_wait_for_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, told = threading.Event(), []

    def enqueue(queue: str, essays: Sequence[uuid.UUID]) -> None:
        broker.wait(30)
        told.extend((queue, essay) for essay in essays)

    monkeypatch.setattr(doorbell, "enqueue", enqueue)
    essays = [uuid.uuid4() for _ in range(3)]
    for essay in essays:
        doorbell.ring(essay)
    assert not told
    broker.set()
    eventually(lambda: told == [("triage", essay) for essay in essays], 10, "all are told of, in their order")


def test_a_ring_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def enqueue(_queue: str, essays: Sequence[uuid.UUID]) -> None:
        if not told:
            told.append("failed")
            raise RuntimeError("a new kind of failure")
        told.extend(essays)

    monkeypatch.setattr(doorbell, "enqueue", enqueue)
    doorbell.ring(uuid.uuid4())
    eventually(lambda: told, 10, "the first has failed")
    second = uuid.uuid4()
    doorbell.ring(second)
    eventually(lambda: told == ["failed", second], 10, "the second is told of")
