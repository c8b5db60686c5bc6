"""What Chinese words may be written for: words that sound alike, of which each changes the text's probability."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from grading.checker import walk
from grading.checker.bigrams import LIBIME, SUNPINYIN, bigrams, codes, packed_words
from grading.checker.soundalikes import READINGS, coarse, merged, readings
from grading.checker.walk import Chances, Codes, Lattice, Likely, Model, Places, Sounds, table

NEARLY, FAR = 1.5, 3.0
"""What an exchange for a character of nearly the same sound must gain beyond others, and one alike in words only."""
ALONE = 0.7
"""What a word of one character must: they stand beside almost anything."""
CLEAR = 3.0
"""Logarithm by which what gains less than another exchange of the same character is out of the question."""
RARE = -12.75
"""Logarithm of its probability below which a word is not what a pupil meant."""

_NEVER_MEANT = [
    one + other
    for group in ("他她它", "那哪", "甚什", "罢吧", "份分", "象像")
    for one in group
    for other in group
    if one != other
] + ["地的", "得的"]
"""Whom a pronoun means, no bigram knows, and a variant is no error. 的 is written for 地 where these were counted."""


class Exchange(NamedTuple):
    """`text[start:end]` for a word in which the character at `place` is another one."""

    start: int
    end: int
    place: int
    meant: str
    """That other character."""
    gain: float
    """Logarithm by which the run becomes more probable, by the mean of both models, less a handicap."""
    far: bool
    """Whether both characters sound alike in a word only."""


def exchanges(text: str) -> list[Exchange]:
    """Those that gain much by the first model, and not much less than others of their character."""
    written, (words, model) = codes(text), bigrams(LIBIME)
    found = walk.lattice(written, model)
    rows = _likely(found, model)
    handicap = np.array([0, NEARLY, FAR])[rows.alike] + ALONE * (rows.end == rows.start + 1)
    best = np.full(len(text), -np.inf)
    np.maximum.at(best, rows.place, rows.gain - handicap)
    clear = rows.gain - handicap >= best[rows.place] - CLEAR
    rows, handicap = _where(rows, np.flatnonzero(clear)), handicap[clear]
    if not len(handicap):
        return []
    meant = model.characters[rows.word, rows.place - rows.start].astype(np.int64)
    gain = (rows.gain + _gains(found, rows.place, meant)) / 2 - handicap
    columns = (rows.start, rows.end, rows.place, rows.word, gain, rows.alike == walk.APART)
    return [
        Exchange(start, end, place, words[word][place - start], gained, far)
        for start, end, place, word, gained, far in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _likely(found: Lattice, model: Model) -> Likely:
    suspect, alone = walk.suspects(found, model)
    room = len(found.text)
    while True:
        word, start, end, place, alike = np.zeros((5, room), np.int64)
        rows = Likely(word, start, end, place, alike, np.zeros(room, np.float32))
        count = walk.likely(found, model, sounds(), suspect, alone, rows)
        if count <= room:
            return _where(rows, np.arange(count))
        room = count


def _where(rows: Likely, chosen: Places) -> Likely:
    columns: Any = (column[chosen] for column in rows)
    return Likely(*columns)


def _gains(found: Lattice, places: Places, meant: Codes) -> Chances:
    """By what these characters, each in its place, make their run more probable by the second model."""
    model, gains = bigrams(SUNPINYIN).model, np.zeros(len(places), np.float32)
    runs = np.where(np.isin(found.begin, found.begin[places]), found.text, walk.OTHER)
    walk.rewritten(walk.lattice(runs, model), model, places, meant, gains)
    return gains


@cache
def sounds() -> Sounds:
    """Those of all characters that the first model knows, and of its usual words."""
    model = bigrams(LIBIME).model
    heard, alike = np.zeros((2, 1 << 15, READINGS), np.int16)
    sound = np.arange(1 << 15)
    numbers: dict[str, int] = {}
    coarsely: dict[str, int] = {}
    known = np.isin(sound, model.characters)
    for character, own in readings().items():
        code = codes(character)[0]
        if code != walk.OTHER:
            sound[code] = coarsely.setdefault(coarse(own[0]), code)
        if known[code]:
            heard[code, : len(own)] = [numbers.setdefault(one, len(numbers) + 1) for one in own]
            alike[code, : len(own)] = [numbers.setdefault(merged(one), len(numbers) + 1) for one in own]
    usual = np.flatnonzero(model.alone > RARE)
    single, longer = (usual[(model.characters[usual, 1] > 0) == long] for long in (False, True))
    single = single[model.characters[single, 0] > 0]
    single = single[np.argsort(-model.most[single], kind="stable")]
    homophones = [(sound, number) for number in single for sound in set(alike[model.characters[number, 0]]) - {0}]
    homophones.sort(key=lambda one: one[0])
    keys: Codes = packed_words(sound[model.characters[longer]])
    order = np.lexsort([-model.most[longer], keys])
    groups, bounds = np.unique(keys[order], return_index=True)
    never = codes("".join(_NEVER_MEANT)).reshape(-1, 2) @ np.array([1 << 15, 1])
    return Sounds(
        heard,
        alike,
        table(never, np.ones(len(never), np.uint8)),
        np.searchsorted([sound for sound, _ in homophones], np.arange(len(numbers) + 2)),
        np.array([number for _, number in homophones]),
        sound,
        table(groups, np.arange(len(groups), dtype=np.int32)),
        np.append(bounds, len(longer)),
        longer[order],
    )
