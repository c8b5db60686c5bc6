"""The description of the API, made from what its views say they take and answer."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any, NotRequired

from flask import Flask, current_app
from pydantic import TypeAdapter
from typing_extensions import TypedDict
from werkzeug.routing import Rule

from app.api import blueprint
from app.api.operation import Operation, operation, operation_of
from app.auth import public, rule, rule_of
from app.problems import MIMETYPE

REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


class FieldError(TypedDict):
    field: str
    message: str


class ProblemDocument(TypedDict):
    """RFC 9457. `errors` names each field that is wrong."""

    type: str
    title: str
    status: int
    detail: NotRequired[str]
    errors: NotRequired[list[FieldError]]


@blueprint.get("/openapi.json")
@rule(public)
@operation(Operation(200, dict[str, Any]))
def describe_api() -> Any:
    """This description."""
    return document(current_app._get_current_object())  # type: ignore[attr-defined]


@cache
def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the app's routes under /api/v1."""
    routes = [
        (route, method, operation_of(app.view_functions[route.endpoint]))
        for route in app.url_map.iter_rules()
        for method in _METHODS
        if route.endpoint.startswith("api.") and method in (route.methods or ())
    ]
    types = [t for _, _, o in routes for t in (o.body, o.query, o.answer) if t is not None] + [ProblemDocument]
    schemas, definitions = TypeAdapter.json_schemas(
        [(str(t), "validation", TypeAdapter(t)) for t in dict.fromkeys(types)], ref_template=REF
    )
    paths: dict[str, Any] = {}
    for route, method, described in routes:
        path = _PARAMETER.sub(r"{\2}", route.rule)
        view = app.view_functions[route.endpoint]
        entry = _describe(route, described, {t: schemas[str(t), "validation"] for t in types}, definitions["$defs"])
        summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
        entry |= {"operationId": route.endpoint.removeprefix("api."), "summary": summary.replace("\n", " ")}
        if description:
            entry["description"] = description
        if rule_of(view) is public:
            entry["security"] = []
        paths.setdefault(path, {})[method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pizhu", "version": "1", "summary": "Essays, graded with notes in the margin."},
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "responses": {
                "Problem": {
                    "description": "What is wrong and what to do about it.",
                    "content": {MIMETYPE: {"schema": schemas[str(ProblemDocument), "validation"]}},
                }
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": app.config["SESSION_COOKIE_NAME"],
                    "description": "Of a browser that is signed in; all but reading needs the header X-CSRFToken too.",
                },
            },
        },
        "security": [{"bearer": []}, {"session": []}],
    }


def _describe(
    route: Rule, described: Operation, schemas: dict[Any, dict[str, Any]], definitions: dict[str, Any]
) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"} if kind == "uuid" else {"type": "string"},
        }
        for kind, name in _PARAMETER.findall(route.rule)
    ]
    parameters += [
        {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        for name, description in described.headers
    ]
    if described.query:
        query = definitions[schemas[described.query]["$ref"].rsplit("/", 1)[-1]]
        parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in query["properties"].items()]
    success: dict[str, Any] = {"description": "Done."}
    if described.answer is not None:
        success["content"] = {described.media: {"schema": schemas[described.answer]}}
    entry: dict[str, Any] = {
        "responses": {str(described.status): success, "default": {"$ref": "#/components/responses/Problem"}}
    }
    if parameters:
        entry["parameters"] = parameters
    if described.body:
        entry["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[described.body]}},
        }
    return entry
