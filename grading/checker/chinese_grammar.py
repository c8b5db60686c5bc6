"""Chinese grammar: words that sound alike and that only grammar tells apart, by patterns that are nearly always right.

的, 地 and 得 are all *de*: before a noun, before a verb, and between a verb and what is said of it (the division that
schools teach). 在 and 再, 哪 and 那, 收到 and 受到 are other pairs that pupils mix up, which every textbook lists. No
bigram shows these: each of them stands beside almost anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from grading.checker.finding import Finding
from grading.segmentation import Sentence, Word, jieba

_DE = frozenset("的得")
_DEGREE = frozenset(["很", "非常", "十分", "特别", "太", "更", "更加", "那么", "这么", "比较", "相当", "越来越"])
_WHERE = re.compile("在(哪)里")
_QUESTION = re.compile("[?？吗呢什谁怎几问想找]|知道|不管|无论|不论|告诉|记得|忘|明白|清楚|哪里.*哪里")


class _Pair(NamedTuple):
    """Characters that are written for another, between what shows it (regular expressions)."""

    written: str
    meant: str
    before: str
    after: str
    why: str


_CLAUSE = r"[^，。！？；：、,.!?;:\s]"
_END = "[，。！？!?,]"
_WHO = "(?:我|你|您|他|她|它|咱|大家|人们)"
_SUFFERED = "影响|压力|伤害|欢迎|重视|保护|批评|限制|尊重|损失|打击|干扰|委屈|惩罚|挫折|污染|启发|鼓励|表扬|好评"
_RECEIVED = "封信|来信|回信|礼物|邮件|短信|电话|包裹|通知"
_TAKEN = "方法|意见|建议|挑战|批评|现实|事实|治疗|帮助|要求|采访|惩罚|失败|事情"
_DONE = "功课|作业|饭|菜|运动|家务|家事|蛋糕|生意|梦|事情"
_RIDDEN = "公共?汽?车|飞机|火车|地铁|出租车|计程车|捷运"
_WORN = "眼镜|帽子|手套|口罩|耳环|项链|戒指|手表"
_NOT_IN_A_WORD = "(?<![现正存实内所都还好])"

_PAIRS = (
    _Pair("应", "因", "", f"为(?:{_WHO}|这|那|有|没)", "说明原因要用“因为”。"),
    _Pair("收", "受", "", f"到了?{_CLAUSE}{{0,8}}(?:{_SUFFERED})", "这里要用“受到”：它说的是影响，不是东西。"),
    _Pair("受", "收", "", f"到了?{_CLAUSE}{{0,12}}(?:{_RECEIVED})", "这里要用“收到”：它说的是东西。"),
    _Pair("收", "受", "接", f"了?{_CLAUSE}{{0,6}}(?:{_TAKEN})", "同意要用“接受”。"),
    _Pair("在", "再", _NOT_IN_A_WORD, f"也{_CLAUSE}{{0,2}}[不没]|见{_END}|次(?!日|要|数|序)|一次{_END}",
          "“又一次”要用“再”。"),
    _Pair("在", "再", r"(?:不要|别|能|将|请)(?:跟\w{1,4})?", "[说试写]|努力|继续", "“又一次”要用“再”。"),
    _Pair("在", "再", "然后|以后|之后|下次|明天", "[说去来告打]", "“又一次”要用“再”。"),
    _Pair("在", "再", "不", "迟到|生气|哭|难过|害怕|担心|想|说|犯|[抽吸]烟|喝酒", "“又一次”要用“再”。"),
    _Pair("再", "在", "(?<![不一先])", "学校|家里|教室|图书馆|公司|医院|车站", "处所前面要用“在”。"),
    _Pair("得", "的", "", f"话{_END}", "表示假设要用“的话”。"),
    _Pair("的", "得", "[看听找买想遇学做写办吃拿赶受说记忍]", "[见懂]|到[。，了吗]", "动词和它的补语之间要用“得”。"),
    _Pair("门", "们", "[我你您他她它咱]|同学|朋友|孩子|老师|学生", "(?![口前外])", "复数要用“们”。"),
    _Pair("阿", "啊", "[对好是]", _END, "句末语气要用“啊”。"),
    _Pair("拉", "啦", "[了好到对行]", _END, "句末语气要用“啦”。"),
    _Pair("把巴", "吧", "[走去来看说玩吃做好是了]", _END, "句末语气要用“吧”。"),
    _Pair("马码嘛", "吗", "[我你他她它们这那有是好](?<!干)", "[?？]", "提问要用“吗”。"),
    _Pair("那哪", "呢", "[我你他她们]", "[?？]", "提问要用“呢”。"),
    _Pair("候", "后", r"[\d０-９一二两三四五六七八九十几半]个?(?:小时|月|星期|礼拜)", "[，才我他就]",
          "一段时间以后要用“后”。"),
    _Pair("那", "哪", "(?:无论|不论|不管)(?:是|在|到|从|走到|去)?", "[里儿个些种位]", "不确定的要用“哪”。"),
    _Pair("那", "哪", "[在去到从]", "[里儿][?？]", "提问要用“哪”。"),
    _Pair("没", "每", "", "天(?![赋理分空才气上亮])|次|个?星期|个月|个周末", "说每一个要用“每”。"),
    _Pair("有", "又", r"又\w{1,3}", "[高漂大小聪可帅便快]", "两样都是要用“又……又……”。"),
    _Pair("完", "玩", "出去|一起|好好[地的]?", "(?![成了])", "游戏要用“玩”。"),
    _Pair("玩", "完", "[做看吃写读念听]", "[了，。以之]|后", "做到底要用“完”。"),
    _Pair("做", "作", "", "为(?:一[个名]|学生|父母|老师)", "说明身份要用“作为”。"),
    _Pair("作坐", "做", "(?<!写)", f"[了过完好]?(?:{_DONE})", "从事一件具体的事要用“做”。"),
    _Pair("作", "做", "[那这种个的]", "法", "从事一件具体的事要用“做”。"),
    _Pair("坐", "座", "一", "[山桥城楼房大岛小]", "量词要用“座”。"),
    _Pair("座做", "坐", "(?<![一这那每几两客])", f"(?:{_RIDDEN})[去来到回上，]", "乘车要用“坐”。"),
    _Pair("带", "戴", "", f"[着了上]?(?:一[副顶条个])?(?:{_WORN})", "穿戴在身上要用“戴”。"),
    _Pair("象", "像", "[好就]", "(?![征牙])", "相似要用“像”。"),
    _Pair("于", "与", "", "此同时", "“与此同时”要用“与”。"),
    _Pair("但", "旦", "一", "[，我你他她有发失成]", "“一旦”要用“旦”。"),
    _Pair("己以", "已", "(?<![自知])", "经(?![济营验典常过历费])", "“已经”要用“已”。"),
    _Pair("须", "需", "(?<!必)", "要", "想要得到用“需要”。"),
    _Pair("需", "须", "必", "要|得|[学做去把在跟和每]", "一定要用“必须”。"),
    _Pair("应", "映", "反", "了?(?:出|社会|问题|现实|生活|人们)", "显示出来要用“反映”。"),
    _Pair("渡", "度", "", "过了?(?:一|这|那|愉快|快乐|美好|假期|周末|童年|生日|时光)", "过时间要用“度”。"),
    _Pair("力", "利", "(?:选择|受教育|发言|自由|生活|生存|拒绝|学习|吸烟|孩子|学生|我们)的权", "",
          "应得的要用“权利”。"),
    _Pair("利", "厉", "很|真|太|更|最|非常|[这那]么", "害", "程度高要用“厉害”。"),
    _Pair("既", "即", "", "使", "“即使”要用“即”。"),
    _Pair("即", "既", "", "然", "“既然”要用“既”。"),
    _Pair("只", "直", "一", "[在想都很]", "不间断要用“一直”。"),
)  # fmt: skip
_LONGEST_BEFORE = 10
_WRITTEN = re.compile("[" + "".join(sorted({one for pair in _PAIRS for one in pair.written})) + "]")
_BY_WRITTEN = {
    one: [
        (re.compile(f"(?:{pair.before})$"), re.compile(pair.after), pair.meant, pair.why)
        for pair in _PAIRS
        if one in pair.written
    ]
    for one in {one for pair in _PAIRS for one in pair.written}
}


def check(text: str, sentences: Sequence[Sentence]) -> list[Finding]:
    """What a pattern shows, counted only: a person is told of none of them."""
    found = []
    for place in _WRITTEN.finditer(text):
        start, end = place.span()
        for before, after, meant, why in _BY_WRITTEN[place[0]]:
            if after.match(text, end) and before.search(text, max(0, start - _LONGEST_BEFORE), start):
                found.append(Finding(start, end, "grammar", why, meant, sure=False))
                break
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
