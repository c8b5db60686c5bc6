"""The words that a grader is asked with.

`prompts/grade/<language>/<version>.md` holds them; where a caller names no version the setting `grade_prompt` does, or
else it is the language's default. Within a version, what is the same for every essay of an assignment (role, rubric,
task) comes first and byte for byte the same, so that an engine's prefix cache holds it; the essay comes last, between
tags that its writer could not foresee.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from grading.prompts import library
from grading.prompts.defaults import default
from grading.prompts.library import Prompt
from grading.revision import Former
from grading.rubric import LEVELS, Criterion
from grading.task import Task
from settings import settings


@dataclass(frozen=True)
class Rendered:
    """Chat messages ready for an engine; `hash` is the SHA-256 (hex) of all of them, essay included, `template_hash`
    that of the prompt file; `states_confidence` as in `grading.prompts.library.Prompt`."""

    messages: tuple[Mapping[str, str], ...]
    version: str
    retry_temperature: float
    hash: str
    template_hash: str
    states_confidence: bool


def render(task: Task, text: str, delimiter: str, version: str | None = None, former: Former | None = None) -> Rendered:
    """The messages that ask for a grade of this essay; the text stands in the last one byte for byte.

    Of a revised version the `former` grade is shown behind it, between tags that can be foreseen as little.
    Raises `grading.prompts.library.UnknownPrompt` for a version that there is not.
    """
    template = load(task.language, version)
    revised = ""
    if former:
        tag = delimiter.replace("essay", "former", 1)
        revised = "\n\n" + library.fill(revision_words(task.language), {"delimiter": tag, "former": former.record})
    return rendered(template, static_values(task) | {"delimiter": delimiter, "essay": text}, revised)


def rendered(template: Prompt, values: Mapping[str, str], behind: str = "") -> Rendered:
    """The messages of a prompt with these values in it, and with that text behind the last one."""
    *first, (last, said) = template.filled(values)
    messages = tuple({"role": role, "content": content} for role, content in (*first, (last, said + behind)))
    digest = hashlib.sha256(json.dumps(messages, ensure_ascii=False).encode()).hexdigest()
    return Rendered(
        messages, template.id, template.retry_temperature, digest, template.hash, template.states_confidence
    )


@cache
def revision_words(language: str) -> str:
    """The file that asks what has changed since the version before, as it is."""
    return (library.FOLDER / "revision" / f"{language}.md").read_text(encoding="utf-8").strip()


def static_values(task: Task) -> dict[str, str]:
    """What is filled in and is the same for every essay of an assignment."""
    return {
        "title": task.title,
        "prompt": task.prompt,
        "criteria": "\n\n".join(_describe(criterion) for criterion in task.rubric.criteria),
    }


def load(language: str, version: str | None = None) -> Prompt:
    """The prompt for a language in this version, by default the one in use."""
    version = version or settings().grade_prompt
    return library.load("grade", language, version) if version else default("grade", language)


def delimiter(secret: str | bytes, text: str, name: str = "essay") -> str:
    """The name of the tags around an essay, or around something else, such as `essay-5f0c82a91b3d`.

    A keyed hash of the text: the same essay gets the same prompt when it is graded again, yet nobody without the key
    can write an essay that closes its own tag.
    """
    key = secret.encode() if isinstance(secret, str) else secret
    return f"{name}-" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:12]


def _describe(criterion: Criterion) -> str:
    """A criterion with its descriptors: at their levels, evenly spread, or as its mere description if there is one."""
    heading = f"## {criterion.key}: {criterion.name}"
    if len(criterion.descriptors) < 2:
        return "\n".join((heading, *criterion.descriptors))
    step = (len(LEVELS) - 1) / (len(criterion.descriptors) - 1)
    anchored = [(LEVELS[round(index * step)], words) for index, words in enumerate(criterion.descriptors)]
    return "\n".join((heading, *(f"{level} = {words}" for level, words in reversed(anchored))))
