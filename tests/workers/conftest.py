from collections.abc import Iterator

import pytest
from redis import Redis

from tests.doubles.engine import InstantEngine
from tests.factories import School, make_school
from tests.workers import lab as laboratory
from tests.workers.lab import Lab
from workers import local
from workers.leases import leases


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One installation for all tests of a module; essays of one test are none of another's business."""
    with laboratory.running(tmp_path_factory.mktemp("lab") / "home", laboratory.FRAGILE) as running:
        yield running


@pytest.fixture
def school(database: None, redis: Redis) -> School:
    return make_school()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> InstantEngine:
    """The engine of `workers.local` in this process."""
    made = InstantEngine()
    monkeypatch.setattr(local, "engine", made, raising=False)
    return made


@pytest.fixture
def stopping() -> Iterator[None]:
    """This process behaves as a worker that was asked to stop."""
    leases.stopping = True
    yield
    leases.stopping = False
