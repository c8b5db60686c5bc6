"""A question as the second check reads it: its words, numbers, negations, names and what kind of answer it wants.

Both languages are read into the same shape. Words are folded (case, width, endings, `grading.cache.folds`), so that
what still differs between two questions is likely to matter.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from grading.cache.folds import CHINESE, ENGLISH, ENGLISH_IRREGULAR, ENGLISH_SYNONYMS, fold
from grading.cache.numerals import NUMERAL, numbers
from grading.segmentation import words
from grading.text import Language, language_of


@dataclass(frozen=True)
class Reading:
    """What the check compares; every word is folded and in its order."""

    language: Language
    words: tuple[str, ...]
    content: tuple[str, ...]
    """The words that carry meaning, without the numbers."""
    persons: tuple[str, ...]
    """Who is spoken of, where that matters: pronouns, and in English whose something is."""
    directions: tuple[str, ...]
    """Words that say who does it to whom, or what comes before what: by, from, than …"""
    numbers: tuple[str, ...]
    negations: int
    names: frozenset[str]
    """Words with a capital inside an English sentence, with a digit, or of Latin letters in a Chinese one."""
    asks: frozenset[str]
    """What is asked for: WHY, HOW, WHEN …, and in English how it is put (can, should, will, past)."""


def _set(words_: str) -> frozenset[str]:
    return frozenset(words_.split())


_EN_FUNCTION = _set(
    """a an the this that these those is are be been being am do does doing done have has had having of in on at to for
    from by with about as into onto over and so then than it its there here s t re some any which what who whom whose
    when where why how if while during through also too both each such within towards toward upon
    HOWTO HOWLONG DIFFERENCE can could may might should must ought shall will would was were did going"""
)
_EN_PERSONS = {
    word: person
    for person, forms in {
        "one": "i you we one me us u",
        "one's": "my your our mine yours ours ur",
        "he": "he him his",
        "she": "she her hers",
        "they": "they them their theirs",
    }.items()
    for word in forms.split()
}
_EN_DIRECTIONS = _set("from by over than before after against until since above below under behind off out")
_EN_NEGATIVE = _set("not no never none nobody noone nothing neither nor without unable")
_EN_ASKS = [
    ("HOWTO", r"\bHOWTO\b"),
    ("MANY", r"\bhow (?:many|much)\b"),
    ("LONG", r"\bHOWLONG\b|\bhow long\b"),
    ("SIZE", r"\bhow (?:old|far|often|big|tall|fast|high|large|deep|heavy|hard|good|bad|common|easy|difficult)\b"),
    ("WHY", r"\bwhy\b"),
    ("WHEN", r"\bwhen\b|\bwhat (?:time|date|year|day)\b"),
    ("WHERE", r"\bwhere\b"),
    ("WHO", r"\bwho\b|\bwhom\b|\bwhose\b"),
    ("HOW", r"\bhow\b"),
    ("DIFFERENCE", r"\bDIFFERENCE\b"),
    ("WHICH", r"\bwhich\b"),
    ("WHAT", r"\bwhat\b"),
]
_EN_MOODS = [
    ("can", r"\bcan\b|\bcould\b|\bmay\b|\bmight\b|\bpossible\b"),
    ("should", r"\bshould\b|\bmust\b|\bought\b|\bworth\b"),
    ("will", r"\bwill\b|\bwould\b|\bgoing to\b|\bnext\b"),
    ("past", r"\bwas\b|\bwere\b|\bdid\b|\bhad\b"),
]

_ZH_ASKS = _set("HOWIS WHEN WHY DOWHAT HOW LONG PRICE MANY WHERE WHO WHICH WHAT")
_ZH_FUNCTION = _set(
    """的 了 吗 呢 吧 啊 呀 么 嘛 哦 噢 呗 哈 啦 地 得 着 请 请问 麻烦 一下 一下子 个 一个 是 把 在 那 就 呃 嗯 额
    哎 诶 唉 喂 那么 的话 而 而且 并 并且 与 和 及 以及 及其 于 之 其 则 所 以"""
)
_ZH_PERSONS = {
    "我": "我", "咱": "我", "俺": "我", "我们": "我们", "咱们": "我们", "你": "你", "你们": "你们",
    "他": "他", "她": "她", "它": "它", "他们": "他们", "她们": "她们", "它们": "它们", "自己": "自己",
}  # fmt: skip
_ZH_DIRECTIONS = _set("被 让 叫 比 从 向 往 给 到 对 跟 替 为 由")
_ZH_POLITE = re.compile(
    "^(?:请你|麻烦你|请帮我|帮我|麻烦|请问一下|请问|我想问一下|我想问|我想知道|想问一下|问一下|那请问|你好[，,。！! ]+)"
)
_ZH_NEGATIVE = re.compile(
    "不(?!过|仅|但|同|断|久|错|少(?!于)|论|管|如|好意思)|没(?!关系)|無|无(?!线|锡|人机|论)|未(?!来|必)"
    "|别(?!的|人|克|墅|针)|勿|否(?!则)|非(?!常|洲)"
)
_ZH_EITHER = re.compile(
    "能不能|可不可以|可以不可以|是不是|有没有|会不会|要不要|好不好|行不行|对不对|是否|能否|可否|有无|差不多"
)
_ZH_WHETHER = re.compile("[吗嘛么][?？!！。]*$|吗")


@lru_cache(maxsize=20_000)
def read(text: str) -> Reading:
    """The question as the check reads it; kept, for the same ones are compared again and again."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    return _english(text) if language_of(text) == "en" else _chinese(text)


