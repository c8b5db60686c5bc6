"""The passages that two essays share, to the character, also where they were moved about or words differ.

Short runs of tokens that stand in both are seeds. Seeds that follow each other at the same distance in both, but for a
few tokens, make a passage, and within it `rapidfuzz` aligns the tokens exactly (insertions and deletions), which says
how many are the same. What stands in the task as well makes no seed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import Indel

from grading.copies.signature import grams_of
from grading.copies.tokens import Gram, Tokens
from grading.text import Language

SEED: dict[Language, int] = {"en": 3, "zh": 5}
"""Tokens of a seed."""
LEAST: dict[Language, int] = {"en": 10, "zh": 16}
"""Tokens of a passage that must be the same; shorter ones are how everybody says it."""
GAP = 6
"""Tokens between two seeds of a passage that may differ, in either text."""
SAME = 0.7
"""Share of a passage's tokens, in both texts together, that must be the same."""
MOST_PLACES = 8
"""Places of one seed that are looked at: an essay that says the same over and over shall not take for ever."""


@dataclass(frozen=True)
class Passage:
    """`one[start:end]` is `other[other_start:other_end]` or nearly so, in code points; `tokens` of it are the same."""

    start: int
    end: int
    other_start: int
    other_end: int
    tokens: int


@dataclass(frozen=True)
class Overlap:
    """What two essays share; the shares are of the tokens of each, between 0 and 1."""

    passages: tuple[Passage, ...]
    tokens: int
    share: float
    other_share: float

    @property
    def is_flagged(self) -> bool:
        """Whether a teacher should look at it."""
        return self.tokens >= FEWEST and max(self.share, self.other_share) >= FLAG_FROM


FEWEST = 12
"""Tokens that two essays must share in all,"""
FLAG_FROM = 0.04
"""and the share of one of them that they must be: chosen on essays of which some are also reported (docs/copies.md)."""


def overlap(one: str, other: str, task: str = "") -> Overlap:
    """The passages of two essays that stand in neither's task, in the order of the first."""
    left, right = Tokens.of(one), Tokens.of(other)
    size = SEED[left.language]
    chains = _chains(left.grams(size), right.grams(size), grams_of(task, size), size)
    passages: list[Passage] = []
    taken, other_taken = set[int](), set[int]()
    for chain in sorted(chains, key=lambda chain: -chain.covered):
        own, others = range(chain.start, chain.end), range(chain.other_start, chain.other_end)
        if not (taken.isdisjoint(own) and other_taken.isdisjoint(others)):
            continue  # a longer passage holds some of it already
        if passage := _aligned(left, right, own, others):
            passages.append(passage)
            taken.update(own)
            other_taken.update(others)
    same = sum(passage.tokens for passage in passages)
    ordered = tuple(sorted(passages, key=lambda passage: passage.start))
    return Overlap(ordered, same, same / max(len(left), 1), same / max(len(right), 1))


@dataclass
class _Chain:
    """Seeds that follow each other in both texts; places are those of tokens, and the ends are behind the last."""

    start: int
    end: int
    other_start: int
    other_end: int
    covered: int = field(default=0)

    def takes(self, place: int, other: int, size: int) -> bool:
        """Go on with a seed, if it follows at about the same distance in both."""
        step, other_step = place + size - self.end, other + size - self.other_end
        if step <= 0 or other_step <= 0 or max(step, other_step) > GAP + size or abs(step - other_step) > GAP // 2:
            return False
        self.covered += min(step, size)
        self.end, self.other_end = place + size, other + size
        return True


def _chains(grams: Sequence[Gram], others: Sequence[Gram], known: Collection[Gram], size: int) -> list[_Chain]:
    places: defaultdict[Gram, list[int]] = defaultdict(list)
    for other, gram in enumerate(others):
        if gram not in known and len(places[gram]) < MOST_PLACES:
            places[gram].append(other)
    done: list[_Chain] = []
    open_: list[_Chain] = []
    for place, gram in enumerate(grams):
        for other in places.get(gram, ()):
            if not any(chain.takes(place, other, size) for chain in open_):
                open_.append(_Chain(place, place + size, other, other + size, size))
        done += [chain for chain in open_ if chain.end + GAP < place + size]
        open_ = [chain for chain in open_ if chain.end + GAP >= place + size]
    return done + open_


def _aligned(left: Tokens, right: Tokens, own: range, others: range) -> Passage | None:
    words, other_words = left.words[own.start : own.stop], right.words[others.start : others.stop]
    same = (len(words) + len(other_words) - Indel.distance(words, other_words)) // 2
    if same < LEAST[left.language] or 2 * same < SAME * (len(words) + len(other_words)):
        return None
    return Passage(
        start=left.starts[own.start],
        end=left.ends[own.stop - 1],
        other_start=right.starts[others.start],
        other_end=right.ends[others.stop - 1],
        tokens=same,
    )
