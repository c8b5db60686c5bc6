"""Which prompts there are, what they say, and how two of them differ.

A prompt is a file that is never changed once it was used: what it says differently is a new version. Its front matter
states `task`, `language`, `version` (its whole id), `tokens`, its own length without what is filled in, and
`retry_temperature`, at which an invalid reply is tried again; with `states_confidence` the model says how sure it is.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from rapidfuzz import process

from settings import ROOT

FOLDER = ROOT / "prompts"
VERBOSE = "verbose"
"""The version that says everything at length, which savings are measured against."""
ENCODING = "cl100k_base"
"""What `tokens` in the front matter is counted with: the encoding of GPT-4 Turbo, the usual baseline of the costs."""

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_ROLE = re.compile(r"^<!-- (system|user) -->\n", re.MULTILINE)
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_WORD = re.compile(r"[A-Za-z0-9_']+|\s+|.", re.DOTALL)


class UnknownPrompt(LookupError):
    """No prompt has this name; the message names those that come nearest."""


@dataclass(frozen=True)
class Prompt:
    """One prompt file. `messages` are pairs of role and text with `{{placeholders}}`; `tokens` are of `ENCODING`,
    and `hash` is the SHA-256 (hex) of the file."""

    task: str
    language: str
    version: str
    tokens: int
    retry_temperature: float
    messages: tuple[tuple[str, str], ...]
    hash: str
    states_confidence: bool = False
    """Whether its reply says how sure the model is of its levels."""

    @property
    def id(self) -> str:
        return f"{self.task}/{self.language}/{self.version}"

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names of what is filled in, in their order, each once."""
        return tuple(dict.fromkeys(name for _, text in self.messages for name in PLACEHOLDER.findall(text)))

    def filled(self, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The messages with all placeholders filled in one pass, so that braces in a value stay what they are."""
        return tuple((role, fill(text, values)) for role, text in self.messages)

    def text(self, values: Mapping[str, str] | None = None) -> str:
        """All messages as one text; what `values` do not name is left empty. Without any these are the instructions."""
        known = dict.fromkeys(self.placeholders, "") | dict(values or {})
        return "\n".join(text for _, text in self.filled(known))


def source(prompt: Prompt) -> str:
    """The whole file of a prompt."""
    return _path(prompt.task, prompt.language, prompt.version).read_text(encoding="utf-8")


def instructions(file: str) -> str:
    """The text of a prompt file as `Prompt.text` gives it: no front matter, no roles, and nothing filled in."""
    found = _FRONT_MATTER.fullmatch(file)
    first, *parts = _ROLE.split(found[2] if found else file)
    texts = [text.removesuffix("\n") for text in parts[1::2]]
    return PLACEHOLDER.sub("", "\n".join(texts if parts else [first]))


def fill(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)


def ids() -> list[str]:
    """The ids of all prompts, such as `grade/en/v1`; the verbose version of each kind first."""
    found = [path.relative_to(FOLDER).with_suffix("").parts for path in FOLDER.glob("*/*/*.md")]
    return ["/".join(parts) for parts in sorted(found, key=lambda parts: (parts[:2], parts[2] != VERBOSE, parts[2]))]


def every() -> Iterator[Prompt]:
    return map(find, ids())


def find(name: str) -> Prompt:
    """The prompt with this id. Raises `UnknownPrompt`."""
    if name not in ids():
        nearest = [match for match, _, _ in process.extract(name, ids(), limit=3, score_cutoff=50)]
        hint = f"Did you mean {' or '.join(nearest)}?" if nearest else f"There are {', '.join(ids())}."
        raise UnknownPrompt(f"No prompt is called {name!r}. {hint}")
    task, language, version = name.split("/")
    return load(task, language, version)


@cache
def load(task: str, language: str, version: str) -> Prompt:
    """Read one prompt file. Raises `UnknownPrompt` when there is none, `ValueError` when it is none."""
    path = _path(task, language, version)
    try:
        file = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        there = sorted(file.stem for file in path.parent.glob("*.md"))
        raise UnknownPrompt(f"No prompt for {task} in {language} is called {version!r}; there are {there}.") from None
    found = _FRONT_MATTER.fullmatch(file)
    if found is None:
        raise ValueError(f"{path} does not begin with front matter between two lines of ---")
    front = yaml.safe_load(found[1])
    if front["version"] != f"{task}/{language}/{version}":
        raise ValueError(f"{path} says that it is {front['version']}")
    _, *parts = _ROLE.split(found[2])
    messages = tuple((role, text.removesuffix("\n")) for role, text in zip(parts[::2], parts[1::2], strict=True))
    digest = hashlib.sha256(file.encode()).hexdigest()
    return Prompt(
        task,
        language,
        version,
        front["tokens"],
        front["retry_temperature"],
        messages,
        digest,
        front.get("states_confidence", False),
    )


def verbose_surplus(name: str) -> int:
    """Tokens (`ENCODING`) that the verbose prompt of the same task and language would have had more than this one.

    What is filled in is as long in both. Added to the prompt tokens that a call has used, it gives those that the
    baseline of the costs would have used. Below zero for a prompt that is longer than the verbose one. Raises
    `UnknownPrompt`.
    """
    one = find(name)
    return load(one.task, one.language, VERBOSE).tokens - one.tokens


def unified_diff(one: Prompt, other: Prompt) -> list[str]:
    """The lines that differ, with some around them, as `diff -u` writes them."""
    return list(difflib.unified_diff(_lines(one), _lines(other), one.id, other.id, lineterm=""))


def word_diff(one: Prompt, other: Prompt) -> Iterator[tuple[str, str]]:
    """Pieces of both prompts in reading order: `("", in both)`, `("-", only in one)` or `("+", only in the other)`."""
    before, after = (_WORD.findall("\n".join(_lines(prompt))) for prompt in (one, other))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        if what == "equal":
            yield "", "".join(before[start:end])
        else:
            yield from ((sign, text) for sign, text in _changed(before[start:end], after[new_start:new_end]) if text)


def _path(task: str, language: str, version: str) -> Path:
    return FOLDER / task / language / f"{version}.md"


def _changed(removed: list[str], added: list[str]) -> tuple[tuple[str, str], ...]:
    return ("-", "".join(removed)), ("+", "".join(added))


def _lines(prompt: Prompt) -> list[str]:
    return [line for role, text in prompt.messages for line in (f"<!-- {role} -->", *text.split("\n"))]
