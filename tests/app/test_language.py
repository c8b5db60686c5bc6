"""app/language.py: which language a page speaks."""

from __future__ import annotations

import pytest
from flask import Flask

from app.language import COOKIE, chosen_language
from models import Role
from tests.conftest import use_environment
from tests.factories import make_token, make_user


@pytest.mark.parametrize(
    ("own", "cookie", "asks", "spoken"),
    [
        ("zh", "en", "en", "zh"),
        (None, "zh", "en", "zh"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, None, "zh-Hant-TW", "zh"),
        (None, None, "de,en;q=0.5", "en"),
        (None, "xx", "zh", "zh"),
        (None, None, "de", "zh"),
        (None, None, "", "zh"),
    ],
)
def test_the_first_choice_that_there_is_counts(
    app: Flask, database: None, own: str | None, cookie: str | None, asks: str, spoken: str
) -> None:
    """One's own, then this browser's, then what it asks for, then the school's, which is Chinese here."""
    headers = {"Accept-Language": asks, "Authorization": f"Bearer {make_token(make_user(Role.student, language=own))}"}
    if cookie:
        headers["Cookie"] = f"{COOKIE}={cookie}"
    with use_environment({"PIZHU_LANGUAGE": "zh"}), app.test_request_context(headers=headers):
        assert chosen_language() == spoken
