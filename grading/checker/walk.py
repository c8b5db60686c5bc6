"""All ways to cut Chinese text into words, weighed by a bigram model; and what other words would make of them.

The words of a text form a lattice, whose best paths Viterbi's algorithm finds from both ends. A run, a stretch of
Chinese characters without a mark inside, is walked by itself. The loops are compiled, so that they say what happens to
one word and still read an essay in a millisecond or two; arrays are made outside of them, which compiles in half the
time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grading.checker.compiled import compiled

OTHER = (1 << 15) - 1
"""The code of what is no Chinese character, or one that no model knows."""
LONGEST_WORD = 4
LONGEST_RUN = 50
"""Characters after which a run is cut, so that noise costs no more than prose, which has a mark before so many."""
NONE, BEGINS = -1, -2
"""Instead of a word's number: that there is no such word, but maybe a longer one that begins so."""
STEPS = 8
"""Steps of one in the natural logarithm to which likelihoods are rounded."""

LOOSE = 1.0
"""Logarithm by which a suspect word of one character may be more probable between its neighbours than anywhere."""
LIKELY = 3.0
"""Logarithm by which a run must become more probable by the first model alone."""
SAME, NEAR, APART, NEVER = 0, 1, 2, 3
"""How alike two characters sound, and that one is never meant by the other."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_IMPOSSIBLE = np.float32(-np.inf)

Codes = NDArray[np.int64]
Numbers = NDArray[np.int64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
Chances = NDArray[np.float32]
"""Natural logarithms of probabilities."""


class Table(NamedTuple):
    """A hash table: values by keys below 2⁶³. Keys are told apart by 32 bits and more of their hash."""

    tags: NDArray[np.uint32]
    values: NDArray[np.generic]


def table(keys: NDArray[np.int64], values: NDArray[np.generic]) -> Table:
    """Of keys that are all different. Half of its slots and more stay free, which a tag of nought says."""
    slots = 1 << (2 * len(keys)).bit_length()
    held = Table(np.zeros(slots, np.uint32), np.zeros(slots, values.dtype))
    _put(held, keys, values)
    return held


@compiled
def _put(table: Table, keys: NDArray[np.int64], values: NDArray[np.generic]) -> None:
    slots = len(table.tags)
    for place in range(len(keys)):
        slot, tag = _slot(keys[place], slots)
        while table.tags[slot]:
            slot = (slot + 1) & (slots - 1)
        table.tags[slot], table.values[slot] = tag, values[place]


@compiled
def get(table: Table, key: int, default: int) -> int:
    """The value of a key; the default where there is none."""
    slots = len(table.tags)
    slot, tag = _slot(key, slots)
    while table.tags[slot]:
        if table.tags[slot] == tag:
            return np.int64(table.values[slot])  # type: ignore[return-value]
        slot = (slot + 1) & (slots - 1)
    return default


@compiled
def _slot(key: int, slots: int) -> tuple[int, int]:
    """Knuth's multiplicative hashing, twice, so that each bit of the key has a say in slot and tag."""
    mixed = np.uint64(key) * _MULTIPLIER
    mixed = (mixed ^ (mixed >> _HALF)) * _MULTIPLIER
    return np.int64(mixed >> _HALF) & (slots - 1), np.uint32(mixed) | np.uint32(1)  # type: ignore[return-value]


class Model(NamedTuple):
    """A bigram model, smoothed by backing off to the second word alone (Katz)."""

    alone: Chances
    """By word, as are the three that follow."""
    backoff: Chances
    most: Chances
    """After whichever word it is likeliest after, or more."""
    characters: NDArray[np.int16]
    """The codes that it is spelt with, and noughts."""
    pairs: Table
    """Steps by `first · words + second`."""
    words: Table
    """Numbers by codes of 15 bits each, the first one lowest; `BEGINS` for what longer words begin with only."""
    character: Numbers
    """The word that each code is by itself; the unknown one where it is none."""


@compiled
def after(model: Model, first: int, second: int) -> np.float32:
    """How likely the second word is after the first one."""
    steps = get(model.pairs, first * len(model.alone) + second, -1)
    return model.backoff[first] + model.alone[second] if steps < 0 else np.float32(-steps / STEPS)


