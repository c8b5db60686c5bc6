"""An assignment as a grader sees it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grading.rubric import Rubric, RubricError
from grading.text import CONTROL
from models import Assignment

LANGUAGES = ("zh", "en")
MAX_TITLE = 200
MAX_PROMPT = 20_000


class TaskError(RubricError):
    """Everything that is wrong with an assignment, its rubric included."""


@dataclass(frozen=True)
class Task:
    """What the student was asked to write, in which language, and what it is judged by."""

    title: str
    prompt: str
    language: str
    rubric: Rubric

    @classmethod
    def parse(cls, obj: object) -> Task:
        """A task from `{"title", "prompt", "language", "rubric"}`; other fields are none of the grader's business.

        Raises `TaskError` that names every wrong field at once.
        """
        if not isinstance(obj, Mapping):
            raise TaskError([{"field": "", "message": "Must be an object with title, prompt, language and rubric."}])
        errors: list[dict[str, str]] = []
        title: Any = obj.get("title")
        prompt: Any = obj.get("prompt")
        language: Any = obj.get("language")
        if not _is_text(title, MAX_TITLE) or len(title.splitlines()) > 1:
            errors.append({"field": "title", "message": f"Must be one line of 1 to {MAX_TITLE} characters."})
        if not _is_text(prompt, MAX_PROMPT):
            errors.append({"field": "prompt", "message": f"Must be a text of 1 to {MAX_PROMPT:,} characters."})
        if language not in LANGUAGES:
            errors.append({"field": "language", "message": f"Must be {' or '.join(LANGUAGES)}."})
        try:
            rubric = Rubric.parse(obj.get("rubric"))
        except RubricError as error:
            raise TaskError(errors + error.errors) from None
        if errors:
            raise TaskError(errors)
        return cls(title, prompt, language, rubric)

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "prompt": self.prompt,
            "language": self.language,
            "rubric": self.rubric.to_json(),
        }

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of all that a grade depends on besides the essay and the prompt's version."""
        canonical = json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def task_of(assignment: Assignment) -> Task:
    """The assignment with its current rubric."""
    return Task(
        title=assignment.title,
        prompt=assignment.prompt,
        language=assignment.language,
        rubric=Rubric.parse({"criteria": assignment.rubric.criteria}),
    )


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= longest and not CONTROL.search(value)
