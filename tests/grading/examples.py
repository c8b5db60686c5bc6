"""An assignment in each language and a reply, for tests that need some."""

from __future__ import annotations

import json
from typing import Any

from grading.rubric import Rubric
from grading.task import Task

RUBRIC = Rubric.parse(
    {
        "criteria": [
            {"key": "ideas", "name": "Ideas", "max": 10, "descriptors": ["none to be seen", "one", "several, argued"]},
            {"key": "language", "name": "Language", "max": 5.5},
        ]
    }
)
TASK = Task("A letter", "Write to the mayor about a change that your town needs.", "en", RUBRIC)
TASK_ZH = Task(
    "行而知之",
    "以“行而知之”为题，写一篇议论文。",
    "zh",
    Rubric.parse(
        {"criteria": [{"key": "ideas", "name": "立意", "max": 20}, {"key": "words", "name": "语言", "max": 10}]}
    ),
)


def reply(**changes: Any) -> dict[str, Any]:
    """A valid reply to `RUBRIC`, with some of its fields changed."""
    return {
        "levels": {"ideas": 4, "language": 2},
        "comments": {"ideas": "You name a bus line. Say who would use it.", "language": "You write plainly. Vary it."},
        "annotations": [{"quote": "a bus line", "kind": "idea", "comment": "A good example."}],
        "strengths": ["A clear wish."],
        "suggestions": ["Give a reason."],
        **changes,
    }


def as_text(obj: Any) -> str:
    return json.dumps(obj, ensure_ascii=False)
