"""Essays in files, for grading without a server."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grading.text import TextError, check

SUFFIXES = (".txt", ".jsonl")


@dataclass(frozen=True)
class Item:
    """One essay: `source` is its file, `id` its name in there. `problem` says why it cannot be graded, if so."""

    source: str
    id: str
    text: str = ""
    problem: str | None = None

    @property
    def sha256(self) -> str:
        """Of the text; empty when there is none to grade."""
        return "" if self.problem else hashlib.sha256(self.text.encode()).hexdigest()


def read(paths: Iterable[Path]) -> Iterator[Item]:
    """The essays in these files and folders, in order; what cannot be read comes as an `Item` with its problem.

    A `.txt` file is one essay, with its file name as id; each line of a `.jsonl` file is an object with `id` and
    `text`. Files are UTF-8, and an essay is what stands in them, byte for byte: line ends stay as they are, and a byte
    order mark at the start of a `.txt` file is its first character. A file named twice is read once.
    """
    files = dict.fromkeys(file for path in paths for file in _files(path))
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            yield Item(str(file), file.stem, problem=f"It cannot be read: {error.strerror}.")
            continue
        match file.suffix:
            case ".txt":
                yield _essay(file, file.stem, content)
            case ".jsonl":
                yield from _lines(file, content)
            case _:
                yield Item(str(file), file.stem, problem=f"Only {' and '.join(SUFFIXES)} files hold essays.")


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())


def _essay(file: Path, name: str, content: bytes) -> Item:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return Item(str(file), name, problem=_not_utf8(error))
    return _checked(Item(str(file), name, text))


def _lines(file: Path, content: bytes) -> Iterator[Item]:
    seen: dict[str, int] = {}
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        item = _line(file, number, line)
        if item.problem is None and item.id in seen:
            problem = f"Line {number} has the same id as line {seen[item.id]}; give every essay its own."
            item = Item(item.source, f"line {number}", problem=problem)
        seen.setdefault(item.id, number)
        yield item


def _line(file: Path, number: int, line: bytes) -> Item:
    def problem(words: str) -> Item:
        return Item(str(file), f"line {number}", problem=f"Line {number} {words}")

    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return problem(f"cannot be read. {_not_utf8(error)}")
    except (ValueError, RecursionError):
        return problem("is not JSON.")
    if not isinstance(row, dict):
        return problem("is not an object with id and text.")
    name, text = row.get("id"), row.get("text")
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        return problem("has no id; it must be a text or a whole number.")
    if not isinstance(text, str):
        return problem(f"(id {name}) has no text.")
    return _checked(Item(str(file), str(name), text))


def _checked(item: Item) -> Item:
    try:
        check(item.text)
    except TextError as error:
        return Item(item.source, item.id, problem=error.message)
    return item


def _not_utf8(error: UnicodeDecodeError) -> str:
    return f"It is not UTF-8: byte {error.start + 1} is 0x{error.object[error.start]:02x}. Please convert it to UTF-8."
