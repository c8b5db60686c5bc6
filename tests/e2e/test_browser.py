"""A student and their teacher, each in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.corpus import english_essays
from tests.stack import Client, Stack, classroom

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "no Chromium on this machine: `make test` installs Debian's when it may, else install it by hand"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield launched
        launched.close()


def sign_in(browser: Browser, stack: Stack, person: Client) -> Page:
    page = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{stack.base}/sign-in")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_a_student_sees_the_words_arrive_and_then_the_teachers_override(
    stack: Stack, browser: Browser, tmp_path: Path
) -> None:
    teacher, student, assignment = classroom(stack)
    text = english_essays(3)[2]

    page = sign_in(browser, stack, student)
    page.get_by_role("link", name=assignment["title"]).first.click()
    page.locator("textarea[name=text]").fill(text)
    page.get_by_role("button", name="Submit").click()

    stream = page.locator("[data-stream]")
    expect(stream).not_to_be_empty(timeout=240_000)
    early = stream.inner_text()
    page.wait_for_function(
        "early => { const s = document.querySelector('[data-stream]');"
        " return !s || s.innerText.length > early.length; }",
        arg=early,
        timeout=60_000,
    )

    result = page.locator("[data-result]")
    expect(result).to_be_visible(timeout=300_000)
    assert page.locator("[data-essay-text]").evaluate("e => e.textContent").strip() == text.strip()
    page.screenshot(path=tmp_path / "result.png", full_page=True)

    desk = sign_in(browser, stack, teacher)
    desk.goto(page.url)
    for number, field in enumerate(desk.locator("input[name^=points]").all()):
        field.fill(str(number + 4))
    desk.locator("textarea[name=comment]").fill("You argue well; mind your commas.")
    desk.get_by_role("button", name="Save").click()

    expect(page.get_by_text("You argue well; mind your commas.").first).to_be_visible(timeout=30_000)
    expect(page.locator("[data-total]").first).to_contain_text("9")
