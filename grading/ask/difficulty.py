"""How much a question asks of who answers it, from 0 to 1, for the same router that places essays.

    reasons and advice asked for / 2 · 0.4 + words / 30 · 0.3 + questions in it / 3 · 0.15 + an essay to read · 0.15

An essay's complexity says nothing of a question: a dozen different words are as many as there are, whatever is asked.
Parts are clipped to [0, 1]; a question that looks a fact up in the task stays below the router's `simple_below`, one
that wants two reasons for the marks of an essay reaches `complex_from`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WEIGHTS = {"reasons": 0.4, "length": 0.3, "questions": 0.15, "essay": 0.15}
LONG_QUESTION = 30
"""Words."""
MANY_QUESTIONS = 3
MANY_REASONS = 2

_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+(?:['’-][^\W\d_]+)*|\d+|[\u3400-\u9fff]{1,2}")
_REASONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bwhy\b|\breasons?\b|为什么|为何|原因",
        r"\bhow (?:can|could|do|should|would|might)\b|\bways? to\b|怎么|怎样|如何",
        r"\bimprov\w+|\bbetter\b|\bstronger\b|\brevis\w+|改进|提高|修改|更好",
        r"\bcompar\w+|\bdifferen\w+|\brather than\b|比较|区别|不同",
        r"\bexplain\b|\banaly[sz]\w+|\bjustif\w+|解释|分析|说明",
        r"\bshould i\b|\bwould it\b|\badvi[cs]e\b|该不该|应不应该|建议",
    )
)
_ASKS = re.compile(
    r"[?？]|\b(?:and|or),? (?:how|why|what|when|where|which|who)\b|[，,；;](?:怎|为什么|如何|什么)", re.IGNORECASE
)


@dataclass(frozen=True)
class Difficulty:
    """What was counted; `score` and `rounded_parts` are as those of `grading.complexity.Complexity`."""

    words: int
    reasons: int
    questions: int
    essay: bool

    @property
    def parts(self) -> dict[str, float]:
        """Each from 0 to 1, before it is weighed."""
        return {
            "reasons": min(1.0, self.reasons / MANY_REASONS),
            "length": min(1.0, self.words / LONG_QUESTION),
            "questions": min(1.0, self.questions / MANY_QUESTIONS),
            "essay": float(self.essay),
        }

    @property
    def rounded_parts(self) -> dict[str, float]:
        return {name: round(part, 4) for name, part in self.parts.items()}

    @property
    def score(self) -> float:
        return sum(WEIGHTS[name] * part for name, part in self.parts.items())


def measure(question: str, *, essay: bool) -> Difficulty:
    """The difficulty of a question, about an essay or about the assignment alone."""
    return Difficulty(
        words=len(_WORD.findall(question)),
        reasons=sum(bool(cue.search(question)) for cue in _REASONS),
        questions=max(1, len(_ASKS.findall(question))),
        essay=essay,
    )
