"""Errors as OpenAI words them."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

from tests.doubles.openai_server.faults import Fault


class ApiError(Exception):
    """An answer with an error in it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self._error = {"message": message, "type": type, "param": param, "code": code}

    def body(self) -> dict[str, Any]:
        return {"error": self._error}


def of_fault(fault: Fault) -> ApiError | None:
    """The error that a fault answers with at once, if it is of that kind."""
    match fault.name:
        case "rate_limited" | "rate_limited_bare":
            message = "Rate limit reached for requests. Please try again later."
            headers = _hint(fault.argument or "1") if fault.name == "rate_limited" else {}
            return ApiError(429, message, type="requests", code="rate_limit_exceeded", headers=headers)
        case "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return ApiError(429, message, type="insufficient_quota", code="insufficient_quota")
        case "error_500":
            return ApiError(500, "The server had an error while processing your request.", type="server_error")
        case "error_503":
            headers = {"Retry-After": fault.argument} if fault.argument else {}
            return ApiError(503, "The engine is currently overloaded.", type="server_error", headers=headers)
    return None


def _hint(argument: str) -> dict[str, str]:
    match argument:
        case "date":
            return {"Retry-After": formatdate(time.time() + 30, usegmt=True)}
        case "ms":
            return {"retry-after-ms": "1500", "Retry-After": "2"}
    return {"Retry-After": argument}
