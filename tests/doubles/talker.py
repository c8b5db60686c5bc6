"""An engine that says what it is told to: for questions, whose answers are plain words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from grading.engines.engine import Cancelled, Completion, DeadlineExceeded, EngineError, Flag, Request, Token, Usage
from tests.doubles.engine import InstantEngine

HELP = "Look at your second paragraph again: which of your two reasons would convince a reader?"
TAKES = "[[takes {} s]]"
"""In a question, with a number of seconds: how long it takes from the first word of the answer to the next."""
_TAKES = re.compile(r"\[\[takes ([\d.]+) s\]\]")


class TalkingEngine:
    """Says `words` piece by piece, or raises the `error` it was given; `requests` keeps what was asked."""

    model = "talker"
    version = "talker 1"

    def __init__(self, settings: object = None, *, words: str = HELP, error: EngineError | None = None) -> None:
        self.words, self.error = words, error
        self.requests: list[Request] = []

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        began = time.monotonic()
        self.requests.append(request)
        if self.error:
            raise self.error
        pieces = re.findall(r"\S+\s*|\s+", self.words)
        takes = _TAKES.search(request.messages[-1]["content"])
        slow = float(takes[1]) if takes else 0.0
        for number, piece in enumerate(pieces):
            on_delta(piece)
            until = time.monotonic() + (slow if number == 0 else 0.0)
            while cancelled.is_set() or time.monotonic() < until:
                if cancelled.is_set():
                    stopped = Cancelled("The generation was aborted.")
                    stopped.usage = Usage(prompt=100, completion=number + 1)
                    raise stopped
                if time.monotonic() > began + request.deadline:
                    raise DeadlineExceeded("The reply was not complete in time.")
                time.sleep(0.02)
        tokens = [Token(piece) for piece in pieces]
        return Completion(self.words, tokens, Usage(prompt=100, cached=64, completion=len(pieces)), 0.01, "stop")

    def close(self) -> None:
        """There is nothing to free."""


class TalkingGrader(TalkingEngine):
    """Grades essays besides, as an `InstantEngine` does; those are asked about with a schema."""

    def __init__(self, settings: object = None) -> None:
        super().__init__(settings)
        self._grader = InstantEngine(settings)

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        engine = self._grader if request.schema else super()
        return engine.grade(request, on_delta, cancelled)

    def close(self) -> None:
        self._grader.close()
