"""What an answer was asked with: two askings are the same when their keys are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["static", "ask", "realtime"]

TTL_S: Mapping[Kind, int] = {"static": 86_400, "ask": 3_600, "realtime": 300}
"""Seconds for which an answer of a kind may be served."""


@dataclass(frozen=True)
class Key:
    """Everything that an answer depends on.

    `scope` is who may be served it: "class:<uuid>", "user:<uuid>", or "public". `parts` are the task (as the ledger's
    `feature`), the model, and the versions of what the model reads besides `text`, the exact question or essay.
    Whatever the model reads must be in `parts` by its version or hash, for `tags` alone would not tell an answer to
    what was read just before a change from one after it. `tags` are what invalidates the answer:
    "assignment:<uuid>", "rubric:<id>", "prompt:<id>". `semantic` says whether an entry with other words may answer:
    for questions only, never for essays.
    """

    kind: Kind
    scope: str
    parts: Mapping[str, str]
    text: str
    tags: frozenset[str] = frozenset()
    semantic: bool = False

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex over scope, kind, parts and text."""
        return _sha256([self.scope, self.kind, sorted(self.parts.items()), self.text])

    @cached_property
    def bucket(self) -> str:
        """SHA-256 in hex over scope, kind and parts: where the semantic level looks for other words."""
        return _sha256([self.scope, self.kind, sorted(self.parts.items())])

    @property
    def ttl_s(self) -> int:
        return TTL_S[self.kind]


def _sha256(of: object) -> str:
    # JSON, so that no text can pass for the end of one field and the start of the next.
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()
