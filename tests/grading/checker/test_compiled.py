from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from grading.checker.compiled import compiled, is_kept
from settings import ROOT

TWICE = """
from grading.checker.compiled import compiled, is_kept

@compiled
def twice(number):
    return 2 * number

before = is_kept(twice)
print(before, twice(21), is_kept(twice), sum(twice.stats.cache_hits.values()))
"""


def test_what_one_process_compiles_the_next_one_loads_until_its_source_changes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"

    def run() -> str:
        environment = {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        return subprocess.run(
            [sys.executable, script], env=environment, check=True, capture_output=True, text=True
        ).stdout

    script.write_text(TWICE)
    assert run() == "False 42 True 0\n"
    assert run() == "True 42 True 1\n"

    script.write_text(TWICE.replace("2 *", "20 *"))
    assert run() == "False 420 True 0\n"


def test_what_cannot_be_kept_is_compiled_all_the_same() -> None:
    names: dict[str, object] = {}
    exec("def twice(number):\n    return 2 * number", names)  # noqa: S102
    twice = compiled(names["twice"])  # type: ignore[type-var]
    assert twice(21) == 42  # type: ignore[operator]
    assert is_kept(twice)  # type: ignore[arg-type]
