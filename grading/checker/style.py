"""Words said twice, sentences said twice, and sentences without end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from grading.checker.finding import Finding
from grading.segmentation import Sentence
from grading.text import Language

LONGEST = {"en": 40, "zh": 60}
"""Words in a sentence; more are hard to follow."""
SAME_SENTENCE = 5
"""Words from which on a sentence that comes again is no refrain like “Thank you very much”."""

# “That that”, “had had” and “very, very” are English; a doubled word of meaning is Chinese (研究研究, 高兴高兴), so
# only words that no grammar doubles count there.
_ENGLISH = "had that very really so long many much far no yes bye ha blah please never"
_CHINESE = """
    的 了 着 是 在 和 与 也 都 就 还 把 被 从 对 我 你 他 她 它 我们 你们 他们 她们 它们 咱们 自己 因为 所以 但是 可是
    如果 虽然 而且 然后 不过 已经 这个 那个 这些 那些 什么 怎么 应该 可以 没有 一个
"""
_DOUBLED_IN_ENGLISH = frozenset(_ENGLISH.split())
_NEVER_DOUBLED_IN_CHINESE = frozenset(_CHINESE.split())

_MESSAGES = {
    "word": {"en": "“{}” stands here twice.", "zh": "“{}”重复了。"},
    "sentence": {"en": "This sentence has been said before.", "zh": "这句话前面已经写过了。"},
    "long": {
        "en": "This sentence has {} words; more than {} are hard to follow.",
        "zh": "这句话有{}个词，超过{}个词就难以理解，可以分成几句。",
    },
}


def repeated(text: str, sentences: Sequence[Sentence], language: Language) -> list[Finding]:
    """The second of two equal words, with the blank before it, and the second of two equal sentences."""
    found = []
    seen = set()
    for sentence in sentences:
        words = tuple([word.text.lower() for word in sentence.words])
        if len(words) >= SAME_SENTENCE and words in seen:
            message = _MESSAGES["sentence"][language]
            found.append(Finding(sentence.start, sentence.end, "repetition", message))
            continue
        seen.add(words)
        for place, (one, other) in enumerate(pairwise(words)):
            if one == other and _is_slip(one):
                first, second = sentence.words[place : place + 2]
                if not text[first.end : second.start].strip():
                    message = _MESSAGES["word"][language].format(first.text)
                    found.append(Finding(first.start, second.end, "repetition", message, first.text))
    return found


def overlong(sentences: Sequence[Sentence], language: Language) -> list[Finding]:
    """Sentences that should be two."""
    limit = LONGEST[language]
    message = _MESSAGES["long"][language]
    return [
        Finding(sentence.start, sentence.end, "sentence", message.format(len(sentence.words), limit))
        for sentence in sentences
        if len(sentence.words) > limit
    ]


def _is_slip(word: str) -> bool:
    if word.isascii():
        return word.isalpha() and word not in _DOUBLED_IN_ENGLISH
    return word in _NEVER_DOUBLED_IN_CHINESE
