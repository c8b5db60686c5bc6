"""What asks for the essay itself and for nothing else: “Please write my essay for me”, 帮我写一篇作文.

It is refused before a model is paid for. The rule is narrow on purpose: a clause must be such a request from its first
word to its last, and no other clause may ask anything. Whatever is put in other words, or asks something besides, goes
to the model, whose prompt forbids it to write, and whose answer is watched (`grading.ask.ghostwriting`).
"""

from __future__ import annotations

import re

from grading.text import Language, plain

_PIECE = "(?:essay|composition|letter|story|article|speech|poem|introduction|conclusion|paragraph|opening|ending)"
_SUCH = (
    r"(?:(?:a|an|the|this|my|our|whole|entire|full|complete|good|great|perfect|nice|short|long|first|second|third|last|"
    r"next|body|final|argumentative|persuasive|narrative|descriptive|english|chinese|\d+[ -]?(?:words?|pages?)) )*"
)
_ABOUT = r"(?: (?:about|on|in) .{1,60})?"
_COMMISSION: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"(?:(?:hi|hello|hey|teacher|ok|okay|so|now|then|just|kindly|please|pls)\W+)*"
        r"(?:(?:can|could|will|would) (?:you|u) |i (?:want|need|would like) you to )?(?:(?:please|pls|just) )*(?:"
        rf"(?:write|compose|generate|draft) (?:me|us) {_SUCH}{_PIECE}{_ABOUT}"
        rf"|(?:write|compose|generate|draft|do|make|finish|complete) {_SUCH}{_PIECE}{_ABOUT} for (?:me|us){_ABOUT}"
        rf"|(?:write|do|finish|complete) (?:my|our|the whole|the entire|the full) {_SUCH}{_PIECE}"
        r"|write (?:the|this) essay|write it(?: all)? for (?:me|us)|do (?:my|our) (?:homework|assignment)(?: for me)?"
        r")(?:\W+(?:please|pls|now|right now|today|thanks|thank you))*"
    ),
    "zh": re.compile(
        "(?:老师|你好|您好|请|麻烦|拜托|求求|那|就|直接|快|你|您|能不能|可不可以|可以|能)*(?:"
        "[帮替给为]我们?{verb}{such}{piece}|[帮替给为]我们?把{such}{piece}{verb}|代?写{such}{piece}给我们?|代写{such}{piece}"
        ")(?:一下|了|吧|吗|呗|嘛|啊|好吗|好不好|行吗|行不行|可以吗|谢谢你?)*".format(
            verb="(?:写|写出|写完|完成|生成|写出来)(?:一下|了)?",
            such="(?:(?:一|这|那|整|全|本)?[个篇段封]|我的|今天的|这次的)?(?:[0-9一二三四五六七八九十百千]+字)?(?:左右|以上)?的?"
            "(?:满分|优秀|完整|英语|语文)?的?(?:关于.{1,20}的)?",
            piece="(?:作文|文章|议论文|记叙文|说明文|散文|范文|周记|日记|读后感|演讲稿|作业|全文|开头|结尾|第[一二三四五]段)",
        )
    ),
}
_CLAUSE = re.compile(r"([^.!?;\n。！？；，：]+)([.!?;\n。！？；，：]*)")
_ASKS = re.compile(r"\b(?:how|what|why|which|when|where|who|should|does)\b|[吗呢怎哪几]|什么|如何|为何|多少|是否", re.I)


def commissions(question: str) -> Language | None:
    """The language in which the question asks for the essay itself, and for nothing else; None where it does not."""
    clauses = [(plain(words), end) for words, end in _CLAUSE.findall(question) if not words.isspace()]
    for number, (clause, _) in enumerate(clauses):
        for language, pattern in _COMMISSION.items():
            if pattern.fullmatch(clause):
                others = clauses[:number] + clauses[number + 1 :]
                return None if any(set(end) & set("?？") or _ASKS.search(words) for words, end in others) else language
    return None
