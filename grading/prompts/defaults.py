"""Which version of a prompt is used where nobody names one: `prompts/defaults.yaml`, kept with the prompts themselves.

Whoever reads the history of that file sees when a default changed and what had been measured.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from grading.prompts import library
from grading.prompts.library import Prompt

HEADING = """\
# The version of each prompt that is used where none is named, and what had been measured when it took its place.
# Written by `pizhu prompts default`.
"""


class NoDefault(LookupError):
    """No version of this kind of prompt is the default."""


def default(task: str, language: str) -> Prompt:
    """The default version. A running worker keeps to the one it began with. Raises `NoDefault`."""
    kind = f"{task}/{language}"
    if kind not in _all():
        raise NoDefault(f"No prompt {kind} has a default; there are {', '.join(_all())}.")
    return library.load(task, language, _all()[kind]["version"])


def set_default(prompt: Prompt, **measured: Any) -> None:
    """Make it the default of its task and language; what was measured is kept beside. Raises `OSError`."""
    changed = _all() | {
        f"{prompt.task}/{prompt.language}": {"version": prompt.version, "hash": prompt.hash, **measured}
    }
    path = library.FOLDER / "defaults.yaml"
    new = path.with_suffix(".new")
    new.write_text(HEADING + yaml.safe_dump(changed, allow_unicode=True, sort_keys=False), encoding="utf-8")
    new.replace(path)
    _all.cache_clear()


@cache
def _all() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((library.FOLDER / "defaults.yaml").read_text(encoding="utf-8"))
    return found
