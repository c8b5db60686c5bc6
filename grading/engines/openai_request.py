"""A request in the words of OpenAI's chat completions, less what a provider has shown that it does not take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from grading.engines.engine import ALTERNATIVES, Request

LENGTHS = ("minLength", "maxLength")
OPTIONAL = ("logprobs", "temperature", "minItems", "maxItems", *LENGTHS)
"""What makes a reply better but can be done without: reasoning models give no log-probabilities and take no
temperature, and providers differ in how much of JSON Schema they can enforce. `grading.reply` checks the rest."""


def parameters(request: Request, model: str, left_out: Collection[str]) -> dict[str, Any]:
    """The body of the call, without those of `OPTIONAL` that are left out."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [dict(message) for message in request.messages],
        "max_completion_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if "temperature" not in left_out:
        body["temperature"] = request.temperature
    if "logprobs" not in left_out:
        body |= {"logprobs": True, "top_logprobs": ALTERNATIVES}
    if request.schema is not None:
        schema = _without(request.schema, left_out)
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": schema, "strict": True},
        }
    return body


def refused_part(message: str, param: str | None, left_out: Collection[str]) -> set[str]:
    """Which optional parts, of those that were sent, a refusal speaks of."""
    said = f"{param} {message}"
    named = {name for name in OPTIONAL if name in said}
    if named.intersection(LENGTHS):  # who does not take the one does not take the other
        named.update(LENGTHS)
    return named.difference(left_out)


def _without(schema: Mapping[str, Any], left_out: Collection[str]) -> dict[str, Any]:
    """The schema without the keywords left out; lengths are then asked for in words, which a model reads as well."""
    kept = {keyword: value for keyword, value in schema.items() if keyword not in left_out}
    if "maxLength" in schema and "maxLength" in left_out:
        kept["description"] = f"{schema.get('minLength', 0)} to {schema['maxLength']} characters"
    if "items" in schema:
        kept["items"] = _without(schema["items"], left_out)
    if "properties" in schema:
        kept["properties"] = {name: _without(part, left_out) for name, part in schema["properties"].items()}
    return kept
