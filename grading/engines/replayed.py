"""An engine whose reply has come already: what a batch brought goes the same way as what is said live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from grading.engines.engine import Completion, EngineError, Flag, Request, Unavailable


def digest(request: Request) -> str:
    """SHA-256 of what is asked, whatever the request is called and however long its answer may take."""
    asked = [[dict(message) for message in request.messages], request.schema, request.max_tokens, request.temperature]
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()


class Replayed:
    """Gives the reply that came, or raises what came instead of one.

    `asked` is the `digest` of the request that it is the reply to. To any other, for example because the assignment was
    changed in the meantime, it has none and raises `Unavailable`: the same may go well live.
    """

    def __init__(self, model: str, version: str, asked: str | None, reply: Completion | EngineError) -> None:
        self.model, self.version = model, version
        self._asked, self._reply = asked, reply

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        """See `Engine.grade`. Nothing is streamed."""
        if isinstance(self._reply, EngineError):
            raise self._reply
        if digest(request) != self._asked:
            raise Unavailable("The assignment was changed after this essay was sent.")
        return self._reply

    def close(self) -> None:
        """There is nothing to free."""
