"""A prompt said shorter by rule: filler left out, phrases and symbols for long-winded words, nothing said twice.

It is for prompts, never for an essay: what is filled in later stands there as a `{{placeholder}}`, and placeholders,
front matter, comments, code and quoted strings stay byte for byte. Negations and numbers are never lost, and what
was compressed once is not changed again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rapidfuzz import fuzz, process

from grading.prompts.phrases import DROPPED, LIGHT, REPLACED

_KEPT = re.compile(
    r"""\A---\n.*?\n---\n                       # front matter
    | ^(?P<fence>```|~~~).*?(?:^(?P=fence)[^\n]*$|\Z)   # a block of code, also one that is not closed
    | `[^`\n]+` | \{\{.*?\}\} | <!--.*?-->
    | "[^"\n]*" | “[^”\n]*” | ‘[^’\n]*’ | 「[^」\n]*」 | 『[^』\n]*』 | 《[^》\n]*》
    | [\U000F0000-\U0010FFFD]+                # would be taken for one of our own marks""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_FIRST_MARK = 0xF0000
_MARK = re.compile("[\U000f0000-\U0010fffd]")

_MARKDOWN = (
    (re.compile(r"(?<![A-Za-z0-9])\*\*(?=\S)([^*\n]+)(?<=\S)\*\*(?![A-Za-z0-9])"), r"\1"),
    (re.compile(r"(?<!\w)__(?=\S)([^_\n]+)(?<=\S)__(?!\w)"), r"\1"),
    (re.compile(r"^[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*\n", re.MULTILINE), ""),
    (re.compile(r"^##+ ", re.MULTILINE), "# "),
    (re.compile(r"^(#.*?\S)[ \t]+#+$", re.MULTILINE), r"\1"),
    (re.compile(r"^([ \t]*)[*+•] ", re.MULTILINE), r"\1- "),
)
_WHITE = (
    (re.compile(r"([!！?？])\1+"), r"\1"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
    (re.compile(r"(?<=\S)[ \t]{2,}(?=\S)"), " "),
    (re.compile(r"\n{3,}"), "\n\n"),
)
_SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s)|(?<=[。！？])")
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?|\d+(?:\.\d+)?|[\u3400-\u9fff]|[≥≤→%]")
_ENDING = re.compile(r"(?<=\w{4})(?:es|s|ed|ing)$")
_NO_SENTENCE = re.compile(r"[ \t]*(?:#|\d+[.)])")
"""Headings and numbered points stay as they are: dropping one would leave a number without its point."""
_EMPTY_POINT = re.compile(r"[ \t]*-?[ \t]*")

FEWEST_WORDS = 4
"""A sentence of fewer words (or Chinese characters) may be said twice."""
ALIKE = 90
"""Rapidfuzz's ratio from which on two sentences are looked at more closely."""


@dataclass(frozen=True)
class Compressed:
    """The shorter prompt, and how often each kind of rule was applied."""

    text: str
    changes: dict[str, int]


def compress(prompt: str) -> Compressed:
    """The prompt said shorter. Raises `ValueError` for one with more than 65,000 different strings to keep."""
    changes: Counter[str] = Counter()
    text, before = prompt, None
    while text != before:
        before = text
        marked, kept = _mark(text)
        text = _unmark(_shorter(marked, changes), kept)
    return Compressed(text, {kind: changes[kind] for kind in ("fillers", "phrases", "duplicates", "decoration")})


def _mark(text: str) -> tuple[str, list[str]]:
    """The text with one private character for each string that is kept; the same one for the same string."""
    kept: dict[str, int] = {}
    marked = _KEPT.sub(lambda found: chr(_FIRST_MARK + kept.setdefault(found[0], len(kept))), text)
    if len(kept) > 65_000:
        raise ValueError("The prompt has more than 65,000 quoted strings; it is no prompt.")
    return marked, list(kept)


def _unmark(text: str, kept: Sequence[str]) -> str:
    return _MARK.sub(lambda found: kept[ord(found[0]) - _FIRST_MARK], text)


def _shorter(text: str, changes: Counter[str]) -> str:
    for pattern in DROPPED:
        text, count = re.subn(pattern.pattern + r"(\S)", _drop, text, flags=pattern.flags)
        changes["fillers"] += count
    for pattern, short in REPLACED:
        text, count = pattern.subn(partial(_say, short), text)
        changes["phrases"] += count
    for pattern, plain in _MARKDOWN:
        text, count = pattern.subn(plain, text)
        changes["decoration"] += count
    text, count = _once(text)
    changes["duplicates"] += count
    for pattern, plain in _WHITE:
        text = pattern.sub(plain, text)
    return text


def _drop(found: re.Match[str]) -> str:
    """What follows the filler."""
    return _joined(found, found[found.lastindex or 0])


def _say(short: str, found: re.Match[str]) -> str:
    return _joined(found, found.expand(short))


def _joined(found: re.Match[str], short: str) -> str:
    """What stands for the match: with a capital where it had one; itself where two words would become one."""
    before = found.string[: found.start()][-1:]
    if re.fullmatch("[A-Za-z0-9_]{2}", before + short[:1]):
        return found[0]
    return short[0].upper() + short[1:] if short[:1].isascii() and found[0][0].isupper() else short


def _once(text: str) -> tuple[str, int]:
    """The text without sentences that say what an earlier one has said, and how many those are."""
    said: list[list[str]] = []
    lines, dropped = [], 0
    for line in text.split("\n"):
        if _NO_SENTENCE.match(line):
            lines.append(line)
            continue
        sentences = _SENTENCE_END.split(line)
        new = [sentence for sentence in sentences if _is_new(sentence, said)]
        dropped += len(sentences) - len(new)
        if len(new) == len(sentences) or not _EMPTY_POINT.fullmatch("".join(new)):
            lines.append("".join(new) if len(new) == len(sentences) else _rejoined(sentences, new))
    return "\n".join(lines), dropped


def _rejoined(sentences: Sequence[str], new: Sequence[str]) -> str:
    """What is left of a line, with its point's dash also when the first sentence went."""
    dash = re.match(r"[ \t]*(?:- )?", sentences[0])
    left = "".join(new)
    return left if new[0] is sentences[0] or dash is None else dash[0] + left.lstrip()


def _is_new(sentence: str, said: list[list[str]]) -> bool:
    words = [word for word in _WORD.findall(sentence.lower()) if word not in LIGHT]
    if len(words) < FEWEST_WORDS or _MARK.search(sentence):
        return True
    near = process.extract(" ".join(words), [" ".join(one) for one in said], scorer=fuzz.ratio, score_cutoff=ALIKE)
    if any(_same(words, said[index]) for _, _, index in near):
        return False
    said.append(words)
    return True


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the words are the same in the same order but for their endings; one word may make all the difference."""
    return [_ENDING.sub("", word) for word in one] == [_ENDING.sub("", word) for word in other]