def _english(text: str) -> Reading:
    folded = fold(text.lower(), ENGLISH)
    plain = [word.text for word in words(folded)]
    how_to = "HOWTO" in plain
    stems = tuple(_stem(word) for word in plain)
    persons = tuple(_EN_PERSONS[word] for word in plain if word in _EN_PERSONS)
    asks = {next((kind for kind, pattern in _EN_ASKS if re.search(pattern, folded)), "WHETHER")}
    if not how_to:
        asks |= {mood for mood, pattern in _EN_MOODS if re.search(pattern, folded)}
    return Reading(
        language="en",
        words=stems,
        content=tuple(
            stem
            for word, stem in zip(plain, stems, strict=True)
            if not (word in _EN_FUNCTION or word in _EN_NEGATIVE or word in _EN_PERSONS or NUMERAL.fullmatch(word))
        ),
        directions=tuple(word for word in plain if word in _EN_DIRECTIONS),
        # Whoever asks how to do a thing asks for anybody.
        persons=tuple(who for who in persons if not (how_to and who in ("one", "one's"))),
        numbers=numbers(folded),
        negations=sum(word in _EN_NEGATIVE for word in plain),
        names=_english_names(text),
        asks=frozenset(asks),
    )


def _zh_whether(text: str) -> frozenset[str]:
    return frozenset({"WHETHER"} if _ZH_WHETHER.search(text) or _ZH_EITHER.search(text) else ())


_HAS_DIGIT = re.compile(r"\d.*[^\W\d]|[^\W\d].*\d")


def _english_names(text: str) -> frozenset[str]:
    inside = words(text)[1:]
    return frozenset(
        _stem(word.text.lower())
        for word in inside
        if (word.text[0].isupper() and word.text.lower() not in _EN_FUNCTION | _EN_PERSONS.keys())
        or _HAS_DIGIT.search(word.text)
    )


def _stem(word: str) -> str:
    """A light English stemmer (Harman's S stemmer, then -ing and -ed): it must never join two meanings."""
    word = ENGLISH_IRREGULAR.get(word, word)
    word = ENGLISH_SYNONYMS.get(word, word)
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "ls":
                word = word[:-1]
            break
    word = ENGLISH_SYNONYMS.get(word, word)
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _chinese(text: str) -> Reading:
    lower = _ZH_POLITE.sub("", text.lower())
    plain = tuple(word.text for word in words(fold(lower, CHINESE)))
    return Reading(
        language="zh",
        words=plain,
        content=tuple(
            word
            for word in plain
            if not (word in _ZH_FUNCTION or word in _ZH_ASKS or word in _ZH_PERSONS or NUMERAL.fullmatch(word))
        ),
        persons=tuple(_ZH_PERSONS[word] for word in plain if word in _ZH_PERSONS),
        directions=tuple(word for word in plain if word in _ZH_DIRECTIONS),
        numbers=numbers(lower),
        negations=len(_ZH_NEGATIVE.findall(_ZH_EITHER.sub("", lower))),
        names=frozenset(
            word for word in plain if word.isascii() and not word.isupper() and not NUMERAL.fullmatch(word)
        ),
        asks=frozenset(word for word in plain if word in _ZH_ASKS) or _zh_whether(lower),
    )
