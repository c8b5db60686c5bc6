from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest

from app.embedded.postgres import EmbeddedPostgres, PostgresError
from tests.processes import kill

pytestmark = pytest.mark.slow


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path)
    yield server
    server.stop()


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_it_starts_with_pgvector_in_its_database_and_stops(postgres: EmbeddedPostgres) -> None:
    url = postgres.start()

    assert query(url, "SELECT '[1,2]'::vector <-> '[1,4]'::vector") == [(2.0,)]
    postgres.stop()
    assert not postgres.is_running()


def test_starting_what_runs_changes_nothing(postgres: EmbeddedPostgres) -> None:
    url, pid = postgres.start(), postgres.pid

    assert postgres.start() == url
    assert postgres.pid == pid


def test_committed_rows_outlive_a_kill_and_the_address_stays(postgres: EmbeddedPostgres) -> None:
    url = postgres.start()
    query(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")

    kill(postgres.pid)

    assert not postgres.is_running()
    assert postgres.start() == url
    assert query(url, "SELECT sum(n) FROM kept") == [(500500,)]


def test_a_pid_file_that_names_a_stranger_does_not_keep_it_from_starting(postgres: EmbeddedPostgres) -> None:
    url = postgres.start()
    kill(postgres.pid)
    pid_file = postgres.data / "postmaster.pid"
    _, *rest = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *rest]))

    assert postgres.start() == url


def test_it_waits_for_the_queries_of_a_server_that_was_killed(postgres: EmbeddedPostgres) -> None:
    """A backend that computes does not notice that its server is gone, and two servers on one cluster would ruin it."""
    url = postgres.start()
    ended: list[float] = []

    def compute() -> None:
        with suppress(psycopg2.OperationalError):
            query(url, "SELECT count(*) FROM generate_series(1, 12000000) AS n WHERE n % 7 = 3")
        ended.append(time.monotonic())

    worker = threading.Thread(target=compute)
    worker.start()
    while not query(url, "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%n % 7 = 3' AND state = 'active'"):
        time.sleep(0.01)
    kill(postgres.pid)

    postgres.start()
    started = time.monotonic()
    worker.join()
    assert ended[0] <= started


def test_a_server_that_cannot_start_says_where_to_look(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresError, match=r"pg_ctl failed: see .*postgres\.log"):
        postgres.start("no_such_setting=1")
    assert "no_such_setting" in postgres.log.read_text()


def test_two_homes_have_two_servers(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    other = EmbeddedPostgres(tmp_path / "other")
    try:
        first, second = postgres.start(), other.start()
        query(first, "CREATE TABLE mine (n int)")
        assert query(second, "SELECT to_regclass('mine')") == [(None,)]
    finally:
        other.stop()
    assert postgres.is_running()


def test_an_interrupted_first_start_leaves_no_half_cluster(postgres: EmbeddedPostgres) -> None:
    aside = postgres.data.with_name("postgres.new")
    aside.mkdir(parents=True)
    (aside / "PG_VERSION").write_text("18")

    assert query(postgres.start(), "SELECT 1") == [(1,)]


def test_many_may_start_it_at_once(postgres: EmbeddedPostgres) -> None:
    urls: list[str] = []
    starters = [threading.Thread(target=lambda: urls.append(postgres.start())) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len(urls) == 4
    assert len(set(urls)) == 1
