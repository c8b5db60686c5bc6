"""Chinese grammar: words that sound alike and that only grammar tells apart, by patterns that are nearly always right.

的, 地 and 得 are all *de*: before a noun, before a verb, and between a verb and what is said of it (the division that
schools teach). What is to be found beside a word is in `grading.checker.chinese_pairs`; what needs words, here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from grading.checker.chinese_pairs import PAIRS, Pair
from grading.checker.finding import Finding
from grading.segmentation import Sentence, Word, jieba

_DE = frozenset("的得")
_DEGREE = frozenset(["很", "非常", "十分", "特别", "太", "更", "更加", "那么", "这么", "比较", "相当", "越来越"])
_MANNERS = frozenset([
    "不断", "不停", "拼命", "尽情", "尽量", "一味", "努力", "认真", "仔细", "盲目", "主动", "积极", "自由", "迅速",
    "大量", "客观", "有效", "高兴", "开心", "快乐", "兴奋", "激动", "顺利", "清楚", "随便", "随意", "安静", "勇敢",
    "耐心", "细心", "用心", "专心", "小心", "热情", "严格", "及时", "准时", "按时", "大声", "小声", "自然而然",
    "不由自主", "肯定", "正确", "合理", "无条件"
])  # fmt: skip
"""What stands before a verb much oftener than before a noun."""
_WHERE = re.compile("在(哪)里")
_QUESTION = re.compile("[?？吗呢什谁怎几问想找]|知道|不管|无论|不论|告诉|记得|忘|明白|清楚|哪里.*哪里")

_LONGEST_BEFORE = 10


def _shown(pair: Pair) -> str:
    """What shows it behind the character and, where that is of one length as `re` asks for, before it."""
    try:
        return re.compile(f"(?<=(?:{pair.before})[{pair.written}])(?={pair.after})").pattern
    except re.error:
        return f"(?={pair.after})"


_BY_WRITTEN = {
    one: [
        (re.compile(f"(?:{pair.before})$"), re.compile(pair.after), pair)
        for pair in sorted(PAIRS, key=lambda pair: not pair.sure)
        if one in pair.written
    ]
    for one in sorted({one for pair in PAIRS for one in pair.written})
}
_WRITTEN = re.compile(
    "|".join(f"{one}(?:{'|'.join(_shown(pair) for pair in PAIRS if one in pair.written)})" for one in _BY_WRITTEN)
)


def check(text: str, sentences: Sequence[Sentence]) -> list[Finding]:
    """What a pattern shows; most is counted only, and a person is told of the few that are sure."""
    found = {}
    for place in _WRITTEN.finditer(text):
        start, end = place.span()
        for before, after, pair in _BY_WRITTEN[place[0]]:
            if after.match(text, end) and before.search(text, max(0, start - _LONGEST_BEFORE), start):
                why = pair.why or f"这里要用“{pair.meant}”。"
                found[start] = Finding(start, end, "grammar", why, pair.meant, pair.sure)
                break
    for sentence in sentences:
        particles, places = _particles(sentence.words), _places(text[sentence.start : sentence.end], sentence.start)
        for one in (*particles, *places):
            found.setdefault(one.start, one)
    return list(found.values())


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
            if after.text in _DEGREE and _is_verb(before.text) and _ends_clause(then, words, place + 2):
                yield _finding(word, "得", "动词和它的补语之间要用“得”。")
            elif _is_manner(words, place - 1) and _is_action(after.text, then) and _goes_on(then, after):
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
    if word in _MANNERS:
        return True
    if len(word) in (2, 4) and word[: len(word) // 2] == word[len(word) // 2 :]:
        return word != "好好" and _class(word) != "n"  # 好好的 is written with either
    former = words[place - 1].text if place else ""
    return word == "很快" or (former in _DEGREE and _class(word) in {"a", "ad", "an"})


def _goes_on(word: Word | None, verb: Word) -> bool:
    """Whether the verb has something behind it; else it may stand for a noun, as in 深深的感动."""
    return word is not None and word.start == verb.end and word.text != "的"


def _is_action(word: str, then: Word | None) -> bool:
    """走, and also 好 in 好起来."""
    return (_is_verb(word) and word not in {"是", "有"}) or (then is not None and then.text in {"起来", "下来", "下去"})


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
