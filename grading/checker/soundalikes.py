"""Which Chinese characters sound alike, so that one is written for another: 跳无 for 跳舞, 高诉 for 告诉.

Most slips of who types or hears Chinese are of this kind. Two characters sound alike when they share a reading without
its tone, or nearly do: z/zh, c/ch, s/sh and n/ng are one sound to many.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from grading.segmentation import jieba

COMMON = 100
"""Occurrences in jieba's corpus from which on a character is one that people write."""
READINGS = 3
"""Readings of a character that count, the usual ones first."""

_UMLAUT = "\u0308"
_MERGED = re.compile(r"(?<=^[zcs])h|(?<=n)g$")


@lru_cache(maxsize=10_000)
def soundalikes(character: str) -> Mapping[str, bool]:
    """The common characters that sound like this one; True for those of exactly the same sound."""
    readings, by_sound = _tables()
    own = readings.get(character, ())
    return {
        other: any(reading in readings[other] for reading in own)
        for reading in own
        for other in by_sound[_merged(reading)]
        if other != character
    }


def all_soundalikes() -> Iterator[tuple[str, str, bool]]:
    """All pairs of common characters that sound alike, likewise."""
    return ((one, other, same) for one in _tables()[0] for other, same in soundalikes(one).items())


@cache
def _tables() -> tuple[dict[str, tuple[str, ...]], dict[str, list[str]]]:
    """Readings by character and characters by merged reading, from pypinyin's table; made in a tenth of a second."""
    from pypinyin.pinyin_dict import pinyin_dict

    dictionary = jieba()
    readings = {}
    by_sound = defaultdict(list)
    for code, spellings in pinyin_dict.items():
        character = chr(code)
        if dictionary.has_word(character) and dictionary.suggest_freq(character) >= COMMON:
            own = dict.fromkeys(_toneless(spelling) for spelling in spellings.split(",")[:READINGS])
            readings[character] = tuple(own)
            for sound in dict.fromkeys(map(_merged, own)):
                by_sound[sound].append(character)
    return readings, by_sound


def _toneless(spelling: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFD", spelling) if mark.isalpha() or mark == _UMLAUT)


def _merged(reading: str) -> str:
    return _MERGED.sub("", reading)


@lru_cache(maxsize=10_000)
def sound(character: str) -> str:
    """The usual sound of a character, without its tone and what many do not hear; itself where it has none."""
    return next(map(_merged, _tables()[0].get(character, ())), character)
