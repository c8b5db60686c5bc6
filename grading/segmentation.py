"""Where sentences and words begin and end, in Chinese, in English, and where the two are mixed.

A word is a run of letters or digits, with the apostrophes and hyphens inside it; a run of Han characters is cut into
words by jieba's dictionary. `rjieba` is the living Rust edition of jieba: the same dictionary and the same words,
in 0.1 ms where the Python edition, last released in 2020, needs more than the whole score may cost.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"(?P<han>[{_HAN}]+)|[^\W_{_HAN}]+(?:['’\-][^\W_{_HAN}]+)*")

_END = re.compile(
    r"""
    [。！？!?…]+[”’"'」』）)\]]*                      # nothing else is ever meant by these
    | \.+[”’"')\]]*(?=\s|$|[\u3000-\u9fff])           # a full stop, unless it stands inside a number or a name
    | \n\s*\n                                          # a new paragraph
    | \n(?!\s*[a-z])                                   # a new line, unless a sentence was wrapped there
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(r"(?:\b(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|e\.g|i\.e|fig|approx)|\b[a-z](?:\.[a-z])*)$", re.I)


class Word(NamedTuple):
    """`text[start:end]`, counted in code points. A tuple, since a page has hundreds."""

    start: int
    end: int
    text: str


class Sentence(NamedTuple):
    """A sentence without the blanks around it; one without a word is none."""

    start: int
    end: int
    words: tuple[Word, ...]


def words(text: str) -> list[Word]:
    """The words of a text in their order; Chinese ones as jieba's dictionary has them, or guessed, mostly names."""
    found = []
    for run in _RUN.finditer(text):
        place = run.start()
        for word in jieba().cut(run[0], hmm=True) if run["han"] else [run[0]]:
            found.append(Word(place, place + len(word), word))
            place += len(word)
    return found


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text in their order."""
    found: list[Sentence] = []
    waiting = words(text)
    start = place = 0
    for end in _ends(text):
        first = place
        while place < len(waiting) and waiting[place].end <= end:
            place += 1
        if place > first:
            piece = text[start:end]
            begin = start + len(piece) - len(piece.lstrip())
            found.append(Sentence(begin, start + len(piece.rstrip()), tuple(waiting[first:place])))
        start = end
    return found


def _ends(text: str) -> list[int]:
    stops = [
        stop.end()
        for stop in _END.finditer(text)
        if not (stop[0].startswith(".") and _ABBREVIATION.search(text[max(0, stop.start() - 8) : stop.start()]))
    ]
    return [*stops, len(text)]


@cache
def jieba() -> Any:
    """The dictionary; reading it takes a fifth of a second, so whoever imports this module does not wait for it."""
    import rjieba

    return rjieba.Jieba()
