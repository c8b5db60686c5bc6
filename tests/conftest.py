"""For every test that wants them: one real Postgres and one Valkey for the session, emptied after each test, and the
demonstration model, loaded once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
import redis as redis_client
from alembic import command
from alembic.config import Config
from hypothesis import settings as hypothesis_settings
from sqlalchemy import text

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from grading import progress
from grading.cache import chain as answers
from grading.engines.vllm import VllmEngine
from models import Base
from models.session import engine, forget_engine
from settings import ROOT, settings
from workers.queue import celery_app

hypothesis_settings.register_profile("quick", max_examples=10)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What wants Postgres or Valkey, at first or second hand, is marked so."""
    for item in items:
        if "servers" in getattr(item, "fixturenames", ()):
            item.add_marker("servers")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An embedded Postgres, migrated, and an embedded Valkey; settings and environment point at them."""
    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(settings().home / "models")  # fetching it again for each run would take too long
    postgres, valkey = EmbeddedPostgres(home), EmbeddedValkey(home)
    environment = {
        "PIZHU_HOME": str(home),
        "PIZHU_DATABASE_URL": postgres.start("fsync=off", "synchronous_commit=off"),
        "PIZHU_REDIS_URL": valkey.start(),
        "PIZHU_SECRET_KEY": secrets.token_hex(16),
    }
    with use_environment(environment):
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
        yield
        forget_engine()
        valkey.stop()
        postgres.stop()


@pytest.fixture
def database(servers: None) -> Iterator[None]:
    """The database, empty again after the test."""
    yield
    # Deleting the few rows of a test is quicker than TRUNCATE, which makes new files for every table.
    with engine().begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # they refer to each other
        for table in Base.metadata.tables.values():
            connection.execute(table.delete())


@pytest.fixture
def redis(servers: None) -> Iterator[redis_client.Redis]:
    """A connection to Valkey, which is empty again after the test."""
    yield progress.connection()
    progress.connection().flushall()


@pytest.fixture(scope="session")
def vllm_engine() -> Iterator[VllmEngine]:
    """The demonstration model, loaded once for all tests; its engine runs eight requests at a time."""
    engine = VllmEngine(
        settings().model_copy(
            update={"local_model": "demo", "local_concurrency": 8, "model_context": 4096, "cpu_kv_cache_gb": 1}
        )
    )
    yield engine
    engine.close()


@contextmanager
def use_environment(environment: Mapping[str, str]) -> Iterator[None]:
    """These variables inside the block, and settings and connections that follow them."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    _forget()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        _forget()


def _forget() -> None:
    if answers._chain.cache_info().currsize:
        answers.chain().close()
        answers._chain.cache_clear()
    settings.cache_clear()
    forget_engine()
    progress.connection.cache_clear()
    progress._rooms.cache_clear()
    celery_app.conf.broker_url = settings().redis_url
    celery_app._after_fork()  # drops its connections
