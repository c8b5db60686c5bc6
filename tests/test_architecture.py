"""Whoever asks a model keeps account of it; a new place that does is to be looked at before it is named here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from settings import ROOT

FLOORS = ("app", "workers", "grading", "models")

ASKS = {
    "grading/grader.py": "inside `on_call`, which every caller has to give",
    "grading/ask/answer.py": "inside `on_call`, which every caller has to give",
    "grading/ask/check.py": "inside `on_call`, which every caller has to give",
    "grading/engines/hosted.py": "an engine around another one, which is asked here again",
    "grading/engines/vllm.py": "warms up our own machine before it takes work",
    "workers/attempts.py": "inside its meter",
}
"""Who calls the method `grade` of an engine, and how that comes into the ledger."""
UNACCOUNTED = {
    "grading/grader.py": "defines it",
    "app/cli/account.py": "our own model where there is no database and no second is paid for",
}
"""Who says that nobody keeps account of a call."""
REACHES_MODELS = {
    "grading/engines/openai.py": "an engine",
    "grading/engines/openai_errors.py": "what a provider's answers mean",
    "grading/engines/openai_batch.py": "the batches, whose calls `grading.batching.store` opens",
    "grading/engines/vllm.py": "an engine",
    "grading/engines/loading.py": "loads the model for it",
    "grading/cache/embedder.py": "inside its meter",
}
"""Who imports a library that reaches a model."""
LIBRARIES = {"openai", "litellm", "anthropic", "vllm"}


@cache
def sources() -> list[tuple[str, ast.Module]]:
    paths = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def engine_calls(module: ast.Module) -> Iterator[ast.Call]:
    """`engine.grade(…)` and its like: the method of something that is called an engine, or of itself."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "grade":
            owner = ast.unparse(node.func.value)
            if owner not in {"grader", "wary"} and not owner.endswith("yardstick"):
                yield node


def imported(module: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def names(module: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(module) if isinstance(node, ast.Name)} | {
        node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef)
    }


def test_an_engine_is_asked_only_where_a_row_is_written_before() -> None:
    assert {name for name, module in sources() if any(engine_calls(module))} == ASKS.keys()


def test_the_ledger_is_left_out_only_where_nothing_is_paid_for() -> None:
    assert {name for name, module in sources() if "unobserved" in names(module)} == UNACCOUNTED.keys()


def test_a_model_is_reached_only_by_engines() -> None:
    assert {name for name, module in sources() if imported(module) & LIBRARIES} == REACHES_MODELS.keys()


def test_a_new_place_would_be_found() -> None:
    module = ast.parse("import openai\ndef shortcut(engine):\n    return engine.grade(request, say, flag)\n")
    assert [call.lineno for call in engine_calls(module)] == [3]
    assert imported(module) == {"openai"}
