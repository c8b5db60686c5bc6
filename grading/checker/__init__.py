"""What is wrong with the language of a text, found offline in some tens of milliseconds.

English is checked by Harper, Chinese by our own `chinese`; words said twice and sentences without end are found by
the same simple rules in both. Everything found is counted; a person is told of what is `sure` only, for a student who
is told of errors that are none stops reading the notes that matter.
"""

from __future__ import annotations

from grading.checker import chinese, english, style
from grading.checker.finding import Finding
from grading.segmentation import Sentence, sentences
from grading.text import Language, language_of

__all__ = ["Finding", "check"]


def check(text: str, language: Language | None = None, *, cut: list[Sentence] | None = None) -> list[Finding]:
    """The findings in their order, none inside another. `cut` saves a second cutting by who has the sentences."""
    language = language or language_of(text)
    speller = chinese if language == "zh" else english
    cut = sentences(text) if cut is None else cut
    return _apart([*speller.check(text), *style.repeated(text, cut, language)]) + style.overlong(cut, language)


def _apart(findings: list[Finding]) -> list[Finding]:
    """Of findings that overlap, the one that begins first."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: (finding.start, finding.end)):
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
    return kept
