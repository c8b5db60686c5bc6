"""The file that a batch writes its results to, one JSON object a line, and from which it goes on where it stopped."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

STAMP = ("source", "id", "sha256", "assignment", "prompt_version")
"""What a result is a result of: essay and text, assignment, prompt. The same stamp is not graded twice."""


class ResultsError(Exception):
    """The file cannot be used; the message says why and what to do."""


class Results:
    """Appends results to a file, each at once.

    Opening mends what a crash left: a half-written last line goes. Failures of essays that are `wanted` again
    (pairs of source and id) go too, since they are about to be tried anew; all else in the file stays. While it is
    open nobody else can write to it. Raises `ResultsError`.
    """

    def __init__(self, path: Path, wanted: Collection[tuple[str, str]] = ()) -> None:
        self._path = path
        self._wanted = wanted
        self.graded: set[tuple[str, ...]] = set()
        """The stamps of all grades in the file."""
        try:
            self._file = self._open()
        except OSError as error:
            raise ResultsError(f"{path} cannot be written: {error.strerror}.") from error

    def add(self, record: dict[str, Any]) -> None:
        self._file.write(encode(record))
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> IO[bytes]:
        file = self._path.open("a+b")
        try:
            self._lock(file)
            if os.fstat(file.fileno()).st_ino != self._path.stat().st_ino:
                raise self._in_use()  # another run put a mended file in its place while this one waited
            if self._scan(file):
                return file
            mended = self._path.with_name(self._path.name + ".new")
            copy = mended.open("wb")
            self._lock(copy)
            copy.writelines(encode(record) for record in self._records(file) if not self._goes(record))
            copy.flush()
            mended.replace(self._path)
        except BaseException:
            file.close()
            raise
        file.close()
        return copy

    def _lock(self, file: IO[bytes]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._in_use() from None

    def _in_use(self) -> ResultsError:
        return ResultsError(f"Another run is writing to {self._path}; wait for it or choose another file.")

    def _scan(self, file: IO[bytes]) -> bool:
        """Learn what is graded; returns whether the file can be appended to as it is."""
        clean = True
        for record in self._records(file):
            if record["status"] == "graded":
                self.graded.add(stamp(record))
            clean = clean and not self._goes(record)
        file.seek(0, 2)
        if file.tell():
            file.seek(-1, 2)
            clean = clean and file.read(1) == b"\n"
        return clean

    def _goes(self, record: dict[str, Any]) -> bool:
        return record["status"] == "failed" and (record["source"], record["id"]) in self._wanted

    def _records(self, file: IO[bytes]) -> Iterator[dict[str, Any]]:
        file.seek(0)
        for number, line in enumerate(file, 1):
            try:
                record = json.loads(line)
                stamp(record), record["status"]
            except (ValueError, TypeError, KeyError, RecursionError):
                if line.endswith(b"\n"):
                    raise ResultsError(
                        f"Line {number} of {self._path} is no result of an earlier run; choose another file."
                    ) from None
                return
            yield record


class Printed:
    """Results that are written to a stream and forgotten: there is nothing to go on from."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.graded: set[tuple[str, ...]] = set()

    def add(self, record: dict[str, Any]) -> None:
        self._stream.write(encode(record))
        self._stream.flush()


def stamp(record: dict[str, Any]) -> tuple[str, ...]:
    return tuple(record[field] for field in STAMP)


def encode(record: dict[str, Any]) -> bytes:
    """A record as a line."""
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
