"""Finding in the essay what a model says it quotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from grading.text import HAN

SIMILARITY = 0.9
"""Least normalised Levenshtein similarity (1 − edits / longer length) of a quote and the words it is taken for."""
SHORTEST = 8
"""Shortest quote, in characters, that may differ from the essay at all; a shorter one might be anything."""
SHORTEST_HAN = 4
"""The same for a quote of Han characters, which say more each."""

_NO_BLANKS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff]")
_MARKS = frozenset("\"'`´«»‘’‚‛“”„‟‹›「」『』〝〞＂＇")
_JOINER = "\u200d"


def locate(quote: str, essay: str) -> tuple[int, int] | None:
    """Where the quoted words stand: `(start, end)` in code points, or None.

    Looked for in this order: as they are; then without regard to case, white space, quotation marks, accents and
    the width of characters; then within a small edit distance (`SIMILARITY`). Among equals the first that stands on
    whole words wins. The place is widened to whole words and whole visible characters, so that a quote that a length
    limit cut short in the middle of a word does not cut the margin note too.
    """
    quote = quote.strip()
    if not quote:
        return None
    place = _exact(quote, essay) or _loose(quote, essay)
    return _snap(essay, *place) if place else None


def _exact(quote: str, essay: str) -> tuple[int, int] | None:
    first = essay.find(quote)
    if first < 0:
        return None
    whole = (start for start in _occurrences(quote, essay) if _on_boundaries(essay, start, start + len(quote)))
    start = next(whole, first)
    return start, start + len(quote)


def _loose(quote: str, essay: str) -> tuple[int, int] | None:
    wanted, _ = _fold(quote)
    text, origin = _fold(essay)
    if not wanted:
        return None
    for start in _occurrences(wanted, text):
        place = origin[start], origin[start + len(wanted) - 1] + 1
        if _on_boundaries(essay, *place):
            return place
    shortest = SHORTEST_HAN if len(HAN.findall(wanted)) * 2 > len(wanted) else SHORTEST
    if len(wanted) < shortest:
        return None
    found = _nearest(wanted, text)
    return (origin[found[0]], origin[found[1] - 1] + 1) if found else None


def _nearest(wanted: str, text: str) -> tuple[int, int] | None:
    """The stretch of the text that is most like what is wanted, if it is like enough."""
    # A stretch of equal length that shares 1 − e of its characters scores at least 1 − 2e here; its ends may be off
    # by the number of edits, and are then moved to where they fit best.
    window = fuzz.partial_ratio_alignment(wanted, text, score_cutoff=100 * (1 - 2 * (1 - SIMILARITY)))
    if window is None:
        return None
    slack = round(len(wanted) * (1 - SIMILARITY)) + 1
    starts = range(max(0, window.dest_start - slack), window.dest_start + slack + 1)
    ends = range(max(0, window.dest_end - slack), min(len(text), window.dest_end + slack) + 1)
    similarity, start, end = max(
        ((Levenshtein.normalized_similarity(wanted, text[start:end]), start, end) for start in starts for end in ends),
        key=lambda candidate: candidate[0],
    )
    return (start, end) if similarity >= SIMILARITY and start < end else None


def _occurrences(part: str, whole: str) -> Iterator[int]:
    start = whole.find(part)
    while start >= 0:
        yield start
        start = whole.find(part, start + 1)


def _fold(text: str) -> tuple[str, list[int]]:
    """The text without what a model tends to change in copying, and each remaining character's place in the text."""
    folded: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        if character.isspace() or character in _MARKS:
            continue
        for plain in unicodedata.normalize("NFKD", character).casefold():
            if not unicodedata.combining(plain) and not plain.isspace():
                folded.append(plain)
                origin.append(place)
    return "".join(folded), origin


def _snap(essay: str, start: int, end: int) -> tuple[int, int]:
    while _cuts(essay, start):
        start -= 1
    while _cuts(essay, end):
        end += 1
    return start, end


def _on_boundaries(essay: str, start: int, end: int) -> bool:
    return not _cuts(essay, start) and not _cuts(essay, end)


def _cuts(essay: str, place: int) -> bool:
    """Whether a boundary here would cut a word, or a character that is made of several code points."""
    if not 0 < place < len(essay):
        return False
    left, right = essay[place - 1], essay[place]
    return (
        (_in_word(left) and _in_word(right))
        or unicodedata.category(right).startswith("M")
        or _JOINER in (left, right)
        or "\U0001f3fb" <= right <= "\U0001f3ff"  # skin tones
        or (left, right) == ("\r", "\n")
    )


def _in_word(character: str) -> bool:
    """Letters and digits of scripts that put blanks between words."""
    return character.isalnum() and not HAN.match(character) and not _NO_BLANKS.match(character)
