"""Whether a JSON schema can confine a reply, found out before anything depends on it.

vLLM compiles a schema into a grammar with xgrammar. It is tried here the same way when an assignment is saved, in a
process of its own: xgrammar is native code, a web server should neither crash nor hang with it, and its import brings
torch, two seconds and 250 MB along.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from grading.engines.engine import RequestRefused

KEYWORDS = {
    "additionalProperties",
    "description",
    "enum",
    "items",
    "maxItems",
    "maxLength",
    "minItems",
    "minLength",
    "properties",
    "required",
    "title",
    "type",
}
"""What a schema may use. xgrammar takes more, but ignores part of it in silence, and vLLM refuses that part."""
MAX_DEPTH = 16
"""Schemas within schemas."""
TIMEOUT = 60.0
"""Seconds. The compiler itself has ten of processor time; the rest is for a machine that is busy otherwise."""

log = logging.getLogger(__name__)

_COMPILER = Path(__file__).with_name("grammar_compiler.py")
_REFUSED = 3
_SOURCE_LINE = re.compile(r"\[[\d:]+\] \S+: ")


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises `RequestRefused` for a schema that vLLM would refuse, crash on or take for ever to compile.

    Where xgrammar is not installed, because only the web runs there, or does not work, the keywords alone are looked
    at: a schema that still cannot be compiled then costs its own essays a model's grade, and nothing else.
    """
    _check_keywords(schema, "the schema", MAX_DEPTH)
    if find_spec("xgrammar") and (reason := _refusal(json.dumps(schema))):
        raise RequestRefused(f"No reply can be confined to this schema: {reason}")


def _check_keywords(schema: Any, name: str, depth: int) -> None:
    if not isinstance(schema, Mapping):
        raise RequestRefused(f"{name} is no object of JSON Schema.")
    if not depth:
        raise RequestRefused(f"The schema holds more than {MAX_DEPTH} schemas within each other.")
    if unknown := sorted(map(str, schema.keys() - KEYWORDS)):
        raise RequestRefused(f"{name} uses {', '.join(unknown)}; only {', '.join(sorted(KEYWORDS))} are sure to work.")
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        raise RequestRefused(f"The properties of {name} are no object.")
    for key, value in properties.items():
        _check_keywords(value, f"“{key}”", depth - 1)
    if "items" in schema:
        _check_keywords(schema["items"], f"an item of {name}", depth - 1)


@lru_cache(maxsize=256)
def _refusal(schema: str) -> str | None:
    """Why the compiler refuses this JSON text; None when it does not. Only a verdict is remembered."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_COMPILER)],
            input=schema.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RequestRefused(
            f"The schema could not be checked within {TIMEOUT:g} seconds: the machine is too busy, or the schema too "
            "large. Try again, or with fewer criteria."
        ) from None
    if done.returncode == _REFUSED:
        return _SOURCE_LINE.sub("", done.stdout.decode(errors="replace")).strip()
    if done.returncode < 0:
        return f"the compiler did not survive it (signal {-done.returncode})"
    if done.returncode:
        log.error("schemas cannot be checked: %s", done.stderr.decode(errors="replace"))
    return None
