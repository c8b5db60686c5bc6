"""What may be handed in as an essay. Nothing here, or anywhere else in Pizhu, ever changes the text."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Language = Literal["zh", "en"]

MAX_CHARACTERS = 20_000
"""Longest essay, in Unicode code points."""

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What no text that people wrote for others holds; an essay may, but a rubric or a task may not."""

UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")
"""What Postgres or UTF-8 cannot hold: NUL and lone surrogates."""

_WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


class TextError(ValueError):
    """A text that cannot be graded: `code` is `empty`, `too_long`, `nul` or `surrogate`, `message` says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def plain(text: str) -> str:
    """To compare, not to keep: the same for texts that differ in capitals, widths and spaces alone."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def check(text: str) -> None:
    """Accept a text as it stands, or raise `TextError`.

    NUL cannot be stored by Postgres and a lone surrogate cannot be written as UTF-8: rather than mend them in
    silence, which would grade a text that nobody wrote, both are refused with their place.
    """
    if len(text) > MAX_CHARACTERS:
        raise TextError(
            "too_long",
            f"The essay has {len(text):,} characters; at most {MAX_CHARACTERS:,} can be graded. Please shorten it.",
        )
    if not text or text.isspace():
        raise TextError("empty", "The essay is empty. Please write something before you hand it in.")
    if found := UNSTORABLE.search(text):
        place = found.start() + 1
        if found[0] == "\0":
            raise TextError("nul", f"Character {place} of the essay is a NUL character. Please remove it.")
        raise TextError(
            "surrogate",
            f"Character {place} of the essay is half of a surrogate pair, which is no character. "
            "Please paste the text again, or remove what stands there.",
        )


def language_of(text: str) -> Language:
    """Chinese when there are at least as many Han characters as words of other scripts, otherwise English."""
    han = len(HAN.findall(text))
    return "zh" if han and han >= len(_WORD.findall(text)) else "en"
