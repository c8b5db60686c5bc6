"""The one way to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session

from settings import settings


class NoDatabase(RuntimeError):
    """No database is configured; the message says how to get one."""


@cache
def engine() -> Engine:
    """The connection pool of this process.

    `pool_pre_ping` replaces connections that a restarted Postgres has dropped, at the price of one round trip.
    """
    url = settings().database_url
    if not url:
        raise NoDatabase("No database: start the embedded one with `pizhu up`, or set PIZHU_DATABASE_URL.")
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=10,
        connect_args={"connect_timeout": 5, "application_name": "pizhu"},
    )


@contextmanager
def session() -> Iterator[Session]:
    """A session that is rolled back and closed at the end; whoever wants to keep something commits.

    Objects stay readable after a commit, so that what was committed can be announced without a second query.
    """
    with Session(engine(), expire_on_commit=False) as opened:
        yield opened


class Snapshot(Session):
    """A session that reads the database as it was at its first statement, and writes nothing."""


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """For what is read in several statements, between which others commit, and must fit together."""
    repeatable = engine().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Snapshot(repeatable, expire_on_commit=False) as opened:
        yield opened


def is_away(error: SQLAlchemyError) -> bool:
    """Whether an error means that Postgres could not be reached."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | InterfaceError | TimeoutError)


def forget_engine() -> None:
    """Drop the pool: after a fork, and in tests that move to another database."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)
    engine.cache_clear()
