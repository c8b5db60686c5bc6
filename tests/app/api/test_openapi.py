"""app/api/openapi.py: the description is valid, complete, and true."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from models import EssayState
from tests.app.conftest import Clients
from tests.factories import School, make_essay


@pytest.fixture
def document(client: Clients, database: None) -> dict[str, Any]:
    described: dict[str, Any] = client().get("/api/v1/openapi.json").get_json()
    return described


def test_it_is_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_of_the_api_is_in_it_and_says_what_it_does(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule), method.lower())
        for route in app.url_map.iter_rules()
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
        if route.rule.startswith("/api/")
    }
    described = {(path, method): entry for path, item in document["paths"].items() for method, entry in item.items()}
    assert set(described) == routes
    assert all(entry["summary"].endswith(".") for entry in described.values())
    assert all("default" in entry["responses"] for entry in described.values())


def test_what_is_answered_is_what_is_described(client: Clients, school: School, document: dict[str, Any]) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    url = {
        "essay_id": essay.id,
        "assignment_id": school.assignment.id,
        "class_id": school.school_class.id,
    }
    checked = 0
    for path, item in document["paths"].items():
        success = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json")
        if success is None:
            continue
        schema = {**success["schema"], "components": document["components"]}
        for reader in (school.student, school.teacher, school.ops):
            answer = client(reader).get(path.format(**url))
            if answer.status_code == 200:
                Draft202012Validator(schema).validate(answer.get_json())
                checked += 1
            else:
                problem = document["components"]["schemas"]["ProblemDocument"]
                assert answer.mimetype in document["components"]["responses"]["Problem"]["content"]
                Draft202012Validator({**problem, "components": document["components"]}).validate(answer.get_json())
    assert checked > 15
