"""English spelling: words that no dictionary has, and what they were meant to be.

The list is pyspellchecker's, with the frequency of each word; its own search for a correction is general, and ten times
slower than the one here, which knows only the 26 letters and one slip a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from string import ascii_lowercase

from grading.checker.finding import Finding

_WORD = re.compile(r"(?<![\w'’@#/.\-])[A-Za-z]+(?:['’][A-Za-z]+)*(?![\w@/]|[.'’\-]\w)")
_SENTENCE_BEFORE = re.compile(r"(?:^|[.!?:“\"(\[]|\n)[\s“\"'(]*$")

LONGEST = 30
"""Letters of a word; what is longer is no slip of a word, and looking for one would take its square."""

# The list is American; whoever writes British is right as well.
_BRITISH = (("our", "or"), ("is", "iz"), ("ys", "yz"), ("re", "er"), ("ll", "l"), ("ogue", "og"), ("ence", "ense"))
_NEW = """
    app apps blog blogs blogger chatbot chatbots covid cyberbullying ebook emoji emojis google googled hashtag
    influencer influencers online offline podcast podcasts selfie selfies smartphone smartphones smartwatch
    tablet tiktok vlog vlogs webcam website websites wechat wifi youtube youtuber
"""
_YOUNG = frozenset(_NEW.split())
"""Words that are younger than the list."""


def check(text: str) -> list[Finding]:
    """Every unknown word, but for names: words with a capital inside a sentence."""
    return [
        Finding(found.start(), found.end(), "spelling", _message(found[0], better), better)
        for found in _WORD.finditer(text)
        if not _is_known(found[0].lower().replace("’", "'")) and not _is_name(text, found)
        for better in (_in_case_of(found[0], nearest(found[0].lower().replace("’", "'"))),)
    ]


def _message(word: str, better: str | None) -> str:
    return f"“{word}” is in no dictionary." + (f" Did you mean “{better}”?" if better else "")


def _is_known(word: str) -> bool:
    known = _frequencies()
    if word in known or word in _YOUNG or word.removesuffix("'s") in known or word.removesuffix("'") in known:
        return True
    return any(british in word and word.replace(british, american) in known for british, american in _BRITISH)


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
