from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from app.embedded.valkey import EmbeddedValkey
from tests.processes import kill


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path)
    yield server
    server.stop()


def test_it_starts_and_stops(valkey: EmbeddedValkey) -> None:
    assert Redis.from_url(valkey.start()).ping()

    valkey.stop()
    assert not valkey.is_running()


def test_starting_what_runs_changes_nothing(valkey: EmbeddedValkey) -> None:
    url, pid = valkey.start(), valkey.pid

    assert valkey.start() == url
    assert valkey.pid == pid


def test_a_queue_outlives_a_kill_and_the_address_stays(valkey: EmbeddedValkey) -> None:
    client = Redis.from_url(valkey.start(), decode_responses=True)
    client.rpush("queue", *range(1000))
    client.execute_command("WAITAOF", 1, 0, 5000)

    kill(valkey.pid)

    assert Redis.from_url(valkey.start()).llen("queue") == 1000
    assert client.lindex("queue", -1) == "999", "whoever knew the address still does"


def test_it_never_evicts(valkey: EmbeddedValkey) -> None:
    client = Redis.from_url(valkey.start(), decode_responses=True)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_two_homes_have_two_servers(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    other = EmbeddedValkey(tmp_path / "other")
    try:
        Redis.from_url(valkey.start()).set("mine", 1)
        assert Redis.from_url(other.start()).get("mine") is None
    finally:
        other.stop()
    assert valkey.is_running()
