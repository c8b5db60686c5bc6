"""English spelling: words that no dictionary has, and what they were meant to be.

The list is pyspellchecker's, with the frequency of each word; its own search for a correction is general, and ten times
slower than the one here, which knows only the 26 letters and one slip a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import islice
from string import ascii_lowercase

from grading.checker.finding import Finding

_WORD = re.compile(r"(?<![\w'’@#/.\-])[A-Za-z]+(?:['’][A-Za-z]+)*(?![\w@/]|[.'’\-]\w)")
_SENTENCE_BEFORE = re.compile(r"(?:^|[.!?:“\"(\[]|\n)[\s“\"'(]*$")

LONGEST = 30
"""Letters of a word; what is longer is no slip of a word, and looking for one would take its square."""

CORRECTED = 60
"""Unknown words of one text for which a correction is looked for, a third of a millisecond each; a text with more of
them is noise, and is told so quickly."""

# The list is American; whoever writes British is right as well. Each pattern allows the letters only where they are
# British, or “allways” would pass for one of those who write “travelled”.
_OUR = (
    "arm behavi cand clam col demean endeav fav ferv flav glam harb hon hum lab neighb od parl ranc rig rum savi sav "
    "splend tum val vap vig"
)
_BRITISH = (
    (re.compile(f"({'|'.join(_OUR.split())})our"), r"\1or"),
    (re.compile(r"([iy])s(?=(?:e[drs]?|ers|ing|able|ations?)$)"), r"\1z"),
    (re.compile(r"(?<=[aeiou]l)l(?=(?:ed|ing|ers?|ous|ist)$)"), ""),
    (re.compile(r"(cent|theat|lit|fib|calib|sab|spect|lust|somb|meag|met)re(?=[ds]?$)"), r"\1er"),
    (re.compile(r"((?:def|lic|off|pret)en)ce"), r"\1se"),
    (re.compile(r"ogue(?=s?$)"), "og"),
)
_BRITISH_WORDS = """
    aeroplane aeroplanes cheque cheques dreamt encyclopaedia grey jewellery kerb manoeuvre manoeuvres maths mould
    mouldy paediatric paediatrician programme programmes pyjamas sceptic sceptical scepticism
"""
_NEW = """
    app apps blog blogs blogger chatbot chatbots covid cyberbullying ebook emoji emojis google googled hashtag
    influencer influencers online offline podcast podcasts selfie selfies smartphone smartphones smartwatch
    tablet tiktok vlog vlogs webcam website websites wechat wifi youtube youtuber
"""
_LACKING = frozenset(_BRITISH_WORDS.split() + _NEW.split())
"""Words that the list does not have because they are British, or younger than it."""


def check(text: str) -> list[Finding]:
    """Every unknown word, but for names: words with a capital inside a sentence."""
    unknown = [
        (found, word)
        for found in _WORD.finditer(text)
        if not _is_known(word := found[0].lower().replace("’", "'")) and not _is_name(text, found)
    ]
    corrected = set(islice(dict.fromkeys(word for _, word in unknown), CORRECTED))
    return [_finding(found, nearest(word) if word in corrected else None) for found, word in unknown]


def _finding(found: re.Match[str], better: str | None) -> Finding:
    better = _in_case_of(found[0], better)
    return Finding(found.start(), found.end(), "spelling", _message(found[0], better), better)


def _message(word: str, better: str | None) -> str:
    return f"“{word}” is in no dictionary." + (f" Did you mean “{better}”?" if better else "")


def _is_known(word: str) -> bool:
    known = _frequencies()
    if word in known or word in _LACKING or word.removesuffix("'s") in known or word.removesuffix("'") in known:
        return True
    return any(british.sub(american, word) in known for british, american in _BRITISH)


def _is_name(text: str, found: re.Match[str]) -> bool:
    word = found[0]
    if word[0].islower():
        return False
    return word[1:] != word[1:].lower() or not _SENTENCE_BEFORE.search(text, max(0, found.start() - 20), found.start())


def _in_case_of(word: str, better: str | None) -> str | None:
    return better.capitalize() if better and word[0].isupper() else better


@lru_cache(maxsize=10_000)
def nearest(word: str) -> str | None:
    """The most frequent word that is one letter away: left out, put in, another one, or two of them swapped."""
    if len(word) > LONGEST:
        return None
    known = _frequencies()
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    near = {head + tail[1:] for head, tail in cuts if tail}
    near |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    near |= {head + letter + tail[1:] for head, tail in cuts if tail for letter in ascii_lowercase}
    near |= {head + letter + tail for head, tail in cuts for letter in ascii_lowercase + "'"}
    return max((one for one in near if one in known and len(one) > 1), key=known.__getitem__, default=None)


@cache
def _frequencies() -> Mapping[str, int]:
    """The list; reading it takes half a second, so whoever imports this module does not wait for it."""
    from spellchecker import SpellChecker

    frequencies: Mapping[str, int] = SpellChecker().word_frequency.dictionary
    return frequencies
