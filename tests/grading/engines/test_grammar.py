from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grading import reply
from grading.engines import grammar
from grading.engines.engine import RequestRefused
from grading.engines.grammar import check_schema
from grading.rubric import MAX_CRITERIA, Criterion, Rubric
from settings import ROOT
from tests.grading.examples import RUBRIC


@pytest.fixture(autouse=True)
def _forget_verdicts() -> None:
    grammar._refusal.cache_clear()


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_schema_of_the_largest_rubric_compiles(language: str) -> None:
    largest = Rubric(tuple(Criterion(f"{'k' * 30}{n}", "名" * 80, RUBRIC.max) for n in range(10, 10 + MAX_CRITERIA)))
    check_schema(reply.schema(largest, language, stated=True))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "nonsense"}, 'Unsupported type "nonsense"'),
        ({"type": "array", "items": {"type": "string"}, "minItems": 5, "maxItems": 2}, "minItems is greater"),
        ({"enum": []}, "enum array must not be empty"),
    ],
)
def test_what_the_compiler_refuses_is_refused_with_its_reason(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestRefused, match=why):
        check_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "uniqueItems": True},
        {"type": "object", "properties": {"level": {"type": "integer", "multipleOf": 2}}},
        {"type": "array", "items": {"type": "string", "pattern": "x", "maxLength": 3}},
        {"$ref": "#/somewhere"},
    ],
)
def test_what_xgrammar_would_ignore_in_silence_is_refused_by_name(schema: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused, match=r"uniqueItems|multipleOf|pattern|\$ref"):
        check_schema(schema)


def test_a_property_may_be_called_like_a_keyword() -> None:
    check_schema({"type": "object", "properties": {"pattern": {"type": "string"}, "type": {"enum": [1, 2]}}})


def test_endless_nesting_is_refused_before_it_reaches_the_compiler() -> None:
    check_schema(nested(grammar.MAX_DEPTH - 1))
    with pytest.raises(RequestRefused, match="within each other"):
        check_schema(nested(100_000))


@pytest.mark.parametrize("schema", [{"properties": []}, {"items": 5}, {"properties": {"a": None}}])
def test_what_is_no_schema_at_all_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused, match=r"no object"):
        check_schema(schema)


@pytest.mark.parametrize(
    ("program", "timeout", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 60, "did not survive it"),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
            60,
            "did not survive it",
        ),
        ("import time; time.sleep(600)", 0.5, "could not be checked within"),
    ],
    ids=["crash", "runaway", "hang"],
)
def test_a_compiler_that_crashes_or_hangs_leaves_this_process_alone(
    program: str, timeout: float, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "compiler.py"
    compiler.write_text(program)
    monkeypatch.setattr(grammar, "_COMPILER", compiler)
    monkeypatch.setattr(grammar, "TIMEOUT", timeout)
    with pytest.raises(RequestRefused, match=why):
        check_schema({"type": "string"})


def test_without_xgrammar_the_keywords_alone_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "find_spec", lambda name: None)
    check_schema({"type": "nonsense"})
    with pytest.raises(RequestRefused, match="uniqueItems"):
        check_schema({"type": "array", "uniqueItems": True})


def test_a_broken_xgrammar_is_reported_and_refuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiler = tmp_path / "compiler.py"
    compiler.write_text("raise ImportError('libxgrammar_bindings.so')")
    monkeypatch.setattr(grammar, "_COMPILER", compiler)
    with caplog.at_level(logging.ERROR):
        check_schema({"type": "string"})
    assert "libxgrammar_bindings.so" in caplog.text


def test_one_schema_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    check_schema(reply.schema(RUBRIC, "en"))
    monkeypatch.setattr(grammar, "_COMPILER", Path("/nowhere"))
    check_schema(reply.schema(RUBRIC, "en"))


def test_checking_a_schema_imports_neither_torch_nor_vllm_here() -> None:
    program = (
        "import json, sys\n"
        "from grading.engines.grammar import check_schema\n"
        "check_schema({'type': 'string'})\n"
        "print(json.dumps([name for name in ('torch', 'vllm', 'xgrammar') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_compiler_does_without_torch() -> None:
    program = (
        "import sys; sys.path.insert(0, 'grading/engines')\n"
        "import grammar_compiler\n"
        "grammar_compiler.grammar_class().from_json_schema('{}')\n"
        "print(sys.modules['torch'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
