"""What can be counted in an essay, by name: the figures that calibration learns from and a teacher can read.

Everything is counted on `substance.own_sentences`, so that repeated and copied sentences add nothing. Rates are per
hundred words; sizes are logarithms, because the tenth paragraph tells less of a writer than the second. Nothing is
scaled to marks: what a figure is worth is learned from the teacher's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log1p

import numpy as np

from grading import checker
from grading.character_features import characters
from grading.complexity import diversity
from grading.feature_words import wordlist
from grading.segmentation import Sentence, sentences
from grading.substance import own_sentences, own_text
from grading.text import Language


def features(text: str, language: Language, *, prompt: str = "") -> dict[str, float]:
    """The figures of a text, always the same names in the same order for a language; all nought for a text of none."""
    whole = sentences(text)
    cut, repeated, copied = own_sentences(whole, prompt)
    words = [word.text.lower() for sentence in cut for word in sentence.words]
    own = own_text(text, cut)
    return {
        **_size(text, cut, words),
        **_words(words, language),
        **_sentences(own, cut),
        **_errors(text, cut, words, language),
        **_cohesion(own, cut, words, language),
        **_task(words, prompt),
        "repeated": repeated,
        "copied": copied,
        **(characters(own) if language == "zh" else {}),
    }


def _size(text: str, cut: Sequence[Sentence], words: Sequence[str]) -> dict[str, float]:
    paragraphs = {text.count("\n", 0, sentence.start) for sentence in cut}
    return {
        "log_words": log1p(len(words)),
        "log_characters": log1p(sum(map(len, words))),
        "log_sentences": log1p(len(cut)),
        "log_different_words": log1p(len(set(words))),
        "fourth_root_words": len(words) ** 0.25,
        "log_paragraphs": log1p(len(paragraphs)),
    }


def _words(words: Sequence[str], language: Language) -> dict[str, float]:
    known = wordlist(language)
    content = [word for word in words if word not in known.function]
    times = Counter(words)
    lengths = np.array([len(word) for word in words] or [0])
    rarity = np.array([known.rarity(word) for word in content] or [0.0])
    long = 7 if language == "en" else 4
    return {
        "diversity": diversity(words),
        "once": _rate([word for word, count in times.items() if count == 1], words),
        "word_length": float(lengths.mean()),
        "word_length_spread": float(lengths.std()),
        "long_words": _rate(lengths[lengths >= long], words),
        "log_long_words": log1p(len({word for word in words if len(word) >= long})),
        "rarity": float(rarity.mean()),
        "rare_words": _rate(rarity[rarity > known.rare], words),
        "log_rare_words": log1p(len({word for word in content if known.rarity(word) > known.rare})),
        "function_words": _rate([word for word in words if word in known.function], words),
    }


def _sentences(own: str, cut: Sequence[Sentence]) -> dict[str, float]:
    lengths = np.array([len(sentence.words) for sentence in cut] or [0])
    count = max(len(cut), 1)
    return {
        "sentence_words": float(np.log1p(lengths).mean()),
        "sentence_words_spread": float(np.log1p(lengths).std()),
        "commas": sum(map(own.count, ",，、")) / count,
        "semicolons": log1p(sum(map(own.count, ";；:："))),
        "questions": log1p(sum(map(own.count, "?？"))),
        "exclamations": log1p(sum(map(own.count, "!！"))),
        "quotation_marks": log1p(sum(map(own.count, '"“”「」'))),
    }


def _errors(text: str, cut: Sequence[Sentence], words: Sequence[str], language: Language) -> dict[str, float]:
    found = [finding for finding in checker.check(text, language) if _inside(finding.start, cut)]
    counts = {kind: sum(one.kind == kind for one in found) for kind in ("spelling", "grammar", "sentence")}
    per_hundred = 100 / max(len(words), 1)
    return {
        "spelling_errors": log1p(counts["spelling"] * per_hundred),
        "grammar_errors": log1p(counts["grammar"] * per_hundred),
        "overlong_sentences": log1p(counts["sentence"] * per_hundred),
    }


def _inside(place: int, cut: Sequence[Sentence]) -> bool:
    return any(sentence.start <= place < sentence.end for sentence in cut)


def _cohesion(own: str, cut: Sequence[Sentence], words: Sequence[str], language: Language) -> dict[str, float]:
    known = wordlist(language)
    bags = [{word.text.lower() for word in sentence.words} - known.function for sentence in cut]
    overlap = [len(a & b) / max(1, min(len(a), len(b))) for a, b in pairwise(bags)]
    counts = [len(pattern.findall(own.lower())) for pattern in known.connectives.values()]
    return {
        "connectives": 100 * sum(counts) / max(len(words), 1),
        "different_connectives": log1p(sum(count > 0 for count in counts)),
        "overlap_of_neighbours": float(np.mean(overlap or [0.0])),
        "first_person": _rate([word for word in words if word in known.first_person], words),
    }


def _task(words: Sequence[str], prompt: str) -> dict[str, float]:
    asked = {word.text.lower() for sentence in sentences(prompt) for word in sentence.words if len(word.text) > 1}
    used = set(words)
    return {
        "prompt_words_used": len(asked & used) / max(len(asked), 1),
        "words_from_prompt": _rate([word for word in words if word in asked], words),
    }


def _rate(some: Sequence[object] | np.ndarray, words: Sequence[str]) -> float:
    return 100 * len(some) / max(len(words), 1)
