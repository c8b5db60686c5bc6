from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg2
import pytest
from redis import Redis

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.servers import EmbeddedServers
from app.embedded.valkey import EmbeddedValkey
from tests.processes import kill

pytestmark = pytest.mark.slow


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[EmbeddedServers]:
    embedded = EmbeddedServers(tmp_path, {})
    yield embedded
    embedded.stop()


def announced(home: Path) -> Mapping[str, str]:
    lines = (home / "servers.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def answers(addresses: Mapping[str, str]) -> bool:
    psycopg2.connect(addresses["PIZHU_DATABASE_URL"].replace("+psycopg2", "")).close()
    return bool(Redis.from_url(addresses["PIZHU_REDIS_URL"]).ping())


def test_both_are_started_and_announced_to_their_owner_only(servers: EmbeddedServers, tmp_path: Path) -> None:
    servers.start(secret_key="")

    assert servers.names == ["Postgres", "Valkey"]
    assert answers(announced(tmp_path))
    assert (tmp_path / "servers.env").stat().st_mode & 0o777 == 0o600


def test_a_secret_key_is_made_once(servers: EmbeddedServers, tmp_path: Path) -> None:
    servers.start(secret_key="")
    key = announced(tmp_path)["PIZHU_SECRET_KEY"]
    assert len(key) >= 32

    servers.start(secret_key=key)

    assert announced(tmp_path)["PIZHU_SECRET_KEY"] == key


def test_what_the_environment_names_is_neither_started_nor_written_down(tmp_path: Path) -> None:
    given = {"PIZHU_DATABASE_URL": "postgresql://db", "PIZHU_REDIS_URL": "redis://r", "PIZHU_SECRET_KEY": "s"}
    servers = EmbeddedServers(tmp_path, given)

    servers.start(secret_key="s")

    assert servers.names == []
    assert announced(tmp_path) == {}


def test_what_was_killed_comes_back_where_it_was(servers: EmbeddedServers, tmp_path: Path) -> None:
    servers.start(secret_key="")
    said: list[str] = []
    servers.restart_dead(said.append)
    assert said == []

    kill(EmbeddedPostgres(tmp_path).pid)
    kill(EmbeddedValkey(tmp_path).pid)
    servers.restart_dead(said.append)

    assert said == ["Postgres had died and is back", "Valkey had died and is back"]
    assert answers(announced(tmp_path))


def test_what_does_not_come_back_is_told_and_tried_again(
    servers: EmbeddedServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.start(secret_key="")
    said: list[str] = []
    configuration = tmp_path / "postgres" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "no_such_setting = 1\n")
    kill(EmbeddedPostgres(tmp_path).pid)

    servers.restart_dead(said.append)
    configuration.write_text(good)
    servers.restart_dead(said.append)

    assert "does not come back yet" in said[0]
    assert said[1] == "Postgres had died and is back"
