from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.cli.setup import compile_translations, stale_translations
from models import User
from tests.app.conftest import Clients
from tests.app.pages.browser import Visitor
from tests.factories import PASSWORD, School

HOMES = {"student": "assignments", "teacher": "classes", "ops": "queues"}

Visit = Callable[..., Visitor]
Open = Callable[..., Page]


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "no Chromium on this machine: `make test` installs Debian's when it may, else install it by hand"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    arguments += ["--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def open_page(chromium: Browser, web: str, school: School) -> Iterator[Open]:
    """`open_page(user, path)` is that user's browser with this page open. Errors of scripts and of the policy fail."""
    contexts, wrong = [], []

    def make(user: User, path: str, **options: Any) -> Page:
        context = chromium.new_context(locale="en-GB", base_url=web, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto("/sign-in")
        page.get_by_label("E-mail").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**/{HOMES[user.role.value]}")
        page.goto(path)
        return page

    yield make
    for context in contexts:
        for page in context.pages:
            page.goto("about:blank")  # a page closed while it navigates may never answer (microsoft/playwright#41900)
        context.close()
    assert wrong == []