@compiled
def word_of(model: Model, key: int, length: int) -> int:
    """The number of the word that is spelt so."""
    return model.character[key] if length == 1 else get(model.words, key, NONE)


class Lattice(NamedTuple):
    """The words in their places; `[end, length]` is the one of so many characters that ends before `text[end]`."""

    text: Codes
    begin: Places
    """Where the run of each character begins …"""
    end: Places
    """… and ends; what is no Chinese character is a run of none."""
    number: Numbers
    ties: Chances
    """`[place, former, length]`: of the word of so many characters at a place after the one that ends before it."""
    before: Chances
    """Of the best path from the run's begin to this word, which it includes."""
    behind: Chances
    """Of the best path from behind this word to the run's end."""
    best: Chances
    """Of each run's best path, by the place where it begins."""
    enter: Chances
    """By place, of the best path from the run's begin to what ends before it …"""
    leave: Chances
    """… and of that from it to the run's end, or more: as if its first word followed on what it is likeliest after."""


def lattice(text: Codes, model: Model) -> Lattice:
    """A character that is no word is an unknown one."""
    shape = (len(text) + 1, LONGEST_WORD + 1)
    before, behind = np.full((2, *shape), _IMPOSSIBLE)
    best, enter, leave = np.full((3, len(text) + 1), _IMPOSSIBLE)
    ties = np.zeros((*shape, LONGEST_WORD + 1), np.float32)
    found = Lattice(text, *_runs(text), np.full(shape, NONE), ties, before, behind, best, enter, leave)
    _walk(found, model)
    return found


def _runs(text: Codes) -> tuple[Places, Places]:
    places = np.arange(len(text))
    outside = text == OTHER
    begin = np.maximum.accumulate(np.where(outside, places, -1)) + 1
    begin = places - (places - begin) % LONGEST_RUN
    following = np.minimum.accumulate(np.where(outside, places, len(text))[::-1])[::-1]
    return np.where(outside, places, begin), np.where(outside, places, np.minimum(following, begin + LONGEST_RUN))


@compiled
def _walk(found: Lattice, model: Model) -> None:
    text, number, before, behind = found.text, found.number, found.before, found.behind
    for start in range(len(text)):
        begins = found.begin[start] == start
        found.enter[start] = 0 if begins else _IMPOSSIBLE
        for length in range(1, LONGEST_WORD + 1):
            found.enter[start] = max(found.enter[start], before[start, length])
        key = 0
        for end in range(start + 1, min(found.end[start], start + LONGEST_WORD) + 1):
            key |= text[end - 1] << 15 * (end - start - 1)
            word = word_of(model, key, end - start)
            if word == NONE:
                break
            if word != BEGINS:
                number[end, end - start] = word
                before[end, end - start] = model.alone[word] if begins else _tied(found, model, start, end, word)
    for end in range(len(text), 0, -1):
        for length in range(1, LONGEST_WORD + 1):
            if number[end, length] != NONE:
                ends = end == found.end[end - 1]
                behind[end, length] = 0 if ends else _followed(found, end, length)
                reach = model.most[number[end, length]] + behind[end, length]
                found.leave[end - length] = max(found.leave[end - length], reach)
                if found.begin[end - 1] == end - length:
                    whole = before[end, length] + behind[end, length]
                    found.best[end - length] = max(found.best[end - length], whole)


@compiled
def _tied(found: Lattice, model: Model, start: int, end: int, word: int) -> np.float32:
    """`before` of a word, whose ties to those that end where it starts are kept."""
    best = _IMPOSSIBLE
    for former in range(1, LONGEST_WORD + 1):
        if found.number[start, former] != NONE:
            tie = after(model, found.number[start, former], word)
            found.ties[start, former, end - start] = tie
            best = max(best, found.before[start, former] + tie)
    return best


@compiled
def _followed(found: Lattice, end: int, length: int) -> np.float32:
    """`behind` of a word."""
    best = _IMPOSSIBLE
    for latter in range(1, min(found.end[end] - end, LONGEST_WORD) + 1):
        if found.number[end + latter, latter] != NONE:
            best = max(best, found.ties[end, length, latter] + found.behind[end + latter, latter])
    return best


