"""How much an essay asks of who grades it, from 0 to 1, by four things that everybody can see.

    length / 5000 · 0.3 + vocabulary diversity · 0.3 + mean sentence length / 50 · 0.2 + errors / 10 · 0.2

Length is counted in characters and a sentence in words; each part is clipped to [0, 1] before it is weighed.
Words and sentences are those of `segmentation`: Chinese cut at blanks would be one word a sentence.

Diversity is the moving-average type-token ratio (MATTR): the mean share of different words in every window of
`WINDOW` words. The plain ratio falls as any text grows longer, this one does not (Covington and McFall, “Cutting the
Gordian Knot: The Moving-Average Type–Token Ratio (MATTR)”, Journal of Quantitative Linguistics 17, 2010). A text of no
more words than one window has its plain ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grading import checker
from grading.checker import Finding
from grading.segmentation import sentences
from grading.text import Language, language_of

WEIGHTS = {"length": 0.3, "vocabulary": 0.3, "sentences": 0.2, "errors": 0.2}
LONG_ESSAY = 5000
"""Characters at which the part of the length is full."""
LONG_SENTENCES = 50
"""Mean words a sentence at which the part of the sentences is full."""
MANY_ERRORS = 10
WINDOW = 50
"""Words of MATTR's window: short enough for a school essay to have many of them."""


@dataclass(frozen=True)
class Complexity:
    """What was counted; the parts and the score follow from it."""

    language: Language
    characters: int
    diversity: float
    """MATTR, from 0 to 1."""
    sentence_words: float
    """Mean words a sentence."""
    findings: tuple[Finding, ...] = field(repr=False)

    @property
    def errors(self) -> int:
        return len(self.findings)

    @property
    def parts(self) -> dict[str, float]:
        """Each from 0 to 1, before it is weighed."""
        return {
            "length": min(1.0, self.characters / LONG_ESSAY),
            "vocabulary": self.diversity,
            "sentences": min(1.0, self.sentence_words / LONG_SENTENCES),
            "errors": min(1.0, self.errors / MANY_ERRORS),
        }

    @property
    def rounded_parts(self) -> dict[str, float]:
        return {name: round(part, 4) for name, part in self.parts.items()}

    @property
    def score(self) -> float:
        return sum(WEIGHTS[name] * part for name, part in self.parts.items())

    def to_json(self) -> dict[str, Any]:
        """The score, its parts and what was counted; the findings are the checker's to tell."""
        return {
            "score": round(self.score, 4),
            "parts": self.rounded_parts,
            "language": self.language,
            "characters": self.characters,
            "diversity": round(self.diversity, 4),
            "sentence_words": round(self.sentence_words, 2),
            "errors": self.errors,
        }


def measure(text: str, language: Language | None = None) -> Complexity:
    """The complexity of a text; its language is seen from the text where it is not given."""
    language = language or language_of(text)
    cut = sentences(text)
    words = [word.text.lower() for sentence in cut for word in sentence.words]
    return Complexity(
        language=language,
        characters=len(text),
        diversity=diversity(words),
        sentence_words=len(words) / len(cut) if cut else 0.0,
        findings=tuple(checker.check(text, language, cut=cut)),
    )


def diversity(words: Sequence[str], window: int = WINDOW) -> float:
    """MATTR: the mean share of different words in all windows of so many words; 0 without any word."""
    if not words:
        return 0.0
    window = min(window, len(words))
    windows = len(words) - window + 1
    last: dict[str, int] = {}
    different = 0
    for place, word in enumerate(words):
        # A word is new in the windows that end before `place + window` and begin after it stood last.
        first = last.get(word, -1) + 1
        if first <= place - window:
            first = place - window + 1
        before = place + 1 if place < windows else windows
        if before > first:
            different += before - first
        last[word] = place
    return different / windows / window
