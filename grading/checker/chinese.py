"""Chinese spelling: characters written for others that sound alike.

A character of another word's sound tears that word apart: jieba finds 跳 and 无 where 跳舞 was meant. So every single
character that the cutting leaves over is exchanged for each of its soundalikes; where that makes a dictionary's word
out of fragments, the text around is cut anew, and the two cuttings are weighed by their probability, each word by its
frequency in jieba's dictionary. An exchange that makes the text more probable by a factor of `e` to the `GAIN` is a
finding. Real words in the wrong place (做飞机) cannot be seen so; the commonest of them, and no others, are in
`confusions`.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from grading.checker import confusions
from grading.checker.finding import Finding
from grading.checker.soundalikes import soundalikes
from grading.segmentation import han_words, jieba
from grading.text import HAN

GAIN = 4.5
"""Natural logarithm by which the text must become more probable. Lower finds more slips, and more in good prose as
well: at this value there are about two findings in a thousand characters of pupils' essays."""
NEARLY = 1.5
"""What an exchange for a character of nearly the same sound needs beyond that."""
FREQUENT = 1000
"""Occurrences in jieba's corpus of the word that the exchange makes."""
PARTICLES = frozenset("的了不是在也就都和之其以太给它一亦勿无而使最再又很这那有为何因仅却仍被把让")
"""Characters that stand alone beside any other, in prose or in quotations of the classics: two characters of which one
is such are no torn word."""
LONGEST_WORD = 4
CORPUS = 60_101_967
"""All occurrences in jieba's dictionary."""

_RUN = re.compile(f"(?:{HAN.pattern})+")


def check(text: str) -> list[Finding]:
    """The characters that were meant to be others."""
    found = confusions.check(text)
    for run in _RUN.finditer(text):
        found += _exchanges(run[0], run.start())
    return found


def _exchanges(run: str, offset: int) -> list[Finding]:
    likely: list[tuple[float, int, str]] = []
    for word in han_words(run, guess=False):
        better = _better(run, word.start) if word.end - word.start == 1 else None
        if better and likely and better[1] < likely[-1][1] + len(likely[-1][2]):
            likely[-1] = max(likely[-1], better)  # both characters of 高诉 could be wrong, but not both of them are
        elif better:
            likely.append(better)
    return [_finding(run, offset, start, meant) for _, start, meant in likely]


def _finding(run: str, offset: int, start: int, meant: str) -> Finding:
    end = start + len(meant)
    message = f"“{run[start:end]}”可能是“{meant}”的笔误。"
    return Finding(offset + start, offset + end, "spelling", message, meant)


def _better(run: str, place: int) -> tuple[float, int, str] | None:
    """How much likelier it is, where it begins, and the word itself that was meant with this character exchanged."""
    candidates = [
        (start, meant, same)
        for start in (place - 1, place)
        if start >= 0 and start + 2 <= len(run)
        for meant, same in _repairs(run[start : start + 2], place - start)
    ]
    if not candidates:
        return None
    low, high = max(0, place - LONGEST_WORD + 1), place + LONGEST_WORD
    as_written = _probability(run[low:high])
    best = None
    for start, meant, same in candidates:
        changed = run[low:start] + meant + run[start + 2 : high]
        gain = _probability(changed) - as_written - GAIN - (0 if same else NEARLY)
        if gain > (best[0] if best else 0):
            best = (gain, start, meant)
    return best


@lru_cache(maxsize=200_000)
def _repairs(pair: str, wrong: int) -> tuple[tuple[str, bool], ...]:
    """The words that two characters become when one of them is exchanged, and whether that sounds the same.

    Only those are kept that are likely enough beside two single characters: most pairs have none, and the few that
    remain can be weighed in what stands around them.
    """
    if not PARTICLES.isdisjoint(pair):
        return ()
    kept = pair[1 - wrong]
    sounds = soundalikes(pair[wrong])
    least = _word_probability(pair[0]) + _word_probability(pair[1]) + GAIN
    # One call for all of them, each beside the character that stays, is four times as quick as to ask for each word.
    known = jieba().cut_all(f"{kept}{kept.join(sounds)}{kept}")
    return tuple(
        (word, sounds[word[wrong]])
        for word in dict.fromkeys(known)
        if len(word) == 2
        and word[1 - wrong] == kept
        and word[wrong] in sounds
        and _frequency(word) >= FREQUENT
        and _word_probability(word) > least
    )


def _probability(text: str) -> float:
    """The logarithm of the probability of the likeliest way to cut the text."""
    best = [0.0]
    for end in range(1, len(text) + 1):
        starts = range(max(0, end - LONGEST_WORD), end)
        best.append(max(best[start] + _word_probability(text[start:end]) for start in starts))
    return best[-1]


@lru_cache(maxsize=100_000)
def _word_probability(word: str) -> float:
    frequency = _frequency(word) or (1 if len(word) == 1 else 0)
    return math.log(frequency / CORPUS) if frequency else -math.inf


@lru_cache(maxsize=100_000)
def _frequency(word: str) -> int:
    # For a word that it has, jieba suggests the frequency that it has; for others one that they would need.
    dictionary = jieba()
    return int(dictionary.suggest_freq(word)) if dictionary.has_word(word) else 0
