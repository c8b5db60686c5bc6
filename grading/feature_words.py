"""The words that `features` knows: how rare a word is, and which ones bind a text together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import log

from grading.text import Language

_FUNCTION = {
    "en": """
        a about above after again against all also am an and any are as at be because been before being below between
        both but by can could did do does doing down during each few for from further had has have having he her here
        hers herself him himself his how i if in into is it its itself just me more most my myself no nor not now of off
        on once only or other our ours ourselves out over own same she should so some such than that the their theirs
        them themselves then there these they this those through to too under until up very was we were what when where
        which while who whom why will with would you your yours yourself yourselves may might must shall
    """,
    "zh": """
        的 了 着 是 在 和 与 也 都 就 还 把 被 从 对 我 你 他 她 它 我们 你们 他们 她们 它们 自己 因为 所以
        但是 可是 如果 虽然 而且 然后 不过 已经 这个 那个 这些 那些 什么 怎么 应该 可以 没有 一个 不 有 人
        这 那 上 下 中 到 说 要 去 会 又 很 而 之 以 于 为 其 则 却 更 最 便 才 只 让 使 给 向 地 得 过 来 里 吗 呢 吧
        啊 或 并 及 等 但 若 即
    """,
}
_CONNECTIVES = {
    "en": """
        because|therefore|however|although|moreover|furthermore|for example|for instance|in addition|in conclusion|first
        |second|third|finally|on the other hand|as a result|for this reason|in contrast|similarly|such as|even though
        |in order to|not only|rather than|instead|despite|while|since|thus|hence|nevertheless|in fact|also|then|another
        |overall|to sum up|consequently|meanwhile|due to|this shows|this means
    """,
    "zh": """
        因为|所以|因此|由此|于是|然而|但是|可是|不过|虽然|尽管|即使|如果|只要|只有|无论|不管|不仅|不但|而且|并且|甚至|何况|况且|首先
        |其次|再次|最后|总之|综上|例如|比如|正如|诚然|固然|反之|相反|与其|宁可|从而|以至|以致|正是|既然|故而|换言之|可见|同样|此外
        |不是|而是|之所以|是因为|一方面|另一方面|倘若|纵使|纵然|哪怕
    """,
}
_FIRST_PERSON = {"en": "i me my mine myself we us our ours", "zh": "我 我们 咱们 自己 吾"}
_RARE = {"en": 12.0, "zh": 11.5}


@dataclass(frozen=True)
class Wordlist:
    function: frozenset[str]
    connectives: Mapping[str, re.Pattern[str]]
    """What finds each as whole words; Chinese has no blanks to tell them by."""
    first_person: frozenset[str]
    rarity: Callable[[str], float]
    """Minus the natural logarithm of a word's probability; a word that is in no dictionary counts as a middling one,
    for otherwise slips of the pen would be a rich vocabulary."""
    rare: float


@cache
def wordlist(language: Language) -> Wordlist:
    """Read once; half a second."""
    return Wordlist(
        function=frozenset(_FUNCTION[language].split()),
        connectives={phrase.strip(): _whole(phrase.strip(), language) for phrase in _CONNECTIVES[language].split("|")},
        first_person=frozenset(_FIRST_PERSON[language].split()),
        rarity=_english_rarity() if language == "en" else _chinese_rarity(),
        rare=_RARE[language],
    )


def _whole(phrase: str, language: Language) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(phrase)}\b" if language == "en" else re.escape(phrase))


def _english_rarity() -> Callable[[str], float]:
    from spellchecker import SpellChecker

    counts = SpellChecker().word_frequency.dictionary
    total = sum(counts.values())
    middling = 9.0
    return lambda word: log(total / counts[word]) if word in counts else middling


def _chinese_rarity() -> Callable[[str], float]:
    from grading.checker.bigrams import LIBIME, bigrams

    words, model = bigrams(LIBIME)
    rarity = dict(zip(words, (-model.alone).tolist(), strict=True))
    middling = 10.5
    return lambda word: rarity.get(word, middling)
