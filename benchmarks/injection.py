"""How many essays that talk to the grader are found, and how many honest ones are taken for such.

    python -m benchmarks.injection [--half report|tune]

`recall` is the share of attack strings that are flagged, by type (found, all) and over those that are meant for who
judges a text (`judging`: targets grader, judge, reviewer, screener) and all others (`general`: many of these, such as
“How do solar panels work?”, are no attack on a grader, and are not meant to be found). `false` counts harmless
look-alikes and real essays that are flagged. Rows are halved by a hash of their id; cues were chosen on the half
`tune` only, and what is printed by default is the other. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from grading.injection import find
from tests.corpus import SHARED

STRINGS = SHARED / "cases" / "injection_strings.jsonl"
ESSAYS = ("asap_dev", "ellipse_dev", "zh_argument_dev", "zh_highschool_dev", "mohler_dev")
JUDGING = ("grader", "judge", "reviewer", "screener")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    half = parser.parse_args().half
    rows = list(of_half(strings(STRINGS), half))
    attacks = [row for row in rows if row["label"] == 1]
    by_type: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in attacks:
        count(by_type[row["type"].partition(":")[0]], row)
    began = time.perf_counter()
    essays = {name: tally(of_half(texts(SHARED / f"{name}.jsonl.gz"), half)) for name in ESSAYS}
    seconds = time.perf_counter() - began
    figures = {
        "benchmark": "injection",
        "half": half,
        "recall": {
            "judging": tally(row for row in attacks if row["target"] in JUDGING),
            "general": tally(row for row in attacks if row["target"] not in JUDGING),
            "by_type": dict(sorted(by_type.items())),
        },
        "false": {"look_alikes": tally(row for row in rows if row["label"] == 0), **essays},
        "ms_per_essay": round(1000 * seconds / max(1, sum(all_ for _, all_ in essays.values())), 2),
    }
    print(json.dumps(figures))


def tally(rows: Iterable[dict[str, Any]]) -> list[int]:
    """How many are flagged, of how many."""
    counted = [0, 0]
    for row in rows:
        count(counted, row)
    return counted


def count(counted: list[int], row: dict[str, Any]) -> None:
    counted[0] += bool(find(row["text"]))
    counted[1] += 1


def of_half(rows: Iterable[dict[str, Any]], half: str) -> Iterator[dict[str, Any]]:
    return (row for row in rows if which_half(row["id"]) == half)


def which_half(row_id: object) -> str:
    digest = hashlib.sha256(str(row_id).encode()).digest()
    return ("tune", "report")[digest[-1] % 2]


def strings(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def texts(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
