"""What the model says: a valid reply made up from the request, or the stored answer of a real model to that essay."""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.engines.engine import Request
from tests.doubles.engine import essay_in, valid_reply

ESSAY = re.compile(r"<(essay-[0-9a-f]+)>\n")


@dataclass(frozen=True)
class Answer:
    """A reply; token counts are given only where they are a stored answer's."""

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


Answers = Callable[[Mapping[str, Any]], Answer]
"""Makes the answer to the body of a chat completion."""


@dataclass(frozen=True)
class Token:
    """A token as OpenAI tells it: `text` is what can be shown once it is there, `bytes` what it is itself."""

    text: str
    bytes: bytes
    top: Mapping[str, float]


def made_up(body: Mapping[str, Any]) -> Answer:
    """A reply that the schema of the request allows; for an essay of ours, one that quotes it."""
    schema = schema_of(body)
    if schema is None:
        return Answer("That is a good question. Look at your second paragraph again.")
    if essay_asked_about(body) is None or "levels" not in schema.get("properties", {}):
        return Answer(json.dumps(instance(schema), ensure_ascii=False))
    request = as_request(body)
    return Answer(valid_reply(request, essay_in(request)))


def replayed(essays: Path, answers: Path, *, model: str = "ChatGPT", variant: str = "A") -> Answers:
    """The stored answers of `model` to one variant of the prompt; other essays get a made-up reply.

    Who asks for our schema gets a reply of that shape whose levels follow the stored total, within what that model
    gave in the same task; who asks for none gets the stored text itself. Both cost what the stored one did.
    """
    texts = {row["id"]: row["text"] for row in rows(essays)}
    chosen = [row for row in rows(answers) if row["model"] == model and row["prompt_variant"] == variant]
    chosen = [row for row in chosen if row["essay_id"] in texts and row["total_score"] is not None]
    scores: dict[Any, list[float]] = {}
    for row in chosen:
        scores.setdefault(row["prompt_id"], []).append(row["total_score"])
    stored = {texts[row["essay_id"]]: row for row in chosen}

    def answer(body: Mapping[str, Any]) -> Answer:
        invented = made_up(body)
        row = stored.get(essay_asked_about(body) or "")
        if row is None:
            return invented
        if schema_of(body) is None:
            return Answer(row["raw"], row["prompt_tokens"], row["completion_tokens"])
        low, high = min(scores[row["prompt_id"]]), max(scores[row["prompt_id"]])
        level = 1 + round(5 * (row["total_score"] - low) / ((high - low) or 1))
        reply = json.loads(invented.text)
        reply["levels"] = dict.fromkeys(reply["levels"], level)
        return Answer(json.dumps(reply, ensure_ascii=False), row["prompt_tokens"], row["completion_tokens"])

    return answer


def tokens(text: str) -> Iterator[Token]:
    """The text in tokens: a digit is one, letters come by four, and what is not ASCII takes two for a character."""
    for piece in re.findall(r"[1-6]|[^\W\d_]{1,4}|[\x00-\x7f]|.", text, re.DOTALL | re.ASCII):
        data = piece.encode()
        if piece.isascii():
            yield Token(piece, data, _top(piece))
        else:
            yield Token("", data[:1], {"\\x" + data[:1].hex(): -0.01})
            yield Token(piece, data[1:], {"\\x" + data[1:].hex(): -0.01})


def count(text: str) -> int:
    return math.ceil(len(text.encode()) / 4)


def prompt_of(body: Mapping[str, Any]) -> str:
    """All that the model reads."""
    return json.dumps([body.get("response_format"), body["messages"]], ensure_ascii=False)


def schema_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    schema: dict[str, Any] | None = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    return schema


def essay_asked_about(body: Mapping[str, Any]) -> str | None:
    return essay_in(as_request(body)) if ESSAY.search(body["messages"][-1]["content"]) else None


def as_request(body: Mapping[str, Any]) -> Request:
    return Request("", body["messages"], schema_of(body), 0, 0)


def instance(schema: Mapping[str, Any]) -> Any:
    """Something small that the schema allows."""
    match schema:
        case {"enum": [first, *_]}:
            return first
        case {"properties": properties}:
            return {name: instance(part) for name, part in properties.items()}
        case {"type": "array"}:
            return []
        case {"type": "string"}:
            return "x" * schema.get("minLength", 10)
        case {"type": "boolean"}:
            return False
    return 1


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _top(piece: str) -> dict[str, float]:
    """A level is 80 % sure; raw log-probabilities are not confined to what the schema allows."""
    if piece in "123456":
        levels = {level: math.log(0.8 if level == piece else 0.03) for level in "123456"}
        return dict(sorted(levels.items(), key=lambda each: -each[1])) | {" " + piece: math.log(0.02), "{": -9999.0}
    return {piece: -0.01}
