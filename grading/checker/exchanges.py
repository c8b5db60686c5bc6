"""What Chinese words may stand for: the words that sound alike, and what of the text's probability each makes.

Only where a word of the likeliest cut is less probable after the one before it than it is anywhere, both are suspect,
and give way to words of the same sound of which one character differs.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grading.checker.bigrams import LIBIME, LONGEST_WORD, OTHER, Codes, Numbers, bigrams, codes, packed_words
from grading.checker.hashing import HashTable
from grading.checker.lattice import Chances, Lattice, Places, spread
from grading.checker.soundalikes import soundalikes, sounds

NEARLY, FAR = 1.5, 3.0
"""What an exchange for a character of nearly the same sound must gain beyond others, and one alike in words only."""
ALONE = 0.7
"""What a word of one character must: they stand beside almost anything."""
LOOSE = 1.0
"""Logarithm by which a suspect word of one character may be more probable between its neighbours than anywhere."""
CLEAR = 3.0
"""Logarithm by which what gains less than another exchange of the same character is out of the question."""
RARE = -12.75
"""Logarithm of its probability below which a word is not what a pupil meant."""

_NEVER_MEANT = frozenset(
    one + other for group in ("他她它", "那哪", "甚什", "罢吧", "份分", "象像") for one in group for other in group
) | {"地的", "得的"}
"""Whom a pronoun means, no bigram knows, and a variant is no error. 的 is written for 地 where these were counted."""


_NEVER = 3


class Exchanges(NamedTuple):
    """`text[start:end]` for words of a model, in which the character at `place` is another; gains are logarithms."""

    number: Numbers
    start: Places
    end: Places
    place: Places
    handicap: Chances
    gain: Chances

    def where(self, chosen: NDArray[np.bool_]) -> Exchanges:
        columns: Any = (column[chosen] for column in self)
        return Exchanges(*columns)


def exchanges(lattice: Lattice, least: float) -> Exchanges:
    """Those that gain at least so much, their handicap left out, and not much less than others of their character."""
    suspects, alone = _suspects(lattice)
    one, more = _alone(lattice.text, alone), _words(lattice, suspects)
    both: Any = (np.concatenate([former, latter]) for former, latter in zip(one, more, strict=True))
    found = Exchanges(*both)
    found = found._replace(gain=lattice.gain(found.number, found.start, found.end, least))
    found = found.where(found.gain >= least)
    best = np.full(len(lattice.text), -np.inf, np.float32)
    np.maximum.at(best, found.place, found.gain - found.handicap)
    return found.where(found.gain - found.handicap >= best[found.place] - CLEAR)


def _suspects(lattice: Lattice) -> tuple[NDArray[np.bool_], Places]:
    """Whether each place of the text is suspect, and the suspect words of one character."""
    best = lattice.best[lattice.run[lattice.start]]
    likeliest = np.append(lattice.before + lattice.behind[:-1] >= best - 1e-3, False)
    steps = likeliest[lattice.former] & likeliest[lattice.latter]
    former, latter, chance = lattice.former[steps], lattice.latter[steps], lattice.chance[steps]
    tie = chance - lattice.model.alone[lattice.number[latter]]
    odd = tie < 0
    ties = np.bincount(former, tie, lattice.sink) + np.bincount(latter, tie, lattice.sink)
    unknown = likeliest[:-1] & (lattice.number == lattice.model.unknown)
    edges = np.unique(np.concatenate([former[odd], latter[odd], np.flatnonzero(unknown)]))
    suspects = np.zeros(len(lattice.text), np.bool_)
    suspects[spread(lattice.start[edges], lattice.end[edges])[1]] = True
    return suspects, lattice.start[edges[(lattice.end[edges] == lattice.start[edges] + 1) & (ties[edges] < LOOSE)]]


def _alone(text: Codes, places: Places) -> Exchanges:
    tables = _tables()
    written = text[places]
    owner, pair = spread(tables.first[written], tables.first[written + 1])
    start = places[owner]
    handicap = (ALONE + NEARLY * tables.near[pair]).astype(np.float32)
    return Exchanges(tables.single[pair], start, start + 1, start, handicap, np.zeros(len(start), np.float32))


def _words(lattice: Lattice, suspects: NDArray[np.bool_]) -> Exchanges:
    tables, model = _tables(), lattice.model
    start, end, written, sounds = _spans(lattice, suspects)
    group = tables.groups.get(sounds, len(tables.bounds) - 2)
    span, word = spread(tables.bounds[group], tables.bounds[group + 1])
    # Characters of 15 bits each, of which some are not nought where the two differ.
    differ = written[span] ^ tables.spelling[word]
    column = sum((differ & ((1 << 15 * length) - 1)) == 0 for length in range(1, LONGEST_WORD))
    row = np.flatnonzero((differ != 0) & (differ >> 15 * column < 1 << 15))
    span, number, column = span[row], tables.words[word[row]], column[row]
    place = start[span] + column
    near = tables.pairs.get(lattice.text[place] << 15 | model.characters[number, column], 2)
    kept = near != _NEVER
    handicap = np.array([0, NEARLY, FAR], np.float32)[near[kept]]
    number, start, end, place = (column[kept] for column in (number, start[span], end[span], place))
    return Exchanges(number, start, end, place, handicap, np.zeros_like(handicap))


def _spans(lattice: Lattice, suspects: NDArray[np.bool_]) -> tuple[Places, Places, Numbers, Numbers]:
    """Two characters and more of a run of which one at least is suspect; and their characters and sounds, packed."""
    run, text = lattice.run, lattice.text
    sound = _tables().sound[text]
    suspect = np.concatenate([[0], np.cumsum(suspects)])
    start = np.flatnonzero(run >= 0)
    written, sounds = text[start], sound[start]
    spans = []
    for length in range(2, LONGEST_WORD + 1):
        last = start + length - 1
        within = np.flatnonzero(run[np.minimum(last, len(run) - 1)] == run[start])
        within = within[last[within] < len(run)]
        start, last, shift = start[within], last[within], 15 * (length - 1)
        written, sounds = written[within] | text[last] << shift, sounds[within] | sound[last] << shift
        odd = suspect[last + 1] > suspect[start]
        spans.append((start[odd], last[odd] + 1, written[odd], sounds[odd]))
    starts, ends, spellings, sounded = (np.concatenate(column) for column in zip(*spans, strict=True))
    return starts, ends, spellings, sounded


class _Tables(NamedTuple):
    pairs: HashTable[np.int64]
    """Whether two characters sound quite (0) or nearly (1) the same, or one is `_NEVER` meant by the other."""
    first: Places
    """By character, the first of what it may stand for as a word of its own …"""
    single: Numbers
    near: NDArray[np.int64]
    sound: Codes
    """By character, the first that has its sound."""
    groups: HashTable[np.int64]
    """Numbers of groups of `words`, between `bounds`, by the sounds of their characters."""
    bounds: Places
    words: Numbers
    spelling: Numbers
    """The words' characters, packed."""


