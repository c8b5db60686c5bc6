"""Functions that numba compiles, once for all processes where it has a place to keep them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile it when it is first called, which takes seconds, or load what an earlier process compiled.

    It is kept beside its source, or in the user's cache (`NUMBA_CACHE_DIR` names another place). Where none of these
    can be written, each process compiles for itself. What is kept goes stale by its own file only: functions that call
    one another stand in one file.

    It makes no arrays: without numba's runtime (`_nrt`) those that it is given are not counted at each inner call.
    """
    try:
        return njit(cache=True, _nrt=False)(function)
    except RuntimeError:
        return njit(_nrt=False)(function)


def is_kept(function: Callable[..., object]) -> bool:
    """Whether another process need not compile it; so says also a function that cannot be kept."""
    dispatcher: Any = function
    folder, source = dispatcher.stats.cache_path, dispatcher.py_func.__code__
    if folder is None:
        return True
    indexes = Path(folder).glob(f"*.{source.co_name}-{source.co_firstlineno}.*.nbi")
    changed = Path(source.co_filename).stat().st_mtime
    return any(index.stat().st_mtime >= changed for index in indexes)
