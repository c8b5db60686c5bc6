"""How sure a model was of each level, read from the log-probabilities of the tokens it wrote."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from grading.engines.engine import Completion, Token
from grading.reply import Reply
from grading.rubric import LEVELS

_LEVELS = re.compile(r'"levels"\s*:\s*\{([^}]*)\}')
_LEVEL = re.compile(r'"(\w+)"\s*:\s*([1-6])')


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
    tokens = dict(_level_tokens(completion))
    return {key: _estimate(level, tokens.get(key)) for key, level in reply.levels.items()}


def _level_tokens(completion: Completion) -> Iterator[tuple[str, Token]]:
    """Each criterion's key and the token that holds its level, found by its place in the text."""
    # A quotation mark inside a JSON string is escaped, so these patterns match no words of a comment.
    written = _LEVELS.search(completion.text)
    if written is None:
        return
    ends = list(accumulate(len(token.text) for token in completion.tokens))
    for found in _LEVEL.finditer(completion.text, *written.span(1)):
        index = bisect_right(ends, found.start(2))
        if index < len(ends) and completion.tokens[index].text.strip() == found[2]:
            yield found[1], completion.tokens[index]


def _estimate(level: int, token: Token | None) -> LevelEstimate:
    if token is None:
        return LevelEstimate.certain(level)
    masses = [0.0] * len(LEVELS)
    for text, log_probability in token.top.items():
        if text.strip() in map(str, LEVELS):
            masses[int(text) - 1] += math.exp(log_probability)
    if masses[level - 1] == 0:
        return LevelEstimate.certain(level)
    total = sum(masses)
    return LevelEstimate(level, tuple(mass / total for mass in masses))
