"""Engines for tests that are about something else than the model.

Each can be named by `PIZHU_LOCAL_ENGINE=tests.doubles.engine:InstantEngine` when the checkout is the working folder.
What an engine does with one essay can be asked for in the essay's own text by the markers below.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from grading.engines.engine import (
    Cancelled,
    Completion,
    DeadlineExceeded,
    EngineDead,
    Flag,
    GivenUp,
    Request,
    RequestRefused,
    Token,
    Usage,
)

INVALID_FIRST = "[[invalid first]]"
"""In an essay: the first reply is not valid, the retry is."""
INVALID_ALWAYS = "[[invalid always]]"
"""In an essay: no reply is ever valid."""
REFUSED = "[[refused]]"
"""In an essay: the engine refuses the request."""
DIES = "[[dies]]"
"""In an essay given to `DyingEngine`: the process ends in the middle of the reply."""
TAKES = "[[takes {} s]]"
"""In an essay, with a number of seconds: how long the reply takes."""

_TAKES = re.compile(r"\[\[takes ([\d.]+) s\]\]")
_ESSAY = re.compile(r"<(essay-[0-9a-f]+)>\n(.*)\n</\1>", re.DOTALL)
_DELTAS = 6


class InstantEngine:
    """Answers at once with a valid reply whose quote stands in the essay; levels depend on the essay's text alone.

    `delay` (seconds) is spread over the deltas of every reply; `invalid` spoils the first or every reply.
    `requests` keeps what was asked. After `close`, and for who waits then, calls end with `Cancelled`.
    """

    model = "instant"
    version = "instant 1"

    def __init__(
        self, settings: object = None, *, delay: float = 0.0, invalid: Literal["never", "first", "always"] = "never"
    ) -> None:
        self.settings = settings
        self.delay = delay
        self.invalid = invalid
        self.requests: list[Request] = []
        self.closed = False

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        start = time.monotonic()
        self.requests.append(request)
        essay = essay_in(request)
        if REFUSED in essay:
            raise RequestRefused("The essay is longer than the model can read.")
        tokens = list(_tokens(self.reply(request, essay)))
        takes = _TAKES.search(essay)
        delay = float(takes[1]) if takes else self.delay
        first_token_s = None
        size = math.ceil(len(tokens) / _DELTAS)
        for sent in range(size, len(tokens) + size, size):
            self._wait(delay / _DELTAS, start + request.deadline, cancelled)
            first_token_s = first_token_s or time.monotonic() - start
            on_delta(_text(tokens[sent - size : sent]))
            self.after_delta(essay)
            if request.give_up and request.give_up(tokens[:sent]):
                error = GivenUp("The rest of the reply was not wanted.")
                error.usage = usage(request, tokens[:sent])
                raise error
        return Completion(_text(tokens), tokens, usage(request, tokens), first_token_s or 0.0, "stop")

    def close(self) -> None:
        self.closed = True

    def reply(self, request: Request, essay: str) -> str:
        """The reply's text; a retry is known by its temperature."""
        spoiled = (
            self.invalid == "always"
            or INVALID_ALWAYS in essay
            or ((self.invalid == "first" or INVALID_FIRST in essay) and request.temperature == 0)
        )
        return '{"levels": {}}' if spoiled else valid_reply(request, essay)

    def after_delta(self, essay: str) -> None:
        """Called after each delta; for engines that misbehave in the middle."""

    def _wait(self, seconds: float, deadline: float, cancelled: Flag) -> None:
        until = time.monotonic() + seconds
        while True:
            if cancelled.is_set() or self.closed:
                raise Cancelled("The generation was aborted.")
            now = time.monotonic()
            if now >= deadline:
                raise DeadlineExceeded("The reply was not complete in time.")
            if now >= until:
                return
            time.sleep(min(0.01, until - now))


class DyingEngine(InstantEngine):
    """Takes the whole process with it, as a dead engine does, when `DIES` stands in an essay."""

    model = "dying"

    def after_delta(self, essay: str) -> None:
        if DIES in essay:
            os._exit(70)


class DeadEngine(InstantEngine):
    """Raises `EngineDead` when `DIES` stands in an essay, for tests that must outlive it."""

    model = "dead"

    def after_delta(self, essay: str) -> None:
        if DIES in essay:
            raise EngineDead("The engine stopped.")


def essay_in(request: Request) -> str:
    """The essay as it stands in the request's last message."""
    found = _ESSAY.search(request.messages[-1]["content"])
    assert found, "the last message holds no essay between its delimiters"
    return found[2]


def valid_reply(request: Request, essay: str) -> str:
    """A reply that the request's schema allows, with one annotation on words of the essay."""
    assert request.schema is not None
    keys = list(request.schema["properties"]["levels"]["properties"])
    quote = next((line.strip() for line in essay.splitlines() if line.strip()), essay)[:30]
    reply: dict[str, Any] = {
        "levels": {key: _level(key, essay) for key in keys},
        "comments": dict.fromkeys(keys, "Your essay says what it means. Give one more example."),
        "annotations": [{"quote": quote, "kind": "praise", "comment": "A clear beginning, and well said."}],
        "strengths": ["You keep to the question."],
        "suggestions": ["Say more about your reasons."],
    }
    if "improved" in request.schema["properties"]:
        reply["improved"] = dict.fromkeys(keys, "You have given one more example than before.")
    if "confidence" in request.schema["properties"]:
        reply["confidence"] = 20 * _level("confidence", essay)
    return json.dumps(reply, ensure_ascii=False)


def _level(key: str, essay: str) -> int:
    return 2 + zlib.crc32(f"{key}\n{essay}".encode("utf-8", "surrogatepass")) % 4


def usage(request: Request, tokens: Sequence[Token]) -> Usage:
    return Usage(prompt=sum(len(message["content"]) for message in request.messages) // 4, completion=len(tokens))


def _text(tokens: Iterable[Token]) -> str:
    return "".join(token.text for token in tokens)


def _tokens(text: str) -> Iterator[Token]:
    """Tokens as a model's are: a digit is one, the rest comes in small pieces; a level is 80 % sure."""
    for piece in re.findall(r"\d|\D{1,4}", text):
        if piece.isdigit():
            yield Token(piece, {str(level): math.log(0.8 if str(level) == piece else 0.04) for level in range(1, 7)})
        else:
            yield Token(piece, {piece: 0.0})
