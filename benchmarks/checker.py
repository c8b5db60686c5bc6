"""How much of what is wrong the checker finds, how often it finds what is not, and what it costs.

    python -m benchmarks.checker [--essays 60]

English: Spearman's correlation of the errors counted in a sentence with the mean number of edits that JFLEG's four
correctors made to it; the sentences' tokens are joined first as people write them. Chinese: the share of SIGHAN-15's
faulty sentences with at least one finding, of its clean ones with none, and of the findings that stand where something
is wrong (among all, and among those sure enough for a margin note); what SIGHAN itself overlooks counts against them.
Both were tuned on the even rows only, and `report` is the odd rows. Milliseconds are those of checking 800 characters,
and of their whole complexity, after a warm-up. Prints one line of JSON; what the machine has no data for is null.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from grading.checker import Finding, check
from grading.complexity import measure
from tests.corpus import SHARED, chinese_essays, english_essays

CASES = SHARED / "cases"
LENGTH = 800


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--essays", type=int, default=60, help="texts of each language that are timed")
    chosen = parser.parse_args()
    figures = {
        "benchmark": "checker",
        "en_spearman": halves(CASES / "gec_en_jfleg_dev.tsv", spearman_with_edits),
        "zh_sentences": halves(CASES / "csc_zh_sighan15_test.tsv", caught_and_clean),
        "ms": {
            language: {"check": milliseconds(essays, check), "complexity": milliseconds(essays, measure)}
            for language, essays in (
                ("en", english_essays(2 * chosen.essays)),
                ("zh", chinese_essays(2 * chosen.essays)),
            )
        },
    }
    print(json.dumps(figures))


def halves(path: Path, figure: Callable[[list[dict[str, str]]], Any]) -> dict[str, Any] | None:
    """The figure on the even rows, which the checker was tuned on, and on the odd, which it was not."""
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {"tune": figure(rows[::2]), "report": figure(rows[1::2])}


def spearman_with_edits(rows: list[dict[str, str]]) -> float:
    counted = [len(check(joined(row["source"]), "en")) for row in rows]
    return round(statistics.correlation(ranks(counted), ranks([mean_edits(row) for row in rows])), 3)


def mean_edits(row: dict[str, str]) -> float:
    """Over all correctors; those who left the sentence as it was made none."""
    edits = [int(number) for number in row["edits_per_ref"].split(",") if number != "-"]
    return sum(edits) / max(1, len(edits) + int(row["refs_unchanged"]))


def joined(tokens: str) -> str:
    """JFLEG's tokens without the blanks that nobody types."""
    text = re.sub(r" ([.,!?;:%)\]])", r"\1", tokens)
    text = re.sub(r" (n't|'\w+)\b", r"\1", text)
    return re.sub(r"([(\[]) ", r"\1", text).strip()


def ranks(values: Sequence[float]) -> list[float]:
    """Mean ranks, so that equal values are equal."""
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered)))}
    last = {value: place for place, value in enumerate(ordered)}
    return [(first[value] + last[value]) / 2 for value in values]


def caught_and_clean(rows: list[dict[str, str]]) -> dict[str, float]:
    silent = {
        wrong: [not check(row["source"], "zh") for row in rows if (row["wrong_chars"] != "0") is wrong]
        for wrong in (True, False)
    }
    hits = [(finding.sure, hits_fault(row, finding)) for row in rows for finding in check(row["source"], "zh")]
    return {
        "faulty_found": round(1 - statistics.mean(silent[True]), 3),
        "clean_silent": round(statistics.mean(silent[False]), 3),
        "findings_right": round(statistics.mean(right for _, right in hits), 3),
        "notes": sum(sure for sure, _ in hits),
        "notes_right": round(statistics.mean(right for sure, right in hits if sure), 3),
    }


def hits_fault(row: dict[str, str], finding: Finding) -> bool:
    """Whether the corrected sentence, which is as long, has something else in this place."""
    place = slice(finding.start, finding.end)
    return row["source"][place] != row["correct"][place]


def milliseconds(essays: list[str], function: Callable[[str], Any]) -> dict[str, float]:
    """What the second half takes when the first has been done."""
    warm, timed = essays[: len(essays) // 2], essays[len(essays) // 2 :]
    for text in warm:
        function(text[:LENGTH])
    taken = sorted(_seconds(function, text[:LENGTH]) for text in timed)
    return {
        "p50": round(1000 * statistics.median(taken), 2),
        "p95": round(1000 * taken[int(len(taken) * 0.95)], 2),
    }


def _seconds(function: Callable[[str], Any], text: str) -> float:
    began = time.perf_counter()
    function(text)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
