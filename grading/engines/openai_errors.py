"""What a provider's error means for the request, in the words of `grading.engines.engine`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import openai

from grading.engines.engine import (
    AccountRefused,
    EngineError,
    QuotaExceeded,
    RateLimited,
    RequestRefused,
    Unavailable,
    Usage,
)

_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"}
_NOT_AS_ASKED = {"invalid_request_error", "BadRequestError"}
"""What a status of 400 is called in the middle of a stream, where vLLM says that it cannot compile a schema."""
_PAYMENT_REQUIRED = 402
_NOT_KNOWN_HERE = {401, 403, 404}
_BUSY_OR_BROKEN = {408, 409, 425}
_TOO_MANY = 429
_NOT_CONNECTED = {"ConnectError", "ConnectTimeout", "PoolTimeout"}
"""By name, because which HTTP library the SDK stands on is its own business."""


def translated(error: Exception, provider: str) -> EngineError:
    """Our error for one of the SDK's, or for what it lets through of a malformed answer."""
    if isinstance(error, openai.APIStatusError):
        refused = _of_status(error, provider)
        refused.usage = Usage()  # what is answered with such a status is not charged for
        return refused
    if isinstance(error, openai.APIConnectionError):
        failed = Unavailable(f"The connection to {provider} failed: {error.__cause__ or error}.")
        if isinstance(error, openai.APITimeoutError):
            failed = Unavailable(f"{provider} is silent.")
        if type(error.__cause__).__name__ in _NOT_CONNECTED:
            failed.usage = Usage()  # nothing was sent
        return failed
    if isinstance(error, openai.APIError):  # reported in the middle of a stream, where there is no status any more
        if error.type in _NOT_AS_ASKED:
            return RequestRefused(f"{provider} refuses the request: {_said(error)}")
        return _of_code(error, provider, None) or Unavailable(f"{provider} broke the reply off: {_said(error)}")
    return Unavailable(f"{provider} answered with something that cannot be read: {error}")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the headers of a refusal ask to wait; None when they do not say, or nothing sensible."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())


def _of_status(error: openai.APIStatusError, provider: str) -> EngineError:
    status, wait = error.status_code, retry_after(error.response.headers, datetime.now(UTC))
    if known := _of_code(error, provider, wait):
        return known
    if status == _PAYMENT_REQUIRED:
        return QuotaExceeded(f"The account at {provider} has no credit left: {_said(error)}")
    if status in _NOT_KNOWN_HERE:
        return AccountRefused(f"{provider} refuses us ({status}): {_said(error)} Check key, model and address.")
    # A request that is larger than the whole limit is answered as if it came too soon, for ever.
    if status == _TOO_MANY and "request too large" not in _said(error).lower():
        return RateLimited(f"{provider} takes no more requests at the moment.", wait)
    if status >= 500 or status in _BUSY_OR_BROKEN:
        return Unavailable(f"{provider} failed with status {status}.", wait)
    return RequestRefused(f"{provider} refuses the request: {_said(error)}")


def _of_code(error: openai.APIError, provider: str, wait: float | None) -> EngineError | None:
    """What the error's code says by itself, whatever the status: an empty account is a 429 as well."""
    codes = {error.code, error.type}
    if codes & _NO_CREDIT:
        return QuotaExceeded(f"The account at {provider} has no credit left: {_said(error)}")
    if "context_length_exceeded" in codes:
        return RequestRefused(f"The prompt with the text is longer than the model reads: {_said(error)}")
    if error.code == "rate_limit_exceeded" and not isinstance(error, openai.APIStatusError):
        return RateLimited(f"{provider} takes no more requests at the moment.", wait)
    return None


def _said(error: openai.APIError) -> str:
    """The provider's own words, without what the SDK writes around them."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return message if isinstance(message, str) and message else error.message
