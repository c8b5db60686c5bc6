"""Whether what a model says it counted in an essay is so: “you have two paragraphs”, “全文不足300字”.

A language model counts badly and says so with assurance. What can be counted by rule is counted: paragraphs, sentences,
words, characters, questions, exclamations, quotations. A statement about the whole essay that is false goes, with the
sentence that it stands in. Advice (“write two more paragraphs”), what is said of a part (“your first two sentences”),
and all that no rule can count (“three examples”) is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from grading.reply import Reply
from grading.segmentation import sentences
from grading.text import HAN

Unit = Literal["paragraph", "sentence", "word", "character", "question", "exclamation", "quotation"]
Bound = Literal["exactly", "about", "at least", "at most"]

SLACK: Mapping[Unit, float] = {"sentence": 0.1, "word": 0.05, "character": 0.05}
"""Share by which an exact figure may be off, since people do not count these alike; one, at least, for sentences."""
ABOUT = 0.2
"""Share by which “about” so many may be off."""


@dataclass(frozen=True)
class Claim:
    """That an essay has `number` of `unit`; `some`: that it has so many of which something more is said."""

    unit: Unit
    number: int
    bound: Bound = "exactly"
    some: bool = False

    def holds(self, counts: Mapping[Unit, range]) -> bool:
        """Whether it is true for any way to count."""
        least, most = counts[self.unit].start, counts[self.unit].stop - 1
        share = ABOUT if self.bound == "about" else SLACK.get(self.unit, 0.0)
        slack = max(share * self.number, 1.0 if self.unit == "sentence" else 0.0)
        enough, not_more = most + slack >= self.number, least - slack <= self.number
        if self.some or self.bound == "at least":
            return enough
        return not_more if self.bound == "at most" else enough and not_more


def checked(answer: Reply, essay: str) -> tuple[Reply, int]:
    """The reply without false counts, and how many there were. A criterion may be left without a comment."""
    counts, dropped = _counts(essay), 0

    def truthful(remark: str) -> str:
        nonlocal dropped
        kept, false = _without_false(remark, counts)
        dropped += false
        return kept

    notes = (replace(note, comment=truthful(note.comment)) for note in answer.notes)
    checked = replace(
        answer,
        comments={key: truthful(comment) for key, comment in answer.comments.items()},
        notes=tuple(note for note in notes if note.comment),
        strengths=tuple(filter(None, map(truthful, answer.strengths))),
        suggestions=tuple(filter(None, map(truthful, answer.suggestions))),
        improved={key: truthful(remark) for key, remark in answer.improved.items()},
    )
    return checked, dropped


def find(remark: str) -> list[Claim]:
    """The claims in a remark, in English or Chinese."""
    return [*_english(remark), *_chinese(remark)]


def _without_false(remark: str, counts: Mapping[Unit, range]) -> tuple[str, int]:
    pieces = _SENTENCE.findall(remark)
    false = [sum(not claim.holds(counts) for claim in find(piece)) for piece in pieces]
    if not any(false):
        return remark, 0
    return "".join(piece for piece, wrong in zip(pieces, false, strict=True) if not wrong).strip(), sum(false)


def _counts(essay: str) -> dict[Unit, range]:
    """How many there are, from the least to the most that somebody could count."""
    found = sentences(essay)
    words = [word for sentence in found for word in sentence.words]
    han = len(HAN.findall(essay))
    plain = len(essay.split())
    letters = sum(not character.isspace() for character in essay)
    quoted = len(_QUOTATION.findall(essay))
    return {
        "paragraph": _paragraphs(essay),
        "sentence": _between(len(found), len(found)),
        "word": _between(min(plain, len(words)), max(plain, len(words), han)),
        "character": _between(han or letters, len(essay)),
        "question": _between(*_marks(essay, "?？")),
        "exclamation": _between(*_marks(essay, "!！")),
        "quotation": _between(quoted, quoted),
    }


def _paragraphs(essay: str) -> range:
    """Every line may be one, or what stands between empty lines; a title or “Dear Sir” is none to most people."""
    lines = [line.strip() for line in essay.splitlines() if line.strip()]
    blocks = [block.strip() for block in re.split(r"\n\s*\n", essay.replace("\r\n", "\n")) if block.strip()]
    wrapped = 2 * sum(line[-1] not in _STOPS for line in lines) > len(lines)
    parts = [lines, blocks] if len(blocks) > 1 or wrapped else [lines]
    least = min(sum(len(part) >= 40 or part[-1] in _STOPS for part in each) for each in parts)
    return _between(max(1, least), len(lines))


def _between(least: int, most: int) -> range:
    return range(min(least, most), max(least, most) + 1)


def _marks(essay: str, marks: str) -> tuple[int, int]:
    """Runs of these marks, and all of them."""
    return len(re.findall(f"[{marks}]+", essay)), sum(map(essay.count, marks))


_SENTENCE = re.compile(r".*?(?:[.!?](?=\s|$)[\"')\]]*\s*|[。！？；]+[”’」）]*|\n|$)", re.DOTALL)
_STOPS = '.!?。！？…”"'
_QUOTATION = re.compile(r"“[^”]+”|\"[^\"\n]+\"|「[^」]+」|『[^』]+』|(?<!\w)'[^'\n]+'(?!\w)")

# --- English ---------------------------------------------------------------------------------------------------------

_ONES = re.findall(
    r"\w+",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBER_WORDS = (
    {word: number for number, word in enumerate(_ONES, 1)}
    | {word: 10 * number for number, word in enumerate(_TENS, 2)}
    | {"a single": 1, "hundred": 100, "thousand": 1000}
)
_WORD_NUMBER = "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True))
_NUMBER = rf"(?P<number>\d[\d,]*|(?:a\s+)?(?:{_WORD_NUMBER})(?:(?:\s+and\s+|[\s-])(?:{_WORD_NUMBER}))*)"
_UNITS: Mapping[str, Unit] = {
    "paragraph": "paragraph",
    "sentence": "sentence",
    "word": "word",
    "character": "character",
    "question": "question",
    "question mark": "question",
    "exclamation mark": "exclamation",
    "exclamation point": "exclamation",
    "quotation": "quotation",
    "quote": "quotation",
}
_UNIT = rf"(?P<unit>{'|'.join(sorted(_UNITS, key=len, reverse=True))})s?\b"
_BOUND = (
    r"(?:(?P<about>about|around|roughly|nearly|almost|approximately|some|close\s+to)"
    r"|(?P<least>at\s+least|more\s+than|over|above)"
    r"|(?P<most>at\s+most|less\s+than|fewer\s+than|under|below|up\s+to|no\s+more\s+than|not\s+even)"
    r"|only|just|exactly|a\s+total\s+of|a\s+mere)\s+"
)
_TEXT = (
    r"(?:your|the|this)\s+(?:whole\s+|entire\s+)?(?:essay|text|letter|piece|writing|composition|response|story|answer)"
)
_FRAME = (
    rf"(?:(?:\byou\s+(?:have|had|wrote)|\b(?:{_TEXT}|it)\s+(?:has|had|is|was|contains?|"
    r"contained|consists?\s+of|runs?\s+to|comprises?)|\bthere\s+(?:are|is|were)|"
    rf"\b(?:{_TEXT}|it)\s+of|\ban?\s+(?:essay|text|letter)\s+of|\bin\s+total|\bwith\s+(?=only|just))\s+)"
)
_ENGLISH = (
    re.compile(
        rf"{_FRAME}(?:written\s+|divided\s+into\s+)?(?:{_BOUND})?{_NUMBER}\s+(?P<described>\w+\s+)?{_UNIT}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:your|this)\s+{_NUMBER}[\s-]+{_UNIT}\s+(?:essay|text|letter|composition)", re.IGNORECASE),
)
_NOT_SAID = re.compile(
    r"\b(?:if|unless|until|should|could|would|might|need|needs|must|try|aim|when|make\s+sure)\b", re.I
)
_OF_ALL = re.compile(
    r"\s*(?:$|[.,;:!?)—–]|(?:in\s+(?:total|all|your|the|it)|long|only|altogether|and|but|so|is|are|was|were)\b)",
    re.IGNORECASE,
)
"""What follows a count of the whole; after anything else it is of those of which that is said."""


def _english(remark: str) -> Iterator[Claim]:
    for pattern in _ENGLISH:
        for found in pattern.finditer(remark):
            if _NOT_SAID.search(remark, max(0, found.start() - 40), found.end()):
                continue
            named = found.groupdict()
            some = named.get("described") is not None or not _OF_ALL.match(remark, found.end())
            yield Claim(_UNITS[named["unit"].casefold()], _english_number(named["number"]), _bound(named), some)


def _bound(named: Mapping[str, str | None]) -> Bound:
    if named.get("about"):
        return "about"
    if named.get("least"):
        return "at least"
    return "at most" if named.get("most") else "exactly"


def _english_number(words: str) -> int:
    if words[0].isdigit():
        return int(words.replace(",", ""))
    total = 0
    for word in re.findall(_WORD_NUMBER, words.casefold()):
        number = _NUMBER_WORDS[word]
        total = max(total, 1) * number if number >= 100 else total + number
    return total


# --- Chinese ---------------------------------------------------------------------------------------------------------

_HAN_UNITS: Mapping[str, Unit] = {
    "自然段": "paragraph",
    "段落": "paragraph",
    "段": "paragraph",
    "句话": "sentence",
    "句子": "sentence",
    "句": "sentence",
    "字": "character",
    "汉字": "character",
    "问句": "question",
    "问号": "question",
    "感叹号": "exclamation",
    "感叹句": "exclamation",
    "处引用": "quotation",
    "引用": "quotation",
}
_HAN_UNIT = "|".join(sorted(_HAN_UNITS, key=len, reverse=True))
_CHINESE = re.compile(
    rf"""
    (?P<frame>全文|全篇|通篇|文章|作文|短文|本文|篇幅|字数|你|你的(?:作文|文章))
    (?:的?(?:篇幅|字数|内容|结构))?[^。！？；，,\n第前后每再]{{0,6}}?
    (?:(?P<about>大约|约|将近|近|差不多)|(?P<most>不足|不到|少于|不满|最多)|(?P<least>超过|多于|至少)
      |一共|总共|共有|共|只有|仅有|仅|只|有|写了|分为|分成|分|由|达到了?|达|为|是){{0,4}}
    (?P<number>\d+|[一二两三四五六七八九十百千]+)\s*[个处]?(?P<unit>{_HAN_UNIT})
    (?P<after>左右|上下|多|以上|以内|以下)?
    """,
    re.VERBOSE,
)
_HAN_NOT_SAID = re.compile(
    r"如果|假如|建议|应该|应当|可以|最好|需要|要求|尽量|至少要|不妨|增加|再|补充|扩|控制|争取|能"
)
_HAN_OF_ALL = re.compile(r"\s*(?:$|[。，；！？,;）)、]|组成|构成|而已|的?篇幅)")
_HAN_DIGITS = {character: number for number, character in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_POWERS = {"十": 10, "百": 100, "千": 1000}


def _chinese(remark: str) -> Iterator[Claim]:
    for found in _CHINESE.finditer(remark):
        clause = re.split(r"[。！？；，,]", remark[: found.end()])[-1]
        if _HAN_NOT_SAID.search(clause):
            continue
        named = found.groupdict()
        after = {"左右": "about", "上下": "about", "多": "about", "以上": "least", "以内": "most", "以下": "most"}
        if named["after"]:
            named[after[named["after"]]] = named["after"]
        some = not _HAN_OF_ALL.match(remark, found.end())
        yield Claim(_HAN_UNITS[named["unit"]], _chinese_number(named["number"]), _bound(named), some)


def _chinese_number(letters: str) -> int:
    if letters.isdigit():
        return int(letters)
    total, digit = 0, 0
    for letter in letters:
        if letter in _HAN_POWERS:
            total, digit = total + (digit or 1) * _HAN_POWERS[letter], 0
        else:
            digit = _HAN_DIGITS[letter]
    return total + digit
