"""`pizhu cache`: whether answers may be given again to questions in other words."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from app.cli.grade import PLAIN_INTERVAL
from app.cli.out import OUT, write
from grading.cache import check
from grading.cache.embedder import Embedder, EmbedderError, embedder
from grading.cache.evaluation import Figures, Outcome, Pair, PairsError, embed, figures, fitted, outcomes, read_pairs

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("cache")
def cache() -> None:
    """Measure the cache that answers questions in other words."""


@cache.command("evaluate", context_settings={"max_content_width": 100})
@click.argument("pairs", type=FILE)
@click.option("--fit", "tuning", type=FILE, help="Other labelled pairs, from which the threshold is chosen.")
@click.option(
    "--bound",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="With --fit: the share of hits on those pairs that may be wrong at the threshold.",
)
@click.option("--json", "out", type=OUT, help="Write the figures there; - for standard output.")
def evaluate(pairs: Path, tuning: Path | None, bound: float, out: Path | None) -> None:
    """Say how many of the questions in PAIRS the cache would answer, and how many of them wrongly.

    PAIRS is a tab-separated file in UTF-8 whose first line names the columns row, label, a and b (quotes have no
    meaning; other columns are passed over). label is 1 where a and b ask the same and 0 where they do not.

    Every a is stored. Then every b is looked up among all of them as in production: the nearest by their vectors
    (cosine from 0.95 on), then the check for what vectors overlook. A hit is right when it is the a of b's own pair and
    the label is 1, or when its text is identical with b; any other hit is wrong. Nothing is asked of a model, no
    database or server is needed, and nothing is kept.

    The threshold is the least certainty of a hit, from 0 to 1. Without --fit it is the one that the cache starts with
    in production, chosen to be strict. With --fit it is the lowest one, never below that, at which no more than --bound
    of the hits on those other pairs are wrong. Fit on one half of your questions, and evaluate on the other.

    \b
    The figures: n look-ups, hits, wrong hits, threshold; hit_rate = hits / n; wrong_share = wrong / hits (null without
    hits) with its exact interval of 95 %; cosine: what the threshold means for a pair that the check lets pass, by
    language; fit: n, hits and wrong on the pairs of --fit; the embedder; seconds.

    The exit status is 0 when all was measured, 1 when the embedder failed and 2 for wrong input.

    \b
    Example: pizhu cache evaluate questions.tsv --fit others.tsv --json figures.json
    """
    began = time.monotonic()
    try:
        asked, learned = read_pairs(pairs), read_pairs(tuning) if tuning else []
        model = embedder()
        found = _looked_up(model, asked, pairs.name)
        threshold, fit = check.THRESHOLD, None
        if tuning:
            known = _looked_up(model, learned, tuning.name)
            threshold = fitted(known, bound, check.THRESHOLD)
            fit = figures(known, threshold)
    except PairsError as error:
        raise click.UsageError(str(error)) from error
    except EmbedderError as error:
        raise click.ClickException(str(error)) from error
    report = Report(pairs.name, figures(found, threshold), fit, model.name, time.monotonic() - began)
    if out:
        write(out, json.dumps(report.as_json(), ensure_ascii=False))
    if out != Path("-"):
        click.echo(report.in_words())


@dataclass(frozen=True)
class Report:
    """What was measured; `fit` are the figures on the pairs that the threshold was chosen from."""

    file: str
    found: Figures
    fit: Figures | None
    embedder: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        found = self.found
        return {
            "file": self.file,
            "n": found.n,
            "hits": found.hits,
            "wrong": found.wrong,
            "threshold": round(found.threshold, 4),
            "hit_rate": round(found.hits / found.n, 4),
            "wrong_share": None if found.interval.share is None else round(found.interval.share, 4),
            "wrong_share_interval": [round(found.interval.low, 4), round(found.interval.high, 4)],
            "cosine": {language: round(check.cosine_at(language, found.threshold), 4) for language in check.EVEN},
            "fit": self.fit and {"n": self.fit.n, "hits": self.fit.hits, "wrong": self.fit.wrong},
            "embedder": self.embedder,
            "seconds": round(self.seconds, 1),
        }

    def in_words(self) -> str:
        found = self.found
        words = f"{found.n:,} look-ups: {found.hits} hits ({found.hits / found.n:.1%}), {found.wrong} of them wrong"
        if found.interval.share is not None:
            low, high = found.interval.low, found.interval.high
            words += f" ({found.interval.share:.1%}; with 95 % confidence {low:.1%}–{high:.1%})"
        words += f".\nThreshold {found.threshold:.3f}"
        if self.fit:
            words += f", chosen on {self.fit.n:,} pairs with {self.fit.hits} hits, {self.fit.wrong} of them wrong"
        return f"{words}. Embedder {self.embedder}, {self.seconds:.0f} s."


def _looked_up(model: Embedder, pairs: list[Pair], name: str) -> list[Outcome]:
    texts = [pair.stored for pair in pairs] + [pair.asked for pair in pairs]
    with _progress(f"Embedding {name}", len(set(texts))) as advance:
        vectors = embed(model, texts, advance)
    stored, asked = np.split(vectors, 2)
    return outcomes(pairs, stored, asked)


@contextmanager
def _progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line now and then elsewhere; both on standard error."""
    if sys.stderr.isatty():
        with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
            yield bar.update
        return
    done, told = 0, time.monotonic()
    click.echo(f"{label}: {total} questions", err=True)

    def advance(count: int) -> None:
        nonlocal done, told
        done += count
        if time.monotonic() - told >= PLAIN_INTERVAL:
            told = time.monotonic()
            click.echo(f"{label}: {done} of {total}", err=True)

    yield advance
