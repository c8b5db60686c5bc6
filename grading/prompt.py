"""The words that a grader is asked with.

`prompts/grade/<language>/<version>.md` holds them. What is the same for every essay of an assignment (role, rubric,
task) comes first and byte for byte the same, so that an engine's prefix cache holds it; the essay comes last, between
tags that its writer could not foresee.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from grading.rubric import LEVELS, Criterion
from grading.task import Task
from settings import ROOT

VERSION = "v1"
"""The version of the prompts in use; a changed prompt is a new file with a new version."""

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_ROLE = re.compile(r"^<!-- (system|user) -->\n", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Template:
    """One prompt file: its version, the temperature at which an invalid reply is tried again, its messages."""

    version: str
    retry_temperature: float
    messages: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rendered:
    """Chat messages ready for an engine; `hash` is the SHA-256 (hex) of all of them, essay included."""

    messages: tuple[Mapping[str, str], ...]
    version: str
    retry_temperature: float
    hash: str


def render(task: Task, text: str, delimiter: str) -> Rendered:
    """The messages that ask for a grade of this essay; the text stands in the last one byte for byte."""
    template = load(task.language)
    values = {
        "title": task.title,
        "prompt": task.prompt,
        "criteria": "\n\n".join(_describe(criterion) for criterion in task.rubric.criteria),
        "delimiter": delimiter,
        "essay": text,
    }
    messages = tuple({"role": role, "content": _fill(content, values)} for role, content in template.messages)
    digest = hashlib.sha256(json.dumps(messages, ensure_ascii=False).encode()).hexdigest()
    return Rendered(messages, template.version, template.retry_temperature, digest)


def delimiter(secret: str | bytes, text: str) -> str:
    """The name of the tags around an essay, such as `essay-5f0c82a91b3d`.

    A keyed hash of the text: the same essay gets the same prompt when it is graded again, yet nobody without the key
    can write an essay that closes its own tag.
    """
    key = secret.encode() if isinstance(secret, str) else secret
    return "essay-" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:12]


@cache
def load(language: str) -> Template:
    """The prompt file in use for a language."""
    path = ROOT / "prompts" / "grade" / language / f"{VERSION}.md"
    found = _FRONT_MATTER.fullmatch(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{path} does not begin with front matter between two lines of ---")
    front = yaml.safe_load(found[1])
    _, *parts = _ROLE.split(found[2])
    messages = tuple((role, content.removesuffix("\n")) for role, content in zip(parts[::2], parts[1::2], strict=True))
    return Template(front["version"], front["retry_temperature"], messages)


def _fill(content: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders in one pass, so that braces in an essay or a task stay what they are."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], content)


def _describe(criterion: Criterion) -> str:
    """A criterion with its descriptors: at their levels, evenly spread, or as its mere description if there is one."""
    heading = f"## {criterion.key}: {criterion.name}"
    if len(criterion.descriptors) < 2:
        return "\n".join((heading, *criterion.descriptors))
    step = (len(LEVELS) - 1) / (len(criterion.descriptors) - 1)
    anchored = [(LEVELS[round(index * step)], words) for index, words in enumerate(criterion.descriptors)]
    return "\n".join((heading, *(f"{level} = {words}" for level, words in reversed(anchored))))
