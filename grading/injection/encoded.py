"""Orders that are written so that neither readers nor lists of words know them, and strings that nobody would write."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{4}){5,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?![A-Za-z0-9+/=])"
)
_HEX = re.compile(r"(?<![0-9a-fA-F])(?:(?:\\x|0x|%)?[0-9a-fA-F]{2}[ ,]?){16,}(?![0-9a-fA-F])")
_PERCENT = re.compile(r"(?:\\x|0x|%|[ ,])")
_SPACED = re.compile(r"(?:(?<!\w)\w(?:[ .\-_*]{1,3}(?=\w(?!\w)))){9,}\w(?!\w)")
_ODD = re.compile(
    r"""
      (?P<code>(?:[{}\[\]<>|\\=_^~`\#*$][^\w\s]*)+|[^\w\s]{1,3}[{}\[\]<>|\\=_^~`\#*$]+)
    | (?P<glued>[a-z]{3,}[A-Z][A-Za-z]+|[A-Z]{3,}[a-z]{3,})
    | (?P<marks>[^\w\s]{5,}|["'][.,;:]?[\])}]|\("+|/["\]]|\w/[a-z]{4,})
    | (?P<unspaced>[a-z]{3,}[?!.;:]+[A-Z(][A-Za-z]+)
    """,
    re.VERBOSE,
)
"""Signs of a string that was found by a search and not written: code, words run together, marks that nobody sets."""
_CODE = re.compile(r"[{}\[\]<>|\\=_^~`#*/]")
_HONEST = frozenset(".!?,*-_ '\"@%")
_JUDGING = re.compile(
    r"\b(?:output|correct|assistant|better|answers?|instructions?|responses?|judge|referee|outstanding|win(?:s|ner)?"
    r"|best|reject)\b",
    re.IGNORECASE,
)
WINDOW = 100
"""Characters of a text that are looked at together for what nobody would write."""


def decoded(text: str) -> Iterator[tuple[int, int]]:
    """Stretches that are words in Base64 or in hexadecimal digits."""
    for found in _BASE64.finditer(text):
        if _is_words(_from_base64(found[0])):
            yield found.span()
    for found in _HEX.finditer(text):
        if _is_words(bytes.fromhex(digits) if not len(digits := _PERCENT.sub("", found[0])) % 2 else b""):
            yield found.span()


def spaced(text: str) -> Iterator[tuple[int, int]]:
    """Stretches in which blanks or dots stand between all letters."""
    return (found.span() for found in _SPACED.finditer(text) if any(c.isalpha() for c in found[0]))


def gibberish(text: str) -> Iterator[tuple[int, int]]:
    """Stretches like optimised suffixes: odd signs of more kinds close together, or one amid words of judging."""
    odd = [found for found in _ODD.finditer(text) if not set(found[0]) <= _HONEST]
    for first, found in enumerate(odd):
        near = [each for each in odd[first:] if each.start() < found.start() + WINDOW]
        kinds = {each.lastgroup for each in near}
        signs = _CODE.findall(text[found.start() : found.start() + WINDOW])
        if ("code" in kinds and len(kinds) > 1) or (len(signs) > 4 and len(set(signs)) > 2):
            yield found.start(), near[-1].end()
        start, end = max(0, found.start() - WINDOW), found.end() + WINDOW
        judging = [start + each.start() for each in _JUDGING.finditer(text[start:end])]
        if found.lastgroup in ("code", "glued") and len(judging) > 1:
            yield min(found.start(), *judging), max(found.end(), *judging)


def _from_base64(letters: str) -> bytes:
    try:
        return base64.b64decode(letters, validate=True)
    except binascii.Error:
        return b""


def _is_words(data: bytes) -> bool:
    """Whether it is text with blanks or Han characters in it, and not chance."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    readable = sum(character.isalpha() or character in " .,:;!?'\n" for character in text)
    return len(text) >= 6 and readable >= 0.9 * len(text)
