"""The local engine with replies as short as those of a model that knows when to stop.

The demonstration model fills every text of a reply to its last character, a thousand tokens where a model that can
judge writes about two hundred. For a benchmark that is about the queue and not about the model, texts are cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from grading.engines.engine import Completion, Flag, Request
from grading.engines.vllm import VllmEngine

LONGEST = 48
"""Characters of a text."""


class ShortReplies(VllmEngine):
    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        return super().grade(short(request), on_delta, cancelled)


def short(request: Request) -> Request:
    """The same request with every text in its schema cut short."""
    return replace(request, schema=_cut(request.schema or {}))


def _cut(part: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    return {name: min(value, LONGEST) if name == "maxLength" else _cut(value) for name, value in part.items()}
