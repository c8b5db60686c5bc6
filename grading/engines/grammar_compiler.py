"""A program that compiles the JSON schema on its standard input, or prints why it cannot and ends with exit code 3.

Run as a file of its own (see `grading.engines.grammar`), so it imports nothing of Pizhu.
"""

import importlib
import importlib.util
import resource
import sys
from types import ModuleType
from typing import Any

REFUSED = 3
CPU_SECONDS = 10
MEMORY = 4 << 30
"""Bytes; the compiler needs a hundredth of it."""


def grammar_class() -> Any:
    """`xgrammar.Grammar`, if possible without the rest of xgrammar, which imports torch and transformers."""
    bare = ModuleType("xgrammar")
    found = importlib.util.find_spec("xgrammar")
    bare.__path__ = list(found.submodule_search_locations or []) if found else []
    without: dict[str, Any] = {"xgrammar": bare, "torch": None}
    sys.modules.update(without)
    try:
        importlib.import_module("xgrammar.load_binding")
        return importlib.import_module("xgrammar.grammar").Grammar
    except Exception:  # a release that is laid out differently
        for name in [name for name in sys.modules if name.split(".")[0] in ("xgrammar", "tvm_ffi", "torch")]:
            del sys.modules[name]
        return importlib.import_module("xgrammar").Grammar


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    schema = sys.stdin.read()
    grammar = grammar_class()
    try:
        # First as vLLM validates a request, then as it compiles the grammar when blanks are switched off.
        grammar.from_json_schema(schema)
        grammar.from_json_schema(schema, any_whitespace=False, separators=(",", ":"))
    except Exception as error:
        print(error)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
