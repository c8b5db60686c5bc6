"""How often an answer that is an essay is known for one, and how often help is taken for one; and how often a question
is taken for a request to write the essay: one line of JSON.

Real essays, of which an answer could hold the beginning, and real feedback that a hosted model wrote on some of them
(which is where help is hardest to tell apart, for it speaks of the essay's subject). The limits in
`grading.ask.ghostwriting` were chosen on one half of the ids; this is the other half. And real questions, nearly all of
other subjects than writing, and every sentence of those essays, none of which `grading.ask.commission` should refuse.

    python -m benchmarks.ghostwriting
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.semantic_pairs import CASES, FILES
from grading.ask.commission import commissions
from grading.ask.ghostwriting import writes_essay
from grading.cache.evaluation import read_pairs
from tests.corpus import SHARED

ESSAYS = {
    "asap": "asap_dev.jsonl.gz",
    "ellipse": "ellipse_dev.jsonl.gz",
    "zh_argument": "zh_argument_dev.jsonl.gz",
    "zh_highschool": "zh_highschool_dev.jsonl.gz",
}
WORDS, CHARACTERS = 250, 500
"""As much of an essay as an answer may be long."""
SHORTEST_WORDS, SHORTEST_CHARACTERS = 150, 250
SHORTEST_HELP = 60
"""Words of feedback."""
SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")


def main() -> None:
    result: dict[str, Any] = {"benchmark": "ghostwriting"}
    if not SHARED.exists():
        print(json.dumps(result | {"figures": None}))
        return
    for name, file in ESSAYS.items():
        found = [writes_essay(text) for text in map(beginning, held(rows(SHARED / file), "id")) if text]
        result[name] = {"essays": len(found), "known": round(sum(found) / len(found), 4)}
    answers = held(rows(SHARED / "asap_dev_model_answers.jsonl.gz"), "essay_id")
    texts = [row["raw"] or "" for row in answers if row["model"] == "ChatGPT"]
    wrong = [writes_essay(text) for text in texts if len(text.split()) >= SHORTEST_HELP]
    result["help"] = {"answers": len(wrong), "taken_for_essays": round(sum(wrong) / len(wrong), 4)}
    asked = questions()
    told = [each for file in ESSAYS.values() for row in rows(SHARED / file) for each in SENTENCE.findall(row["text"])]
    result["requests"] = {
        "questions": len(asked),
        "refused": sum(commissions(each) is not None for each in asked),
        "sentences": len(told),
        "taken_for_requests": sum(commissions(each) is not None for each in told),
    }
    print(json.dumps(result))


def questions() -> set[str]:
    """Of labelled pairs, both halves, and of tests that are answered in a sentence or two."""
    pairs = [pair for file in FILES.values() for pair in read_pairs(CASES / file)]
    tests = {str(row["question"]) for row in rows(SHARED / "mohler_dev.jsonl.gz")}
    return tests.union(*((pair.stored, pair.asked) for pair in pairs))


def beginning(row: dict[str, Any]) -> str:
    """As much of the essay as an answer could hold; empty where that is too little to tell."""
    text, words = str(row["text"]), str(row["text"]).split()
    if not text.isascii() and len(words) < len(text) / 10:
        return text[:CHARACTERS] if len(text) >= SHORTEST_CHARACTERS else ""
    return " ".join(words[:WORDS]) if len(words) >= SHORTEST_WORDS else ""


def held(found: Iterator[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """The half on which no limit was chosen."""
    return (row for row in found if zlib.crc32(str(row[name]).encode()) % 2)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
