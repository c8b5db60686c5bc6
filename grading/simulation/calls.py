"""How many tokens a call to a hosted model takes, by what was counted.

    prompt = instructions + schema + task + characters · tokens a character

Instructions are those of the prompt files, whose front matter has their tokens (checked by a test). The rest was
counted with cl100k_base, the encoding of GPT-4 Turbo; o200k_base, that of later models, needs as many for English and a
third fewer for Chinese.
"""

from __future__ import annotations

from dataclasses import dataclass

from grading.prompts import library
from grading.prompts.library import VERBOSE
from grading.text import Language

CACHED_FROM = 1024
"""Tokens that calls must have in common before OpenAI caches them; it does so"""
CACHED_STEP = 128
"""at a time, and"""
CACHED_FOR = 300.0
"""seconds at least, according to its guide on prompt caching."""
GUIDE_REPLY = 800
"""Tokens of a reply in the cost guide, whose prompts have 2,000."""

_PER_CHARACTER = {"en": 0.2204, "zh": 1.2625}
"""Of 400 essays each: ASAP, and Chinese argumentative essays."""
TASK = {"en": 117, "zh": 149}
"""Title, task, rubric and tags. In English so many that an essay of 800 characters makes 2,000 tokens with the verbose
prompt, as the guide has it; those of the demonstration are 73. In Chinese as many more as the demonstration's (93)."""
_SCHEMA = 450
"""The JSON schema of a reply on three criteria, which the provider is sent with the prompt."""
_LONGEST_REPLY = {"en": 570, "zh": 1135}
"""The longest reply that this schema allows, on three criteria, filled with words of real essays; most are shorter."""


@dataclass(frozen=True)
class Call:
    """Tokens of one call. `prefix` is how much of the prompt a provider can have cached, as all essays of an assignment
    have it in common."""

    prompt: int
    reply: int
    prefix: int


def verbose(characters: int, language: Language) -> Call:
    """A call as the platform of the guide makes it: the verbose prompt, no schema, a reply as long as the guide's."""
    fixed = library.load("grade", language, VERBOSE).tokens + TASK[language]
    return Call(fixed + _essay(characters, language), GUIDE_REPLY, _cached(fixed))


def ours(characters: int, language: Language, version: str) -> Call:
    """A call of Pizhu's with that version of the prompt. Raises `grading.prompts.library.UnknownPrompt`."""
    fixed = library.load("grade", language, version).tokens + _SCHEMA + TASK[language]
    return Call(fixed + _essay(characters, language), _LONGEST_REPLY[language], _cached(fixed))


def _essay(characters: int, language: Language) -> int:
    return round(characters * _PER_CHARACTER[language])


def _cached(fixed: int) -> int:
    return fixed // CACHED_STEP * CACHED_STEP if fixed >= CACHED_FROM else 0
