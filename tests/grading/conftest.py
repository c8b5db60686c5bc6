from collections.abc import Iterator

import pytest
from hypothesis import settings
from sqlalchemy.orm import Session

from models.session import session
from tests.factories import School, make_school

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("pizhu", deadline=None)
settings.load_profile("pizhu")


@pytest.fixture
def school(database: None) -> School:
    return make_school()


@pytest.fixture
def db(school: School) -> Iterator[Session]:
    with session() as opened:
        yield opened
