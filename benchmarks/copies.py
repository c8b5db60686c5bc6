"""How many near copies are found, how many honest pairs are flagged, and how long one essay takes beside 10,000.

    python -m benchmarks.copies [--half report] [--essays 200] [--copies 60] [--beside 10000]

Real essays: ASAP sets 1, 2, 4 and 7 with their task and source as the task, and the Chinese argumentative and school
essays, whose tasks are not known. A copy is an honest essay of which 10, 30, 50 or 80 % of the sentences are another
one's of the same set, with each word in ten (in Chinese: character) another one of the class's. `recall` is the share
of these that is flagged, candidates and alignment together; `false_per_1000` counts flagged pairs among all pairs of
honest essays, and `largest` what the most alike of these share: essays that were really copied are among them. The
thresholds of `grading.copies` were chosen on essays of which some are in either half; `alternatives` (with `--half
tune`) are what others would do.
Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from grading.copies import search
from grading.copies.passages import FEWEST, FLAG_FROM, Overlap, overlap
from grading.copies.signature import AGREE, VERSION, signature
from grading.copies.tokens import Tokens
from grading.segmentation import sentences
from models import Essay, EssayState, Signature, User
from models.session import session
from tests.corpus import SHARED
from tests.factories import make_school
from tests.workers import lab as laboratory

CLASS = uuid.UUID(int=1)
LEVELS = (0.1, 0.3, 0.5, 0.8)
REWORDED = 0.1
CHINESE = ("zh_argument", "zh_highschool")
GRID = list(itertools.product((1, 2, 3), (10, 12, 16), (0.03, 0.04, 0.06)))
"""AGREE, FEWEST and FLAG_FROM."""
TIMED = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--essays", type=int, default=200, help="of each set, all pairs of which are looked at")
    parser.add_argument("--copies", type=int, default=60, help="of each set and level")
    parser.add_argument("--beside", type=int, default=10_000, help="essays of one class; 0 leaves the timing out")
    chosen = parser.parse_args()
    if not SHARED.exists():
        print(json.dumps({"benchmark": "copies", "figures": None}))
        return
    figures: dict[str, Any] = {"benchmark": "copies", **vars(chosen)}
    figures["thresholds"] = {"agree": AGREE, "fewest": FEWEST, "flag_from": FLAG_FROM}
    for name, (texts, task) in sets().items():
        some = [each for each in texts if in_half(each, chosen.half)][: chosen.essays]
        figures[name] = figures_of(name, some, task, chosen)
        print(name, figures[name], file=sys.stderr)
    if chosen.beside:
        figures["beside"] = timing(chosen.beside)
    print(json.dumps(figures))


def sets() -> dict[str, tuple[list[str], str]]:
    """Texts and task of each set, in an order of their own that is always the same."""
    found: dict[str, list[str]] = {}
    for row in rows("asap_dev"):
        found.setdefault(f"asap_{row['prompt_id']}", []).append(row["text"])
    for name in CHINESE:
        found[name] = [row["text"] for row in rows(f"{name}_dev")]
    tasks = {
        f"asap_{number}": (SHARED / f"asap_prompts/set{number}_prompt_source_rubric.txt").read_text(encoding="utf-8")
        for number in (1, 2, 4, 7)
    }
    return {name: (sorted(set(texts), key=digest), tasks.get(name, "")) for name, texts in found.items()}


def rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(SHARED / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def digest(essay: str) -> bytes:
    return hashlib.sha256(essay.encode()).digest()


def in_half(essay: str, half: str) -> bool:
    return (digest(essay)[-1] % 2 == 0) == (half == "tune")


Pair = tuple[int, Overlap]
"""Numbers that two essays agree in, and what they share."""


def figures_of(name: str, texts: Sequence[str], task: str, chosen: argparse.Namespace) -> dict[str, Any]:
    rng = random.Random(7)  # noqa: S311 -- the same copies every time
    signed = [set(signature(each, CLASS, task)) for each in texts]
    honest = []
    for one, other in itertools.combinations(range(len(texts)), 2):
        if agreeing := len(signed[one] & signed[other]):
            honest.append((agreeing, overlap(texts[one], texts[other], task)))
    words = [word for each in texts for word in Tokens.of(each).words]
    planted: dict[float, list[Pair]] = {level: [] for level in LEVELS}
    for level in LEVELS:
        for _ in range(chosen.copies):
            own, source = rng.sample(range(len(texts)), 2)
            copy = copied(texts[own], texts[source], level, words, rng, "" if name in CHINESE else " ")
            agreeing = len(set(signature(copy, CLASS, task)) & signed[source])
            planted[level].append((agreeing, overlap(copy, texts[source], task)))
    pairs = len(texts) * (len(texts) - 1) // 2
    figures = {"essays": len(texts), "pairs": pairs, **judged(planted, honest, pairs, AGREE, FEWEST, FLAG_FROM)}
    figures["largest"] = [round(largest(each), 3) for _, each in sorted(honest, key=lambda pair: -largest(pair[1]))[:5]]
    if chosen.half == "tune":
        figures["alternatives"] = {str(each): judged(planted, honest, pairs, *each) for each in GRID}
    return figures


def judged(
    planted: dict[float, list[Pair]], honest: list[Pair], pairs: int, agree: int, fewest: int, flag_from: float
) -> dict[str, Any]:
    def flagged(pair: Pair) -> bool:
        return pair[0] >= agree and pair[1].tokens >= fewest and largest(pair[1]) >= flag_from

    recall = {f"{level:.0%}": round(statistics.mean(map(flagged, found)), 3) for level, found in planted.items()}
    return {"recall": recall, "false_per_1000": round(1000 * sum(map(flagged, honest)) / pairs, 3)}


def largest(found: Overlap) -> float:
    return max(found.share, found.other_share)


def copied(own: str, source: str, level: float, words: Sequence[str], rng: random.Random, between: str) -> str:
    """The essay with that share of its sentences replaced by the source's, reworded."""
    mine, theirs = ([each[one.start : one.end] for one in sentences(each)] for each in (own, source))
    count = min(max(1, round(level * len(mine))), len(theirs))
    taken = rng.sample(theirs, count)
    for place, sentence in zip(sorted(rng.sample(range(len(mine)), count)), taken, strict=True):
        mine[place] = reworded(sentence, words, rng)
    return between.join(mine)


