"""What it would cost in marks to serve a short answer the mark of an identical one before it.

    python -m benchmarks.short_answers

Replays the real Chinese short answers of ../shared/data/cases/shortanswer_zh_ads.tsv in their order. An answer whose
text was given to the same question before is served the first one's mark, as the exact levels of the cache do;
similarity never serves one. Prints a line of JSON: answers, hits, and the share of hits whose teacher's mark differs by
2 of 10 points and more, once as they stand and once with blanks and the ends' punctuation set aside, which the cache
does not do.
"""

from __future__ import annotations

import csv
import json
import string
import sys
from collections.abc import Callable
from typing import Any

from settings import ROOT

FILE = ROOT.parent / "shared" / "data" / "cases" / "shortanswer_zh_ads.tsv"
FAR = 2.0


def main() -> None:
    if not FILE.exists():
        sys.exit(f"The short answers are not at {FILE}.")
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    print(
        json.dumps(
            {
                "benchmark": "short_answers",
                "answers": len(rows),
                "identical": replayed(rows, lambda text: text),
                "but_for_blanks_and_ends": replayed(rows, bare),
            }
        )
    )


def replayed(rows: list[dict[str, str]], as_key: Callable[[str], str]) -> dict[str, Any]:
    kept: dict[tuple[str, str], float] = {}
    off = []
    for row in rows:
        key = row["q_id"], as_key(row["answer"])
        mark = float(row["score"])
        if key in kept:
            off.append(abs(kept[key] - mark))
        else:
            kept[key] = mark
    far = sum(each >= FAR for each in off)
    return {"hits": len(off), "far_off": far, "share": round(far / len(off), 4) if off else None}


def bare(text: str) -> str:
    return "".join(text.split()).strip(string.punctuation + "。，、；：！？“”（）")


if __name__ == "__main__":
    main()
