"""The second check: whether two questions that lie close as vectors ask the same.

Vectors of a small model tell subjects apart and little else: a question and its reversal, its negation, or the same
with another number or name lie at cosines of 0.98 and more. So rules refuse a pair for a reason that can be named
(`RULES`): its numbers, negations, names, the kind of answer, the order of roles and every word that carries meaning
must agree, once what can be said in several ways is folded into one (`grading.cache.folds`). What is left differs in
small words only, and is the more certain the closer its vectors lie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grading.cache.reading import Reading, read
from grading.text import UNSTORABLE, Language

CLOSE = 0.95
"""Least cosine; below it two questions are not even compared."""
THRESHOLD = 0.5
"""Least certainty of a hit where nothing else is known of its kind."""
EVEN: dict[Language, float] = {"en": 0.008, "zh": 0.02}
"""One less the cosine at which a pair that no rule refuses has a certainty of one half. Chosen on one half of labelled
pairs: below it, some of the pairs that people call different questions are no longer told apart."""
COMPARED = 8
"""Nearest entries that are read: the nearest by cosine is often not the one that means the same."""
CROWDED = 0.925
"""Cosine of the last of them from which on the store is crowded around a question. A small model then has no more to
say: where everything is about one narrow subject, what lies closest is another question as often as the same."""
LONGEST = 600
"""Characters of a question that are compared; a longer one is a text, and only its very self answers it."""


@dataclass(frozen=True)
class Best:
    """Which of the candidates answers the question most certainly, by its place among them."""

    place: int
    certainty: float


def best(asked: str, candidates: Sequence[tuple[str, float]]) -> Best | None:
    """The candidate, of questions and their cosines to what is asked, whose answer will do; None where none will.

    Candidates come nearest first, `COMPARED` of them where there are so many. Where the last is `CROWDED`, only the
    same words in the same order will do. Where one of them is the question with its roles turned round, only the very
    same text will: among reversals a difference in small words cannot be told from one that matters. Nor is either of
    two served that would both do: had they been one question, the first would have answered the second.
    """
    crowded = len(candidates) >= COMPARED and candidates[-1][1] >= CROWDED
    found: Best | None = None
    turned = False
    would_do: set[str] = set()
    for place, (stored, similarity) in enumerate(candidates):
        if similarity < CLOSE:
            continue
        if _same_text(asked, stored):
            return Best(place, 1.0)
        if max(len(asked), len(stored)) > LONGEST or UNSTORABLE.search(asked):
            continue
        a, b = read(asked), read(stored)
        reason = refusal(a, b)
        turned = turned or reason == "roles"
        sure = 0.0 if reason or (crowded and a.words != b.words) else certainty(a.language, similarity)
        if sure >= THRESHOLD:
            would_do.add(stored)
        if sure > (found.certainty if found else 0.0):
            found = Best(place, sure)
    return None if turned or len(would_do) > 1 else found


def objection(asked: str, candidates: Sequence[tuple[str, float]]) -> str | None:
    """Why the nearest of the candidates does not answer the question, where `best` found none that does: one of
    `RULES`, `long`, or `doubt` where its cosine is too low for what is left, or others make it unsure. None where none
    is `CLOSE`."""
    near = next((stored for stored, similarity in candidates if similarity >= CLOSE), None)
    if near is None:
        return None
    if max(len(asked), len(near)) > LONGEST:
        return "long"
    return refusal(read(asked), read(near)) or "doubt"


def certainty(language: Language, similarity: float) -> float:
    """How sure a pair is that no rule refuses, 0 to 1, by its cosine: a half at `EVEN`, one for the same vectors."""
    return EVEN[language] / (EVEN[language] + max(0.0, 1.0 - similarity))


def cosine_at(language: Language, certainty: float) -> float:
    """The cosine from which on a pair that no rule refuses is so certain; see `certainty`. Never below `CLOSE`."""
    return max(CLOSE, 1.0 - EVEN[language] * (1.0 - certainty) / certainty) if certainty else CLOSE


def _same_text(asked: str, stored: str) -> bool:
    return " ".join(asked.split()) == " ".join(stored.split())


def refusal(a: Reading, b: Reading) -> str | None:
    """Why the two cannot be one question, by the first rule that says so; None where none does."""
    return next((name for name, differs in RULES.items() if differs(a, b)), None)


def _language(a: Reading, b: Reading) -> bool:
    return a.language != b.language


def _empty(a: Reading, b: Reading) -> bool:
    """Nothing is left of one to compare: `吗？` or `why?` alone."""
    return not (a.content and b.content)


def _numbers(a: Reading, b: Reading) -> bool:
    """Other numbers, or the same in another order: 31除以七 and 31除以二, 3 to 5 and 5 to 3."""
    return a.numbers != b.numbers


def _negation(a: Reading, b: Reading) -> bool:
    """One denies what the other says; two denials are none."""
    return a.negations % 2 != b.negations % 2


def _names(a: Reading, b: Reading) -> bool:
    """A name in one that the other nowhere has."""
    return bool(a.names - {*b.words} or b.names - {*a.words})


def _asks(a: Reading, b: Reading) -> bool:
    """Why is not how; can, should and will are three questions; what was is not what is."""
    return a.asks != b.asks


def _roles(a: Reading, b: Reading) -> bool:
    """The same words in another order, another 我 or 你, another by or from: who does it to whom may have turned."""
    shared = {*a.content} & {*b.content}
    turned = [word for word in a.content if word in shared] != [word for word in b.content if word in shared]
    return turned or a.directions != b.directions or a.persons != b.persons


def _words(a: Reading, b: Reading) -> bool:
    """A meaningful word that only one of them has: the function of TV and of money, caching and server caching."""
    return any(leftover(a, b))


RULES: dict[str, Callable[[Reading, Reading], bool]] = {
    "language": _language,
    "empty": _empty,
    "numbers": _numbers,
    "negation": _negation,
    "names": _names,
    "asks": _asks,
    "roles": _roles,
    "words": _words,
}
"""In the order in which they are asked, the cheapest first."""


def leftover(a: Reading, b: Reading) -> tuple[list[str], list[str]]:
    """The meaningful words that only the first has, and only the second, with forms of one word taken as one."""
    mine = list((Counter(a.content) - Counter(b.content)).elements())
    yours = list((Counter(b.content) - Counter(a.content)).elements())
    if a.language == "en":
        for word in tuple(mine):
            if form := next((other for other in yours if _forms_of_one(word, other)), None):
                mine.remove(word)
                yours.remove(form)
    elif "".join(mine) == "".join(yours):  # only cut in other places
        return [], []
    return mine, yours


_SUFFIXES = "al ally ion ions ity ment ments e er ers or ors y ly ic ical ing ed es s ist ists ism iti"
_ENDINGS = frozenset(_SUFFIXES.split()) | {""}


def _forms_of_one(word: str, other: str) -> bool:
    """Whether both begin alike for five letters and more, and then differ in endings alone: education, educational."""
    shared = next((i for i, (x, y) in enumerate(zip(word, other, strict=False)) if x != y), min(len(word), len(other)))
    return shared >= 5 and word[shared:] in _ENDINGS and other[shared:] in _ENDINGS
