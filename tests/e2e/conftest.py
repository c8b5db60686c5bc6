from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack import Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real thing: embedded servers, Celery workers, gunicorn, and the demonstration model in vLLM."""
    with running(
        tmp_path_factory.mktemp("installation"),
        PIZHU_LEASE="10",
        PIZHU_SWEEP_INTERVAL="3",
        PIZHU_REQUEUE_AFTER="6",
        PIZHU_LOCAL_CONCURRENCY="20",
        PIZHU_GRADE_DEADLINE="1200",
    ) as up:
        yield up
