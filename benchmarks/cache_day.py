"""What the cache answers on a day of questions and essays, level by level.

    python -m benchmarks.cache_day [--questions 2000] [--assignments 60] [--essays 15000] [--seed 0]

The mix is supposed, for want of a log of a real day; it is in the output. Of the questions 30 % were asked before in
the same words about the same assignment, 5 % in other words (the other half of a pair that people labelled as the
same), and each fiftieth is a double click, two at once. The rest is new; QQP and OPPO are what they are drawn from.
They go through the real chain, by two chains' memory in turn, to a real Valkey and Postgres; a model is a function that
answers with the question's row, so that a wrong answer is seen. Of the essays 1 % is handed in once more by the same
student; everybody else's prompt begins with the same words as others' for the assignment, which our own engine reads
once, in blocks of 128 tokens (a hosted provider caches from 1,024 on, which these prompts do not reach).

Prints a line of JSON: questions by who answered, wrong answers, calls and dollars saved; essays likewise.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from benchmarks.semantic_pairs import CASES, FILES, require_cases
from grading.cache.chain import Answer, Chain
from grading.cache.evaluation import Pair, read_pairs
from grading.cache.key import Key
from grading.cache.semantic import semantic
from grading.costs.prices import price_of
from grading.engines.engine import Usage
from grading.prompts.defaults import default
from models.session import forget_engine
from settings import ROOT, settings
from tests.conftest import use_environment

BEFORE, OTHER_WORDS, DOUBLE = 0.30, 0.05, 0.02
RESUBMITTED = 0.01
BLOCK = 128
MODEL = "gpt-4.1-mini"
ASKED = Usage(prompt=900, completion=200)
"""Tokens of a question with its task and rubric, and of its answer."""
MEBIBYTE = 1024 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=2000)
    parser.add_argument("--assignments", type=int, default=60)
    parser.add_argument("--essays", type=int, default=15_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    require_cases()
    with tempfile.TemporaryDirectory() as folder:
        postgres, valkey = EmbeddedPostgres(Path(folder)), EmbeddedValkey(Path(folder))
        servers = {"PIZHU_DATABASE_URL": postgres.start(), "PIZHU_REDIS_URL": valkey.start(), "PIZHU_HOME": folder}
        with use_environment(servers):
            command.upgrade(Config(ROOT / "alembic.ini"), "head")
            questions = day(chosen.questions, chosen.assignments, chosen.seed)
        forget_engine()
        valkey.stop()
        postgres.stop()
    print(json.dumps({"benchmark": "cache_day", **vars(chosen), "questions": questions, "essays": essays(chosen)}))


def day(count: int, assignments: int, seed: int) -> dict[str, Any]:
    dice = random.Random(seed)  # noqa: S311
    pairs = [pair for name in ("qqp", "oppo") for pair in read_pairs(CASES / FILES[name])]
    dice.shuffle(pairs)
    asked: dict[int, list[Pair]] = {number: [] for number in range(assignments)}
    level = []
    chains = [Chain(settings().redis_url, 64 * MEBIBYTE, semantic()) for _ in range(2)]
    wrong = 0
    for number in range(count):
        assignment, luck = dice.randrange(assignments), dice.random()
        known = asked[assignment]
        alike = [pair for pair in known if pair.same]
        if known and luck < BEFORE:
            pair = dice.choice(known)
            text = pair.stored
        elif alike and luck < BEFORE + OTHER_WORDS:
            pair = dice.choice(alike)
            text = pair.asked
        else:
            pair = pairs.pop()
            text = pair.stored
            known.append(pair)
        key = Key("ask", f"class:{assignment}", {"task": "ask"}, text, frozenset({f"assignment:{assignment}"}), True)
        times = 2 if dice.random() < DOUBLE else 1
        for answer in at_once(chains[number % 2], key, pair.row, times):
            level.append(answer.level or "model")
            wrong += answer.value != pair.row
    for chain in chains:
        chain.close()
    by_level = Counter(level)
    hits = len(level) - by_level["model"]
    saved = price_of(MODEL).cost(ASKED) * hits
    return {
        "mix": {"before": BEFORE, "in_other_words": OTHER_WORDS, "double_clicks": DOUBLE},
        "asked": len(level),
        "by_level": dict(by_level),
        "hit_rate": round(hits / len(level), 3),
        "wrong": wrong,
        "saved_usd": f"{saved:.4f}",
        "of_usd": f"{price_of(MODEL).cost(ASKED) * len(level):.4f}",
    }


def at_once(chain: Chain, key: Key, value: str, times: int) -> list[Answer]:
    """The same asked so many times at one moment."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: chain.get_or_call(key, lambda: value), range(times)))


def essays(chosen: argparse.Namespace) -> dict[str, Any]:
    repeated = round(chosen.essays * RESUBMITTED)
    prefix = default("grade", "en").tokens // BLOCK * BLOCK
    graded = chosen.essays - repeated
    return {
        "mix": {"resubmitted": RESUBMITTED},
        "handed_in": chosen.essays,
        "from_the_cache": repeated,
        "calls": graded,
        "prefix_tokens": prefix,
        "prefix_cached_tokens": prefix * (graded - chosen.assignments),
        "prefix_cached_hosted": 0,
    }


if __name__ == "__main__":
    main()
