"""Which Chinese characters sound alike, so that one is written for another: 跳无 for 跳舞, 高诉 for 告诉.

Most slips of who types or hears Chinese are of this kind. Two characters sound alike when they share a reading without
its tone, or nearly do: z/zh, c/ch, s/sh and n/ng are one sound to many. Inside a word, whose other characters stand as
they should, also those may be meant that are spoken in the same place of the mouth: b/p, z/c/s, l/n/r …, and u/ü.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from grading.checker.lattice import Places, spread

READINGS = 3
"""Readings of a character that count, the usual ones first."""

_UMLAUT = "\u0308"
_MERGED = re.compile(r"(?<=^[zcs])h|(?<=n)g$")
_PLACES = {initial: place[0] for place in ("bp", "dt", "gk", "jqx", "zcs", "lnr") for initial in place}
"""Initials (of the syllable as pinyin spells it) by the place where they are spoken."""


def soundalikes(written: str, meant: str) -> tuple[Places, Places, NDArray[np.bool_]]:
    """The pairs of characters, by their places in these, that sound alike and are not the same; whether quite alike.

    The pairs stand in the order of `written`.
    """
    row, reading, merged = _readings(written)
    row_meant, reading_meant, merged_meant = _readings(meant)
    by_sound = np.argsort(merged_meant, kind="stable")
    ranges = (np.searchsorted(merged_meant[by_sound], merged, side) for side in ("left", "right"))
    one, place = spread(*ranges)
    other = by_sound[place]
    pair = row[one] * len(meant) + row_meant[other]
    same = reading[one] == reading_meant[other]
    # Of each pair the reading in which both are most alike.
    order = np.lexsort((~same, pair))
    pair, first = np.unique(pair[order], return_index=True)
    places = np.divmod(pair, max(1, len(meant)))
    differ = np.array(list(written))[places[0]] != np.array(list(meant))[places[1]]
    return places[0][differ], places[1][differ], same[order][first][differ]


@cache
def sounds() -> dict[str, str]:
    """The usual sound of each character, as far as words tell it apart."""
    return {character: _coarse(readings[0]) for character, readings in _dictionary().items()}


def _readings(characters: str) -> tuple[Places, Places, Places]:
    """The characters' readings: by place, number of the reading, number of what many hear."""
    rows = [(place, one) for place, character in enumerate(characters) for one in _dictionary().get(character, ())]
    number = _numbers()
    return (
        np.array([place for place, _ in rows], np.int64),
        np.array([number[one] for _, one in rows], np.int64),
        np.array([number[_MERGED.sub("", one)] for _, one in rows], np.int64),
    )


@cache
def _numbers() -> dict[str, int]:
    readings = {reading for own in _dictionary().values() for reading in own}
    return {sound: number for number, sound in enumerate(sorted(readings | {_MERGED.sub("", one) for one in readings}))}


@cache
def _dictionary() -> dict[str, list[str]]:
    """pypinyin's table; read in a tenth of a second."""
    from pypinyin.pinyin_dict import pinyin_dict

    return {
        chr(code): list(dict.fromkeys(_toneless(spelling) for spelling in spellings.split(",")[:READINGS]))
        for code, spellings in pinyin_dict.items()
    }


def _coarse(reading: str) -> str:
    merged = _MERGED.sub("", reading).replace(_UMLAUT, "")
    return _PLACES.get(merged[0], merged[0]) + merged[1:]


def _toneless(spelling: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFD", spelling) if mark.isalpha() or mark == _UMLAUT)
