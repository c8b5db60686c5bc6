from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from models.session import session
from tests.conftest import use_environment
from workers.patience import patiently

AWAY = OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))


class Work:
    """Fails so many times, then succeeds."""

    def __init__(self, failures: int, error: Exception = AWAY) -> None:
        self.tries, self._failures, self._error = 0, failures, error

    def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self._failures:
            raise self._error
        return "done"


def test_work_is_done_again_until_the_database_is_back() -> None:
    work = Work(failures=3)
    assert patiently(work) == "done"
    assert work.tries == 4


@pytest.mark.parametrize("error", [IntegrityError("", {}, Exception()), ProgrammingError("", {}, Exception())])
def test_an_error_that_would_only_come_again_is_raised_at_once(error: Exception) -> None:
    work = Work(failures=1, error=error)
    with pytest.raises(type(error)):
        patiently(work)
    assert work.tries == 1


def test_patience_ends_when_every_lease_is_long_over() -> None:
    work = Work(failures=10_000)
    with use_environment({"PIZHU_LEASE": "0.05"}), pytest.raises(OperationalError):
        patiently(work)
    assert work.tries > 1


def test_a_worker_that_stops_has_none(stopping: None) -> None:
    with pytest.raises(OperationalError):
        patiently(Work(failures=1))


def test_a_connection_that_breaks_in_the_middle_is_replaced(database: None) -> None:
    breaks = [True]

    def work() -> int | None:
        with session() as db:
            if breaks.pop() if breaks else False:
                db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            found: int | None = db.scalar(text("SELECT 1"))
            return found

    assert patiently(work) == 1
