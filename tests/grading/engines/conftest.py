from __future__ import annotations

from collections.abc import Iterator

import pytest

from grading.engines.vllm import VllmEngine
from settings import settings


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
