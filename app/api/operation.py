"""What an operation of the API takes and answers, said once: it is read, checked and described from there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NoReturn, TypeVar

from flask import request
from pydantic import BaseModel

from app.bodies import Body, validated
from app.problems import Problem

View = TypeVar("View", bound=Callable[..., Any])

_OPERATION = "_pizhu_operation"


@dataclass(frozen=True)
class Operation:
    """An operation: models of body and query string, the type of the answer, and headers it reads."""

    status: int
    answer: Any
    body: type[BaseModel] | None = None
    query: type[Body] | None = None
    headers: Sequence[tuple[str, str]] = ()
    """Names and descriptions."""
    media: str = "application/json"


def operation(operation: Operation) -> Callable[[View], View]:
    """Give a view its `body` and its `query`, checked, as keyword arguments, and describe it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def call(**arguments: Any) -> Any:
            if operation.body:
                arguments["body"] = validated(operation.body, _json())
            if operation.query:
                arguments["query"] = validated(operation.query, request.args.to_dict())
            return view(**arguments)

        setattr(call, _OPERATION, operation)
        return call  # type: ignore[return-value]

    return decorate


def operation_of(view: Callable[..., Any]) -> Operation:
    """The operation that a view is. Raises AttributeError for one that says nothing."""
    found: Operation = getattr(view, _OPERATION)
    return found


def _json() -> Any:
    if not request.is_json:
        raise Problem(415, detail="Send JSON, with Content-Type: application/json.")
    try:
        return json.loads(request.get_data().decode(), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise _malformed(f"The body is no UTF-8: see byte {error.start + 1}.") from None
    except ValueError as error:
        raise _malformed(f"The body is no JSON: {error}.") from None
    except RecursionError:
        raise _malformed("The body is nested too deeply.") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _malformed(message: str) -> Problem:
    return Problem(400, "Malformed request", message, [{"field": "body", "message": message}])
