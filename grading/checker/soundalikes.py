"""Which Chinese characters sound alike, so that one is written for another: 跳无 for 跳舞, 高诉 for 告诉.

Most slips of who types or hears Chinese are of this kind. Two characters sound alike when they share a reading without
its tone, or nearly do: z/zh, c/ch, s/sh and n/ng are one sound to many. Inside a word, whose other characters stand as
they should, also those may be meant that are spoken in the same place of the mouth: b/p, z/c/s, l/n/r …, and u/ü.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

READINGS = 3
"""Readings of a character that count, the usual ones first."""

_UMLAUT = "\u0308"
_MERGED = re.compile(r"(?<=^[zcs])h|(?<=n)g$")
_PLACES = {initial: place[0] for place in ("bp", "dt", "gk", "jqx", "zcs", "lnr") for initial in place}
"""Initials (of the syllable as pinyin spells it) by the place where they are spoken."""


@cache
def readings() -> dict[str, list[str]]:
    """Of each character, without tones. pypinyin's table; read in a tenth of a second."""
    from pypinyin.pinyin_dict import pinyin_dict

    return {
        chr(code): list(dict.fromkeys(_toneless(spelling) for spelling in spellings.split(",")[:READINGS]))
        for code, spellings in pinyin_dict.items()
    }


def merged(reading: str) -> str:
    """What many hear."""
    return _MERGED.sub("", reading)


def coarse(reading: str) -> str:
    """What a word of more characters still tells apart."""
    sound = merged(reading).replace(_UMLAUT, "")
    return _PLACES.get(sound[0], sound[0]) + sound[1:]


def _toneless(spelling: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFD", spelling) if mark.isalpha() or mark == _UMLAUT)
