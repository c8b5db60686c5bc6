from __future__ import annotations

from collections.abc import Callable

import pytest

from app.cli.setup import compile_translations, stale_translations
from models import User
from tests.app.conftest import Clients
from tests.app.pages.browser import Visitor

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session", autouse=True)
def translations() -> None:
    if stale_translations():
        compile_translations()


@pytest.fixture
def visit(browser: Clients) -> Visit:
    """`visit(user, "zh")` is that user at a browser that asks for Chinese; `visit()` is a stranger."""

    def make(user: User | None = None, language: str = "en") -> Visitor:
        return Visitor(browser(user), language)

    return make
