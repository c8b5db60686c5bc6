"""Real student essays for tests and benchmarks: from the shared data beside the checkout, else the demo class's own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from settings import ROOT

SHARED = ROOT.parent / "shared" / "data"
OWN = ROOT / "app" / "demo"


def english_essays(count: int) -> list[str]:
    """Essays of English-speaking pupils; the project's own, over and over, where the shared ones are not there."""
    return _take(count, SHARED / "asap_dev.jsonl.gz", "en")


def chinese_essays(count: int) -> list[str]:
    """Essays of Chinese pupils; likewise."""
    return _take(count, SHARED / "zh_argument_dev.jsonl.gz", "zh")


def _take(count: int, shared: Path, language: str) -> list[str]:
    if shared.exists():
        essays = list(islice(_texts(shared), count))
    else:
        own = [path.read_text(encoding="utf-8") for path in sorted(OWN.glob(f"*{language}*.txt"))]
        # A line of its own makes each copy a different essay, so that no cache can answer for it.
        essays = [f"{own[i % len(own)]}\n{i}" for i in range(count)]
    assert len(essays) == count
    return essays


def _texts(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]