def reworded(sentence: str, words: Sequence[str], rng: random.Random) -> str:
    tokens, pieces, place = Tokens.of(sentence), [], 0
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        pieces += [sentence[place:start], rng.choice(words) if rng.random() < REWORDED else sentence[start:end]]
        place = end
    return "".join([*pieces, sentence[place:]])


def timing(count: int) -> dict[str, Any]:
    """Milliseconds to sign an essay, to find its candidates among so many of one class, and to compare it with them."""
    texts = list(itertools.islice((row["text"] for name in ("asap_dev", "ellipse_dev") for row in rows(name)), count))
    with tempfile.TemporaryDirectory() as folder, laboratory.running(Path(folder) / "home", {}, ()):
        school = make_school()
        with session() as db:
            filled(db, school.assignment.id, school.student, texts)
            essays = db.scalars(select(Essay.id).order_by(Essay.id).limit(TIMED)).all()
            # What is timed was handed in by another student, or nobody's words would be anybody else's.
            db.execute(
                text("UPDATE essays SET student_id = :other WHERE id = ANY(:some)"),
                {"other": school.classmate.id, "some": list(essays)},
            )
            db.commit()
            db.execute(text("ANALYZE"))
            steps = {
                "sign": lambda essay: search.sign(db, essay.id),
                "candidates": lambda essay: search.candidates(db, essay),
                "compare": lambda essay: search.compare(db, essay.id),
            }
            taken: dict[str, list[float]] = {name: [] for name in steps}
            for essay_id in essays:
                for name, step in steps.items():
                    essay = db.get_one(Essay, essay_id)
                    began = time.perf_counter()
                    step(essay)
                    taken[name].append(1000 * (time.perf_counter() - began))
                db.commit()
    return {"essays": len(texts), **{f"{name}_ms": ms(each) for name, each in taken.items()}}


def ms(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 1), "p95": round(statistics.quantiles(values, n=20)[-1], 1)}


def filled(db: Any, assignment_id: uuid.UUID, student: User, texts: Sequence[str]) -> None:
    class_id = db.scalar(text("SELECT class_id FROM assignments WHERE id = :id"), {"id": assignment_id})
    for start in range(0, len(texts), 500):
        essays = [
            {
                "id": uuid.uuid4(),
                "assignment_id": assignment_id,
                "student_id": student.id,
                "text": each,
                "text_sha256": "",
                "state": EssayState.graded,
            }
            for each in texts[start : start + 500]
        ]
        db.execute(insert(Essay), essays)
        db.execute(
            insert(Signature),
            [
                {"essay_id": one["id"], "version": VERSION, "numbers": signature(one["text"], class_id, "")}
                for one in essays
            ],
        )
        db.commit()


if __name__ == "__main__":
    main()
