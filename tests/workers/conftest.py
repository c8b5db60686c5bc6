from collections.abc import Iterator

import pytest

from tests.workers import lab as laboratory
from tests.workers.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One installation for all tests of a module; essays of one test are none of another's business."""
    with laboratory.running(tmp_path_factory.mktemp("lab") / "home", laboratory.FRAGILE) as running:
        yield running