@compiled
def chance_before(found: Lattice, model: Model, start: int, word: int, least: np.float32) -> np.float32:
    """Of the best path from the run's begin to this word, were it to start here; -∞ where that is under `least`."""
    if found.begin[start] == start:
        return model.alone[word]
    best = _IMPOSSIBLE
    for length in range(1, LONGEST_WORD + 1):
        former = found.number[start, length]
        if former != NONE and found.before[start, length] + model.most[word] >= least:
            best = max(best, found.before[start, length] + after(model, former, word))
    return best


@compiled
def chance_behind(found: Lattice, model: Model, word: int, end: int, least: np.float32) -> np.float32:
    """Of the best path from here to the run's end after this word, were it to end here; likewise."""
    if end == found.end[end - 1]:
        return np.float32(0)
    best = _IMPOSSIBLE
    for length in range(1, min(found.end[end] - end, LONGEST_WORD) + 1):
        latter = found.number[end + length, length]
        if latter != NONE and model.most[latter] + found.behind[end + length, length] >= least:
            best = max(best, after(model, word, latter) + found.behind[end + length, length])
    return best


@compiled
def gain(found: Lattice, model: Model, start: int, word: int, end: int, least: np.float32) -> np.float32:
    """By what this word, in this place, changes the probability of the run; -∞ where that is clearly under `least`."""
    leave = np.float32(0) if end == found.end[start] else found.leave[end]
    best = found.best[found.begin[start]]
    if found.enter[start] + model.most[word] + leave - best < least:
        return _IMPOSSIBLE
    before = chance_before(found, model, start, word, least + best - leave)
    if before + leave - best < least:
        return _IMPOSSIBLE
    return before + chance_behind(found, model, word, end, least + best - before) - best


@compiled
def rewritten(found: Lattice, model: Model, places: Places, codes: Codes, gains: Chances) -> None:
    """Into `gains`: by what these characters, each in its place, change the probability of their runs' best cuts."""
    for row in range(len(places)):
        place, code = places[row], codes[row]
        gains[row] = _IMPOSSIBLE
        for start in range(max(found.begin[place], place + 1 - LONGEST_WORD), place + 1):
            key = 0
            for end in range(start + 1, min(found.end[start], start + LONGEST_WORD) + 1):
                key |= (code if end - 1 == place else found.text[end - 1]) << 15 * (end - start - 1)
                word = word_of(model, key, end - start)
                if word == NONE:
                    break
                if word != BEGINS and end > place:
                    gains[row] = max(gains[row], gain(found, model, start, word, end, gains[row]))


class Sounds(NamedTuple):
    """What a model's words may be written for."""

    readings: NDArray[np.int16]
    """By character the numbers of its sounds, and noughts."""
    merged: NDArray[np.int16]
    """And of what many hear."""
    never: Table
    """Pairs of characters, `written · 2¹⁵ + meant`, of which the second is never meant."""
    first: Places
    """By number of what many hear, the first of the `single` words that are heard so; the likeliest come first."""
    single: Numbers
    sound: Codes
    """By character, the first that sounds the same in a word."""
    groups: Table
    """Numbers of groups of `words`, between `bounds`, by such sounds; likewise."""
    bounds: Places
    words: Numbers


class Likely(NamedTuple):
    """By row: `text[start:end]` for a word in which the character at `place` is another one."""

    word: Numbers
    start: Places
    end: Places
    place: Places
    alike: NDArray[np.int64]
    gain: Chances
    """By which the run becomes more probable."""


@compiled
def likely(found: Lattice, model: Model, sounds: Sounds, suspect: Flags, alone: Flags, rows: Likely) -> int:
    """Fill the rows with the words that gain enough in suspect places; returns how many there are, even if too many."""
    count: Any = np.int64(0)  # and no literal, for which everything would be compiled once more
    for start in range(len(found.text)):
        if alone[start]:
            for heard in sounds.merged[found.text[start]]:
                alike = sounds.single[sounds.first[heard] : sounds.first[heard + 1]]
                count = _weigh_all(found, model, sounds, alike, start, start + 1, rows, count)
        key, odd = 0, False
        for end in range(start + 1, min(found.end[start], start + LONGEST_WORD) + 1):
            key |= sounds.sound[found.text[end - 1]] << 15 * (end - start - 1)
            odd |= suspect[end - 1]
            group = get(sounds.groups, key, NONE) if odd and end > start + 1 else NONE
            if group != NONE:
                alike = sounds.words[sounds.bounds[group] : sounds.bounds[group + 1]]
                count = _weigh_all(found, model, sounds, alike, start, end, rows, count)
    return count


