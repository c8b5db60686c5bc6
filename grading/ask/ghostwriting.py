"""Answers that write the essay instead of helping its writer.

Help speaks to the student (“you”, “your second paragraph”) or about writing (“the thesis”, “the rubric”); an essay goes
on about its subject. So a long run of sentences that do neither is prose to be handed in, unless they stand in the
task or in the student's own essay. Essays say “you” too, so it alone carries a run only a little farther, unless it
asks something. After an offer (“Here is an essay:”) or a salutation all counts, since a letter says “you” to somebody
else. It is a check behind the prompt, which asks the model to refuse by itself; `benchmarks/ghostwriting.py` says how
good it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LONGEST_RUN = 80
"""Words of prose (a Chinese character counts as 0.6) that an answer may hold in one run, such as an example."""
LONGEST_ADDRESSED = 110
"""The same of sentences some of which say “you”."""
LONGEST_OFFER = 40
"""The same after it was said that an essay follows."""

REFUSAL = {
    "en": "I cannot write it for you: it is to be your own work. Tell me what you want to say, or show me a passage of "
    "yours, and I will help you to make it clearer.",
    "zh": "我不能替你写：作文要由你自己完成。告诉我你想表达什么，或者给我看你写的一段，我来帮你把它写得更清楚。",
}
"""What is said instead, by the language of the assignment."""

_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+(?:['’-][^\W\d_]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_WEIGHT = 0.6
_TO_STUDENT = re.compile(r"\b(?:you|your|yours|yourself|you['’]\w+)\b|[你您]", re.IGNORECASE)
_ABOUT_WRITING = re.compile(
    r"\b(?:essays?|paragraphs?|sentences?|introduction|conclusion|thesis|drafts?|rubric|criteri(?:on|a)|assignment|"
    r"teachers?|reader|readers|wording|spelling|grammar|feedback|levels? \d|points? to)\b|"
    r"作文|这篇|文章|段落|[这那第每一二三四五首末]段|句子|[这那第每]句|开头|结尾|论点|论据|评分|评语|标准|题目|老师|读者|层次|措辞|语法",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？]")
_OFFER = re.compile(
    r"\bhere(?:['’]s| is| are)\b[^.!?\n]{0,60}\b(?:essay|letter|story|draft|version|paragraphs?|introduction|text)\b"
    r"|^\W*dear\b[^.!?\n]{1,60}[,:]\s*$|(?:以下|下面)[^。！？\n]{0,20}(?:作文|范文|文章|全文|一篇|初稿)|^\W*(?:尊敬|亲爱)的[^。！？\n]{1,20}[：:，,]",
    re.IGNORECASE | re.MULTILINE,
)


def writes_essay(answer: str, sources: Sequence[str] = ()) -> bool:
    """Whether the answer, or what has come of it, holds more prose in one run than help needs.

    What stands in the `sources`, the task and the student's own essay, is quoted and does not count.
    """
    known = [_plain(source) for source in sources]
    offer = _OFFER.search(answer)
    if offer and _size(_own(answer[offer.end() :], known)) > LONGEST_OFFER:
        return True
    run = addressed = 0.0
    for sentence in _own(answer, known):
        size, about = _size([sentence]), _ABOUT_WRITING.search(sentence)
        to_student = _TO_STUDENT.search(sentence)
        run = 0.0 if about or to_student else run + size
        addressed = 0.0 if about or (to_student and _QUESTION.search(sentence)) else addressed + size
        if run > LONGEST_RUN or addressed > LONGEST_ADDRESSED:
            return True
    return False


def _own(text: str, known: Sequence[str]) -> Iterator[str]:
    """The sentences that are the answer's own."""
    for sentence in _SENTENCE.findall(text):
        plain = _plain(sentence)
        if plain and not any(plain in source for source in known):
            yield sentence


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()


def _size(sentences: Sequence[str] | Iterator[str]) -> float:
    return sum(len(_WORD.findall(each)) + _HAN_WEIGHT * len(_HAN.findall(each)) for each in sentences)
