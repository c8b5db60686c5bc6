"""The stored answers of two real models to real essays, with people's marks: what routing can be tried on without
asking anybody anything.

Of each ASAP set there are answers of gpt-3.5-turbo-0301 with its token counts and of Llama-2 chat without; its prompt
is taken to be as long as the other model's shortest to the same essay, and its reply to have a token for every four
characters that were kept of it. The size of the Llama is not recorded; it is priced as the 13B. No log-probabilities
are stored, so that the confidence the product works with cannot be had from these. To Chinese essays there are none.

The first `LOOKED_AT` essays of each set were looked at while the rules were written, and are left out.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.complexity import measure
from grading.costs.prices import Price, price_of
from grading.engines.engine import Usage
from grading.evaluation.opinions import HEDGES
from tests.corpus import SHARED

ESSAYS = SHARED / "asap_dev.jsonl.gz"
ANSWERS = SHARED / "asap_dev_model_answers.jsonl.gz"
LOOKED_AT = 500
PRICED_AT = datetime(2026, 11, 1, tzinfo=UTC)
SMALL, LARGE = "Llama", "ChatGPT"


@dataclass(frozen=True)
class Answers:
    """One model's answers to a set: a row for each prompt variant, a column for each essay. Scores are NaN where the
    reply has none, costs are US dollars; `hedged` and `spread` (of the traits; NaN without) are the first variant's."""

    scores: NDArray[np.float64]
    costs: NDArray[np.float64]
    hedged: NDArray[np.bool_]
    spread: NDArray[np.float64]


@dataclass(frozen=True)
class Set:
    """One ASAP set: essays, the people's marks, and both models."""

    number: int
    low: int
    high: int
    marks: NDArray[np.float64]
    features: NDArray[np.float64]
    """A row for each essay: characters, and the four parts of its complexity."""
    complexity: NDArray[np.float64]
    small: Answers
    large: Answers


def prices() -> dict[str, Price]:
    return {
        SMALL: price_of("meta-llama/Llama-2-13b-chat-hf", provider="together", at=PRICED_AT),
        LARGE: price_of("gpt-3.5-turbo-0301", provider="openai", at=PRICED_AT),
    }


def load(essays_a_set: int, seed: int = 0) -> list[Set]:
    """At most so many essays of each set, drawn at random."""
    essays: dict[int, list[dict[str, Any]]] = defaultdict(list)
    answers: dict[Any, dict[int, dict[str, Any]]] = defaultdict(dict)
    for essay in _lines(ESSAYS):
        essays[essay["prompt_id"]].append(essay)
    for answer in _lines(ANSWERS):
        answers[answer["prompt_id"], answer["model"], answer["prompt_variant"]][answer["essay_id"]] = answer
    random = np.random.default_rng(seed)
    sets = []
    for number, of_set in sorted(essays.items()):
        unseen = of_set[LOOKED_AT:]
        drawn = [unseen[i] for i in sorted(random.permutation(len(unseen))[:essays_a_set])]
        stored = {model: _variants(answers, number, model) for model in (SMALL, LARGE)}
        sets.append(_set(number, drawn, stored))
    return sets


def _set(number: int, essays: list[dict[str, Any]], stored: dict[str, list[dict[int, dict[str, Any]]]]) -> Set:
    measured = [measure(essay["text"], "en") for essay in essays]
    ids = [essay["id"] for essay in essays]
    prompts = [min(variant[i]["prompt_tokens"] for variant in stored[LARGE]) for i in ids]
    priced = prices()
    return Set(
        number=number,
        low=essays[0]["min"],
        high=essays[0]["max"],
        marks=np.array([essay["score"] for essay in essays], dtype=float),
        features=np.array([[found.characters, *found.parts.values()] for found in measured]),
        complexity=np.array([found.score for found in measured]),
        small=_answers(stored[SMALL], ids, prompts, priced[SMALL]),
        large=_answers(stored[LARGE], ids, prompts, priced[LARGE]),
    )


def _answers(variants: list[dict[int, dict[str, Any]]], ids: list[int], prompts: list[int], price: Price) -> Answers:
    def cost(answer: dict[str, Any], prompt: int) -> float:
        used = Usage(answer["prompt_tokens"] or prompt, 0, answer["completion_tokens"] or len(answer["raw"]) // 4)
        return float(price.cost(used))

    first = [variants[0][i] for i in ids]
    scores = [[variant[i]["total_score"] for i in ids] for variant in variants]
    return Answers(
        scores=np.array(scores, dtype=float),
        costs=np.array([[cost(variant[i], n) for i, n in zip(ids, prompts, strict=True)] for variant in variants]),
        hedged=np.array([bool(HEDGES.search(answer["raw"])) for answer in first]),
        spread=np.array([np.std(list(answer["sub"].values())) if answer["sub"] else np.nan for answer in first]),
    )


def _variants(answers: dict[Any, dict[int, Any]], number: int, model: str) -> list[dict[int, Any]]:
    return [answers[key] for key in sorted(answers) if key[:2] == (number, model)]


def _lines(path: Any) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
