"""What is wrong with the language of a text, found offline.

`check` is what is counted, wherever a number of errors is shown: it takes English two or three milliseconds a page, so
that every essay can pay for it before it is routed. `proofread` is what margin notes are made of: the same, and in
English what Harper says, whose parser alone takes longer. A person is told of what is `sure` only, for a student who is
told of errors that are none stops reading the notes that matter.
"""

from __future__ import annotations

from grading.checker import chinese, chinese_grammar, english, english_grammar, english_words, style
from grading.checker.finding import Finding
from grading.segmentation import Sentence, sentences
from grading.text import Language, language_of

__all__ = ["Finding", "check", "proofread"]


def check(text: str, language: Language | None = None, *, cut: list[Sentence] | None = None) -> list[Finding]:
    """The findings in their order, none inside another. `cut` saves a second cutting by who has the sentences."""
    language = language or language_of(text)
    cut = sentences(text) if cut is None else cut
    if language == "zh":
        found = chinese.check(text) + chinese_grammar.check(text, cut)
    else:
        found = english_words.check(text) + english_grammar.check(text, cut)
    return _apart(found + style.repeated(text, cut, language)) + style.overlong(cut, language)


def proofread(text: str, language: Language | None = None) -> list[Finding]:
    """What `check` finds, and in English what Harper does; ordered and apart likewise, overlong sentences last."""
    language = language or language_of(text)
    found = check(text, language)
    if language == "zh":
        return found
    overlong = [finding for finding in found if finding.kind == "sentence"]
    return _apart([one for one in found if one.kind != "sentence"] + english.check(text)) + overlong


def _apart(findings: list[Finding]) -> list[Finding]:
    """Of findings that overlap, one that is sure; of those that are as sure, the one that begins first."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: (not finding.sure, finding.start, finding.end)):
        if not any(finding.start < one.end and one.start < finding.end for one in kept):
            kept.append(finding)
    return sorted(kept, key=lambda finding: finding.start)
