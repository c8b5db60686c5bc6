"""Chinese grammar: words that sound alike and that only grammar tells apart, by patterns that are nearly always right.

的, 地 and 得 are all *de*: before a noun, before a verb, and between a verb and what is said of it (the division that
schools teach). 在 and 再, 哪 and 那, 收到 and 受到 are other pairs that pupils mix up, which every textbook lists. No
bigram shows these: each of them stands beside almost anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from grading.checker.finding import Finding
from grading.segmentation import Sentence, Word, jieba

_IN_CLAUSE = r"[^，。！？；：、,.!?;:\s]"
_ONE = "[我你您他她它咱]"
_NO_WORD = "(?<![现正存实内所都还好])"
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
    (rf"{_NO_WORD}(在)(?=也{_IN_CLAUSE}{{0,2}}[不没]|次(?!日|要|数|序)|见[，。！])"
     r"|(?:不要|别|能|将|请)(?:跟\w{1,4})?(在)(?=[说试写]|努力|继续)", "再", "“又一次”要用“再”。"),
    (r"(?<![不一先])(再)(?=学校|家里|教室|图书馆|公司|医院|车站)", "在", "处所前面要用“在”。"),
    (r"(得)(?=话[，,。])", "的", "表示假设要用“的话”。"),
    (r"(?<=[看听找买想遇学做写办吃拿赶受说记忍])(的)(?=[见懂]|到[。，了吗])", "得", "动词和它的补语之间要用“得”。"),
    (rf"(?<={_ONE})(门)(?![口前外])", "们", "复数要用“们”。"),
    (r"(?<=[对好是])(阿)(?=[，。！？!?,])", "啊", "句末语气要用“啊”。"),
    (r"(?<=[了好到对行])(拉)(?=[，。！？!?,])", "啦", "句末语气要用“啦”。"),
    (r"(?<=[我你他她它们这那有是好])(?<!干)([马码嘛])(?=[?？])", "吗", "提问要用“吗”。"),
    (r"[\d０-９一二两三四五六七八九十几半]个?(?:小时|月|星期|礼拜)(候)(?=[，才我他就])",
     "后", "一段时间以后要用“后”。"),
    (r"(?:无论|不论|不管)(?:是|在|到|从|走到|去)?(那)(?=[里儿个些种位])|[在去到从](那)(?=[里儿][?？])",
     "哪", "不确定的要用“哪”。"),
    (r"(做)(?=为(?:一[个名]|学生|父母|老师))", "作", "说明身份要用“作为”。"),
    (r"(?<!写)(作)(?=[了过完好]?(?:功课|作业|饭|菜|运动|家务|家事|蛋糕|生意|梦|事情))|[那这种个的](作)(?=法)",
     "做", "从事一件具体的事要用“做”。"),
    (r"一(坐)(?=[山桥城楼房大岛小])", "座", "量词要用“座”。"),
    (r"(?<![一这那每几两客])([座做])(?=(?:公共?汽?车|飞机|火车|地铁|出租车|计程车|捷运)[去来到回上，])",
     "坐", "乘车要用“坐”。"),
    (r"(带)(?=[着了上]?(?:一[副顶条个])?(?:眼镜|帽子|手套|口罩|耳环|项链|戒指|手表))", "戴", "穿戴在身上要用“戴”。"),
    (r"(于)(?=此同时)", "与", "“与此同时”要用“与”。"),
    (r"一(但)(?=[，我你他她有发失成])", "旦", "“一旦”要用“旦”。"),
    (r"(?<![自知])([己以])(?=经(?![济营验典常过历费]))", "已", "“已经”要用“已”。"),
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
    if len(word) in (2, 4) and word[: len(word) // 2] == word[len(word) // 2 :]:
        return word != "好好" and _class(word) != "n"  # 好好的 is written with either
    former = words[place - 1].text if place else ""
    return word == "很快" or (former in _DEGREE and _class(word) in {"a", "ad", "an"})


def _goes_on(word: Word | None, verb: Word) -> bool:
    """Whether the verb has something behind it; else it may stand for a noun, as in 深深的感动."""
    return word is not None and word.start == verb.end and word.text != "的"


def _is_action(word: str, then: Word | None) -> bool:
    """走, and also 好 in 好起来."""
    return _is_verb(word) or (then is not None and then.text in {"起来", "下来", "下去"})


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
