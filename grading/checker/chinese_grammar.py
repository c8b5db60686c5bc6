"""Chinese grammar: words that sound alike and that only grammar tells apart, by patterns that are nearly always right.

的, 地 and 得 are all *de*: before a noun, before a verb, and between a verb and what is said of it (the division that
schools teach). 在 and 再, 哪 and 那, 收到 and 受到 are other pairs that pupils mix up. No bigram shows these: each of
them stands beside almost anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from grading.checker.finding import Finding
from grading.segmentation import Sentence, Word, jieba

_IN_CLAUSE = r"[^，。！？；：、,.!?;:\s]"
_PERSON = "(?:我|你|您|他|她|它|咱|大家|人们)"
_SUFFERED = "影响|压力|伤害|欢迎|重视|保护|批评|限制|尊重|损失|打击|干扰|委屈|惩罚|挫折|污染|启发|鼓励|表扬|好评"
_RECEIVED = "封信|来信|回信|礼物|邮件|短信|电话|包裹|通知"
_TAKEN = "方法|意见|建议|挑战|批评|现实|事实|治疗|帮助|要求|采访|惩罚|失败|事情"
_DE = frozenset("的得")
_DEGREE = frozenset(["很", "非常", "十分", "特别", "太", "更", "更加", "那么", "这么", "比较", "相当", "越来越"])
_WHERE = re.compile("在(哪)里")
_QUESTION = re.compile("[?？吗呢什谁怎几问想找]|知道|不管|无论|不论|告诉|记得|忘|明白|清楚|哪里.*哪里")

_PATTERNS = (
    (rf"(应)为(?={_PERSON}|这|那|有|没)", "因", "说明原因要用“因为”。"),
    (rf"(收)到(?=了?{_IN_CLAUSE}{{0,8}}(?:{_SUFFERED}))", "受", "这里要用“受到”：它说的是影响，不是东西。"),
    (rf"(受)到(?=了?{_IN_CLAUSE}{{0,12}}(?:{_RECEIVED}))", "收", "这里要用“收到”：它说的是东西。"),
    (rf"接(收)(?=了?{_IN_CLAUSE}{{0,6}}(?:{_TAKEN}))", "受", "同意要用“接受”。"),
    (r"(在)(?=也[不没])|(?:不要|别|能|将|请)(?:跟\w{1,4})?(在)(?=[说试写]|努力|继续)", "再", "“又一次”要用“再”。"),
)  # fmt: skip
_MESSAGES = [(meant, message) for _, meant, message in _PATTERNS]
_SLIP = re.compile("|".join(f"(?:{pattern})" for pattern, _, _ in _PATTERNS), re.MULTILINE)
_GROUPS = [place for place, (pattern, _, _) in enumerate(_PATTERNS) for _ in range(re.compile(pattern).groups)]


def check(text: str, sentences: Sequence[Sentence]) -> list[Finding]:
    """What a pattern shows, counted only: a person is told of none of them."""
    found = []
    for slip in _SLIP.finditer(text):
        group = slip.lastindex or 1
        meant, message = _MESSAGES[_GROUPS[group - 1]]
        found.append(Finding(*slip.span(group), "grammar", message, meant, sure=False))
    for sentence in sentences:
        found += _particles(sentence.words)
        found += _places(text[sentence.start : sentence.end], sentence.start)
    return found


def _particles(words: Sequence[Word]) -> Iterator[Finding]:
    """的 for 地 or 得, and 得 for 的."""
    for place, word in enumerate(words):
        if word.text not in _DE or not 0 < place < len(words) - 1:
            continue
        before, after = words[place - 1], words[place + 1]
        if before.end != word.start or word.end != after.start:
            continue
        then = words[place + 2] if place + 2 < len(words) else None
        if word.text == "的":
            if _is_verb(before.text) and after.text in _DEGREE and _ends_clause(then, words, place + 2):
                yield _finding(word, "得", "动词和它的补语之间要用“得”。")
            elif _is_manner(words, place - 1) and _is_verb(after.text) and _goes_on(then, after):
                yield _finding(word, "地", "动词前面的修饰语要用“地”。")
        elif word.text == "得" and _class(before.text) == "r" and _class(after.text) == "n":
            yield _finding(word, "的", "名词前面要用“的”。")


def _places(sentence: str, start: int) -> Iterator[Finding]:
    """在哪里 where nothing is asked."""
    for place in _WHERE.finditer(sentence):
        if not _QUESTION.search(sentence):
            yield Finding(
                start + place.start(1), start + place.end(1), "grammar", "没有提问，要用“那里”。", "那", sure=False
            )


def _is_manner(words: Sequence[Word], place: int) -> bool:
    """慢慢 or 很快: what stands before 地."""
    word = words[place].text
    if len(word) in (2, 4) and word[: len(word) // 2] == word[len(word) // 2 :]:
        return word != "好好" and _class(word) != "n"  # 好好的 is written with either
    former = words[place - 1].text if place else ""
    return word == "很快" or (former in _DEGREE and _class(word) in {"a", "ad", "an"})


def _goes_on(word: Word | None, verb: Word) -> bool:
    """Whether the verb has something behind it; else it may stand for a noun, as in 深深的感动."""
    return word is not None and word.start == verb.end and word.text != "的"


def _ends_clause(word: Word | None, words: Sequence[Word], place: int) -> bool:
    """Whether this is an adjective after which a clause ends."""
    if word is None or _class(word.text) not in {"a", "an", "ad", "m"}:
        return False
    return place + 1 == len(words) or words[place + 1].start > word.end or words[place + 1].text in {"了", "吧", "啊"}


def _is_verb(word: str) -> bool:
    return _class(word) == "v"


@lru_cache(4096)
def _class(word: str) -> str:
    """The part of speech that jieba's dictionary has for a word, in the tag set of ICTCLAS."""
    return str(jieba().tag(word, hmm=False)[-1][1])


def _finding(word: Word, meant: str, message: str) -> Finding:
    return Finding(word.start, word.end, "grammar", message, meant, sure=False)
