"""The part of an essay that counts towards its length: its own sentences, each once.

A sentence said again, or taken from the task, is in the essay but earns nothing. Who measures an essay measures what is
left, so that neither repeating a paragraph nor copying the prompt can make it longer. The essay itself is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from grading.segmentation import Sentence, sentences

GRAM = 3
"""Words in a row that are compared: three in a row are seldom the same by chance."""
SHORT = 4
"""Words up to which a sentence must be the same as a whole to be called repeated."""
SAME = 0.7
"""Share of a sentence's grams that were said before, from which on it is a repetition. People quote and take up their
own words, so that less is no offence."""


def own_sentences(cut: Sequence[Sentence], prompt: str = "") -> tuple[list[Sentence], float, float]:
    """The sentences that say something of their own, and what share of all words was repeated, and copied."""
    said: set[tuple[str, ...]] = set()
    given = _prompt_grams(prompt)
    kept: list[Sentence] = []
    repeated = copied = total = 0
    for sentence in cut:
        words = [word.text.lower() for word in sentence.words]
        grams = _grams(words)
        total += len(words)
        if _share(grams, said) >= (1.0 if len(words) <= SHORT else SAME):
            repeated += len(words)
        elif len(words) > SHORT and _share(grams, given) >= SAME:
            copied += len(words)
        else:
            kept.append(sentence)
        said |= grams
    return kept, repeated / max(total, 1), copied / max(total, 1)


def own_text(text: str, kept: Sequence[Sentence]) -> str:
    """The text of those sentences, as it is written, with a line's end where one lies between two of them."""
    parts = []
    for before, sentence in zip([None, *kept], kept, strict=False):
        if before is not None:
            parts.append("\n" if "\n" in text[before.end : sentence.start] else " " * (before.end < sentence.start))
        parts.append(text[sentence.start : sentence.end])
    return "".join(parts)


def _share(grams: set[tuple[str, ...]], among: set[tuple[str, ...]] | frozenset[tuple[str, ...]]) -> float:
    return len(grams & among) / len(grams)


def _grams(words: Sequence[str]) -> set[tuple[str, ...]]:
    """Of a sentence of fewer words than a gram, the sentence."""
    return {tuple(words[i : i + GRAM]) for i in range(max(1, len(words) - GRAM + 1))}


@lru_cache(maxsize=64)
def _prompt_grams(prompt: str) -> frozenset[tuple[str, ...]]:
    return frozenset(gram for one in sentences(prompt) for gram in _grams([word.text.lower() for word in one.words]))
