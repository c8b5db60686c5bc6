"""What a provider's refusals mean, also those that the double never sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2
import openai
import pytest

from grading.engines.engine import AccountRefused, EngineError, QuotaExceeded, RateLimited, RequestRefused, Unavailable
from grading.engines.openai_errors import retry_after, translated

NOW = datetime(2026, 9, 1, 12, 0, 0, tzinfo=UTC)


def refusal(status: int, **error: Any) -> openai.APIStatusError:
    response = httpx2.Response(status, request=httpx2.Request("POST", "http://provider.test/v1/chat/completions"))
    return openai.APIStatusError("Error code", response=response, body={"message": "No.", **error})


@pytest.mark.parametrize(
    ("status", "error", "meaning"),
    [
        (429, {"code": "rate_limit_exceeded", "type": "requests"}, RateLimited),
        (429, {"code": "rate_limit_exceeded", "message": "Request too large for small: Limit 10, ..."}, RequestRefused),
        (429, {"type": "insufficient_quota"}, QuotaExceeded),
        (400, {"code": "billing_hard_limit_reached"}, QuotaExceeded),
        (402, {"message": "Insufficient Balance"}, QuotaExceeded),
        (401, {"code": "invalid_api_key"}, AccountRefused),
        (403, {"code": "unsupported_country_region_territory"}, AccountRefused),
        (404, {"code": "model_not_found"}, AccountRefused),
        (400, {"code": "context_length_exceeded"}, RequestRefused),
        (413, {}, RequestRefused),
        (422, {}, RequestRefused),
        (408, {}, Unavailable),
        (500, {}, Unavailable),
        (529, {}, Unavailable),
    ],
)
def test_each_refusal_has_one_meaning(status: int, error: dict[str, Any], meaning: type[EngineError]) -> None:
    assert type(translated(refusal(status, **error), "provider.test")) is meaning


def test_the_message_names_the_provider_and_gives_its_own_words() -> None:
    error = translated(refusal(400, message="The schema is too deep."), "provider.test")
    assert str(error) == "provider.test refuses the request: The schema is too deep."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Tue, 01 Sep 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 01 Sep 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx2.Headers(headers), NOW) == seconds