@cache
def _tables() -> _Tables:
    model = bigrams(LIBIME)
    words = np.flatnonzero((model.characters[:, 0] > 0) & (model.alone > RARE))
    written, meant = (
        "".join(chr(0x4DFF + code) for code in np.unique(spelt[spelt > 0]))
        for spelt in (model.characters, model.characters[words])
    )
    one, other, same = soundalikes(written, meant)
    one, other = codes(written)[one], codes(meant)[other]
    pair = one << 15 | other
    never = codes("".join(sorted(_NEVER_MEANT))).reshape(-1, 2) @ [1 << 15, 1]
    near = np.where(np.isin(pair, never), _NEVER, ~same)
    number = model.character[other]
    alone = np.flatnonzero((near != _NEVER) & (number != model.unknown) & (model.alone[number] > RARE))
    longer = words[model.characters[words, 1] > 0]
    sound = _sounds()
    keys = packed_words(sound[model.characters[longer]])
    order = np.argsort(keys, kind="stable")
    groups, first = np.unique(keys[order], return_index=True)
    return _Tables(
        HashTable(pair, near),
        np.searchsorted(one[alone], np.arange((1 << 15) + 1)),
        number[alone],
        near[alone],
        sound,
        HashTable(groups, np.arange(len(groups))),
        # The last group is of those that no word sounds like.
        np.append(first, [len(longer), len(longer)]),
        longer[order],
        packed_words(model.characters[longer[order]]),
    )


def _sounds() -> Codes:
    by_code = np.arange(1 << 15)
    first: dict[str, int] = {}
    for character, sound in sounds().items():
        if (code := int(codes(character)[0])) != OTHER:
            by_code[code] = first.setdefault(sound, code)
    return by_code
