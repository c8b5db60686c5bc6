"""What the checker found, as margin notes: they cost no model, so a page has some even where the model is weak."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grading import checker
from grading.checker import Finding
from grading.text import Language, language_of

MOST = 30
"""Notes on one essay; who has more to mend is helped by the first of them, not by all."""

_USE = ("spelling", "grammar", "repetition", "sentence")
"""Kinds of findings, what helps a pupil most first."""
_OF_LANGUAGE = ("language", "spelling")
"""Kinds of a model's notes that say the same as a rule would."""
_INSTEAD: Mapping[Language, str] = {"en": " Better: “{}”.", "zh": "可改为“{}”。"}

_log = logging.getLogger(__name__)


def rule_notes(text: str, beside: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Annotations found by rule, in the order of the text and in its own language.

    `quote` is `text[start:end]`, counted in code points. Only what is sure is noted, the same fault once, at most
    `MOST` faults, and none on words that a note of a model `beside` it has already put right. A checker that fails is
    logged and finds nothing: no grade may be lost to it.
    """
    language = language_of(text)
    try:
        found = [finding for finding in checker.proofread(text, language) if finding.sure]
    except Exception:
        _log.exception("The checker failed on an essay of %d characters; it gets no notes by rule.", len(text))
        return []
    said = [(note["start"], note["end"]) for note in beside if note["kind"] in _OF_LANGUAGE]
    fresh = [finding for finding in _first_of_each(text, found) if not any(_is_same(finding, *span) for span in said)]
    useful = sorted(fresh, key=lambda finding: (_USE.index(finding.kind), finding.suggestion is None, finding.start))
    return [_annotation(text, language, finding) for finding in sorted(useful[:MOST])]


def _first_of_each(text: str, findings: Iterable[Finding]) -> list[Finding]:
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        first.setdefault((finding.kind, text[finding.start : finding.end].casefold()), finding)
    return list(first.values())


def _is_same(finding: Finding, start: int, end: int) -> bool:
    """Whether the two share at least half of the words that either stands on."""
    common = min(finding.end, end) - max(finding.start, start)
    return 2 * common >= max(finding.end, end) - min(finding.start, start)


def _annotation(text: str, language: Language, finding: Finding) -> dict[str, Any]:
    better = (finding.suggestion or "").strip()
    unsaid = better and not any(f"{left}{better}{right}" in finding.message for left, right in ("“”", "``"))
    return {
        "start": finding.start,
        "end": finding.end,
        "quote": text[finding.start : finding.end],
        "kind": finding.kind,
        "comment": finding.message + (_INSTEAD[language].format(better) if unsaid else ""),
        "found_by": "rule",
    }
