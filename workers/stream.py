"""The words of a reply, published while they are written."""

from __future__ import annotations

import time
import uuid

from grading import progress

INTERVAL = 0.1
"""Least seconds between two `delta` events of one essay."""


class Stream:
    """Merges what a model writes of one essay into a few `delta` events a second."""

    def __init__(self, essay_id: uuid.UUID) -> None:
        self._essay_id = essay_id
        self._field = ""
        self._text = ""
        self._sent = float("-inf")

    def write(self, field: str, text: str) -> None:
        """The next piece of a field's text; `("", "")` says that the reply begins anew. As `grader.OnProgress`."""
        if not field:
            self._field = self._text = ""
            progress.publish(self._essay_id, "delta", {"field": "", "text": "", "restart": True})
            return
        if field != self._field:
            self.flush()
            self._field = field
        self._text += text
        if time.monotonic() - self._sent >= INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Publish what is left, without waiting."""
        if self._text:
            progress.publish(self._essay_id, "delta", {"field": self._field, "text": self._text})
            self._text, self._sent = "", time.monotonic()
