"""How sure a model was of each level, read from the log-probabilities of the tokens it wrote."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from grading.engines.engine import Completion, Token
from grading.reply import Reply
from grading.rubric import LEVELS

_LEVELS = re.compile(r'"levels"\s*:\s*\{([^}]*)\}')
_LEVEL = re.compile(r'"(\w+)"\s*:\s*([1-6])(?![\d.])')


@dataclass(frozen=True)
class LevelEstimate:
    """The level a model wrote, and the probability it gave to each of the levels 1 to 6; they sum to one."""

    level: int
    probabilities: tuple[float, ...]

    @classmethod
    def certain(cls, level: int) -> LevelEstimate:
        """All probability at the level written, for an engine that gives no log-probabilities."""
        return cls(level, tuple(float(level == other) for other in LEVELS))

    @property
    def expected(self) -> float:
        """The mean level, from 1 to 6."""
        return sum(level * probability for level, probability in zip(LEVELS, self.probabilities, strict=True))

    @property
    def certainty(self) -> float:
        """1 − entropy / ln 6: one when all probability is at one level, nought when all six are as likely."""
        entropy = -sum(probability * math.log(probability) for probability in self.probabilities if probability > 0)
        return max(0.0, 1 - entropy / math.log(len(LEVELS)))


def levels(completion: Completion, reply: Reply) -> dict[str, LevelEstimate]:
    """The estimate of every criterion of a reply that was read from this completion."""
    written = _written(completion.tokens)
    return {key: written.get(key) or LevelEstimate.certain(level) for key, level in reply.levels.items()}


def first_levels(tokens: Sequence[Token]) -> dict[str, LevelEstimate]:
    """The estimates in a reply that has just begun; none before all levels are there, or if they do not come first.

    What follows in the reply does not change them.
    """
    ends_levels = (count for count, token in enumerate(tokens, 1) if "}" in token.text)
    return _written(tokens[: next(ends_levels, 0)])


def _written(tokens: Sequence[Token]) -> dict[str, LevelEstimate]:
    """The estimates of the levels that stand in the text of these tokens, by the criteria's keys."""
    text = "".join(token.text for token in tokens)
    # A quotation mark inside a JSON string is escaped, so these patterns match no words of a comment.
    found = _LEVELS.search(text)
    if found is None:
        return {}
    ends = list(accumulate(len(token.text) for token in tokens))
    places = _LEVEL.finditer(text, *found.span(1))
    return {each[1]: _estimate(each[2], tokens[bisect_right(ends, each.start(2))]) for each in places}


def _estimate(written: str, token: Token) -> LevelEstimate:
    """The estimate of a level from the token it was found in, which may hold more than it."""
    level = int(written)
    if token.text.strip() != written:
        return LevelEstimate.certain(level)
    masses = [0.0] * len(LEVELS)
    for text, log_probability in token.top.items():
        if text.strip() in map(str, LEVELS):
            masses[int(text) - 1] += math.exp(log_probability)
    if masses[level - 1] == 0:
        return LevelEstimate.certain(level)
    total = sum(masses)
    return LevelEstimate(level, tuple(mass / total for mass in masses))
