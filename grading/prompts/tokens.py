"""How long a prompt is, counted as the local model and as hosted ones do, all of it offline.

What is filled in (task, rubric, essay) is not counted: it is as long in every version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grading.prompts import library
from grading.prompts.compression import compress
from grading.prompts.library import VERBOSE, Prompt
from settings import Settings

HOSTED = ("cl100k_base", "o200k_base")
"""Encodings of OpenAI's models: of GPT-4 Turbo, and of GPT-4o and what came after it."""
COMPRESSED = "compressed"
"""Said of a prompt that the compressor alone has made shorter."""

Count = Callable[[str], int]


class NoTokenizer(LookupError):
    """This tokenizer is not here; the message says what would bring it."""


@dataclass(frozen=True)
class Length:
    """Tokens of a prompt by tokenizer, and the share that it saves beside what it is compared with; None where there is
    no such tokenizer."""

    name: str
    tokens: Mapping[str, int | None]
    saving: Mapping[str, float | None]


def tokenizers(settings: Settings) -> dict[str, Count | NoTokenizer]:
    """By name, that of the local model first; instead of one that is not here, why."""
    found: dict[str, Count | NoTokenizer] = {}
    for name, make in [("local", lambda: _local(settings)), *((name, _of_hosted(name)) for name in HOSTED)]:
        try:
            found[name] = make()
        except NoTokenizer as reason:
            found[name] = reason
    return found


def lengths(prompts: Sequence[Prompt], counts: Mapping[str, Count | NoTokenizer]) -> Iterator[Length]:
    """Of these prompts, beside the verbose version of each, which is also said shorter by rule."""
    for one in prompts:
        verbose = library.load(one.task, one.language, VERBOSE).text()
        yield _length(one.id, one.text(), verbose, counts)
        if one.version == VERBOSE:
            shorter = library.instructions(compress(library.source(one)).text)
            yield _length(f"{one.id} {COMPRESSED}", shorter, verbose, counts)


def lengths_of_file(path: Path, counts: Mapping[str, Count | NoTokenizer]) -> Iterator[Length]:
    """Of a prompt in a file, and of the same said shorter by rule. Raises `UnicodeDecodeError`, and `ValueError` as
    `compress` does."""
    text = path.read_bytes().decode()
    whole = library.instructions(text)
    yield _length(str(path), whole, whole, counts)
    yield _length(f"{path} {COMPRESSED}", library.instructions(compress(text).text), whole, counts)


def _length(name: str, text: str, beside: str, counts: Mapping[str, Count | NoTokenizer]) -> Length:
    tokens: dict[str, int | None] = {}
    saving: dict[str, float | None] = {}
    for tokenizer, count in counts.items():
        if isinstance(count, NoTokenizer):
            tokens[tokenizer] = saving[tokenizer] = None
        else:
            own, all_of_it = count(text), count(beside)
            tokens[tokenizer], saving[tokenizer] = own, round(1 - own / all_of_it, 4) if all_of_it else None
    return Length(name, tokens, saving)


def _local(settings: Settings) -> Count:
    folder = settings.demo_model_path if settings.is_demo_model else Path(settings.local_model).expanduser()
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise NoTokenizer("`pizhu setup` fetches it" if settings.is_demo_model else f"no {file}")
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise NoTokenizer("the extra `cpu` or `gpu` brings it") from None
    tokenizer = Tokenizer.from_file(str(file))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _of_hosted(name: str) -> Callable[[], Count]:
    return lambda: _hosted(name)


@cache
def _hosted(name: str) -> Count:
    try:
        from bpe_openai import get_encoding
    except ImportError:
        raise NoTokenizer("the package bpe-openai brings it") from None
    encoding = get_encoding(name)
    return lambda text: len(encoding.encode(text))
