from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from workers import log as logs


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What is written to standard error."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure(logging.WARNING)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_says_when_where_what_and_about_which_essay(said: StringIO) -> None:
    with logs.about(essay="e-1"):
        logging.getLogger("workers.local").info("graded by %s", "a model")
    logging.getLogger("workers.local").info("ready")
    about, other = said.getvalue().splitlines()
    assert about.partition(" ")[0].endswith("Z")
    assert about.endswith("[info] graded by a model [workers.local] essay=e-1")
    assert other.endswith("[info] ready [workers.local]")


def test_an_essay_may_be_named_by_one_line_alone(said: StringIO) -> None:
    logging.getLogger("workers.upkeep").warning("its worker was lost", extra={"essay": "e-2"})
    assert said.getvalue().strip().endswith("its worker was lost [workers.upkeep] essay=e-2")


def test_what_another_library_puts_into_every_record_is_left_out(
    said: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def marked(*arguments: Any, **options: Any) -> logging.LogRecord:
        record = logging.LogRecord(*arguments, **options)
        record.process_of_theirs = "main"
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", marked)
    logging.getLogger("workers.local").info("ready")
    assert said.getvalue().strip().endswith("[info] ready [workers.local]")


def test_other_libraries_are_heard_only_when_they_warn(said: StringIO) -> None:
    logging.getLogger("kombu").info("chatter")
    logging.getLogger("kombu").warning("trouble")
    assert "chatter" not in said.getvalue()
    assert "[warning] trouble [kombu]" in said.getvalue()