@compiled
def _weigh_all(
    found: Lattice, model: Model, sounds: Sounds, words: Numbers, start: int, end: int, rows: Likely, count: int
) -> int:
    """Of words that follow on some other with falling probability; returns the new count."""
    leave = np.float32(0) if end == found.end[start] else found.leave[end]
    least = LIKELY + found.best[found.begin[start]] - found.enter[start] - leave
    for word in words:
        if model.most[word] < least:
            break
        count += _weigh(found, model, sounds, word, start, end, rows, count)
    return count


@compiled
def _weigh(
    found: Lattice, model: Model, sounds: Sounds, word: int, start: int, end: int, rows: Likely, row: int
) -> int:
    """Whether one of this word's characters differs and it gains enough."""
    differ, place = 0, start
    for column in range(end - start):
        if model.characters[word, column] != found.text[start + column]:
            differ, place = differ + 1, start + column
    if differ != 1:
        return 0
    gained = gain(found, model, start, word, end, np.float32(LIKELY))
    if gained < LIKELY:
        return 0
    meant: Any = np.int64(model.characters[word, place - start])
    alike = _alike(sounds, found.text[place], meant)
    if alike == NEVER:
        return 0
    if row < len(rows.word):
        rows.word[row], rows.start[row], rows.end[row], rows.place[row] = word, start, end, place
        rows.alike[row], rows.gain[row] = alike, gained
    return 1


@compiled
def _alike(sounds: Sounds, written: int, meant: int) -> int:
    """In the readings in which they are most alike."""
    if get(sounds.never, written << 15 | meant, NONE) != NONE:
        return NEVER
    alike = APART
    for one in range(sounds.readings.shape[1]):
        for other in range(sounds.readings.shape[1]):
            if sounds.readings[written, one] and sounds.readings[meant, other]:
                if sounds.readings[written, one] == sounds.readings[meant, other]:
                    return SAME
                if sounds.merged[written, one] == sounds.merged[meant, other]:
                    alike = NEAR
    return alike


def suspects(found: Lattice, model: Model) -> tuple[Flags, Flags]:
    """The characters of suspect words, and of those of one character.

    Only where a word of the likeliest cut is less probable after the one before it than it is anywhere, both are
    suspect; and what is no word.
    """
    suspect, alone = np.zeros((2, len(found.text)), np.bool_)
    _suspect(found, model, suspect, alone, np.zeros_like(found.before), np.zeros(found.number.shape, np.bool_))
    return suspect, alone


@compiled
def _suspect(found: Lattice, model: Model, suspect: Flags, alone: Flags, ties: Chances, odd: Flags) -> None:
    for start in range(len(found.text)):
        for end in range(start + 1, min(found.end[start], start + LONGEST_WORD) + 1):
            if not _likeliest(found, end, end - start):
                continue
            word = found.number[end, end - start]
            odd[end, end - start] |= model.character[OTHER] == word
            for before in range(1, LONGEST_WORD + 1):
                if found.begin[start] != start and _likeliest(found, start, before):
                    tie = found.ties[start, before, end - start] - model.alone[word]
                    ties[end, end - start] += tie
                    ties[start, before] += tie
                    if tie < 0:
                        odd[end, end - start] = odd[start, before] = True
    for end in range(1, len(found.text) + 1):
        for length in range(1, LONGEST_WORD + 1):
            for place in range(end - length, end):
                suspect[place] |= odd[end, length]
        alone[end - 1] = odd[end, 1] and ties[end, 1] < LOOSE


@compiled
def _likeliest(found: Lattice, end: int, length: int) -> bool:
    if found.number[end, length] == NONE:
        return False
    return found.before[end, length] + found.behind[end, length] == found.best[found.begin[end - 1]]
