from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from models import Class
from models.session import NoDatabase, session
from tests.conftest import use_environment


def count() -> int:
    with session() as db:
        return db.scalar(select(func.count()).select_from(Class)) or 0


def test_what_is_not_committed_is_gone(database: None) -> None:
    with session() as db:
        db.add(Class(name="Class 8b"))
        db.flush()
    assert count() == 0


def test_what_was_committed_can_be_read_without_the_database(database: None) -> None:
    with session() as db:
        made = Class(name="八年级二班")
        db.add(made)
        db.commit()
    assert made.name == "八年级二班"
    assert made.created_at.tzinfo is not None


def test_connections_that_the_server_has_dropped_are_replaced(database: None) -> None:
    end_others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with session() as one, session() as other:
        one.execute(select(1))
        other.execute(select(1))
        one.rollback()  # its connection lies in the pool now
        other.execute(end_others)
    with session() as one, session() as other:
        assert one.scalar(select(1)) == other.scalar(select(1)) == 1


def test_without_a_database_the_error_says_how_to_get_one(servers: None) -> None:
    with use_environment({"PIZHU_DATABASE_URL": ""}), pytest.raises(NoDatabase, match="pizhu up"), session():
        pass
