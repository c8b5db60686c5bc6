"""Reading a reply while it is still being written."""

from __future__ import annotations

import json
import re

READABLE = ("comments", "strengths", "suggestions")
"""Fields whose texts a student may read as they come; quotes only once they have been found in the essay."""

_PIECE = re.compile(
    r"""[^"\\]+"""
    r"""|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"""  # a surrogate pair is one character
    r"""|\\u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2}"""
    r"""|\\[^u]"""
)
_LONGEST_PIECE = len(r"\ud83d\ude00")


class StreamingReply:
    """Takes the deltas of a JSON reply and gives out the readable text in them, however the reply was cut up.

    A text that is no valid reply yields nothing more from where it goes wrong; it never raises.
    """

    def __init__(self) -> None:
        self._path: list[str | int | None] = []
        """For each open container its current key or index; None in an object that waits for a key."""
        self._in_string = False
        self._is_key = False
        self._key = ""
        self._rest = ""
        """What has come but cannot be read yet: the beginning of an escape."""
        self._broken = False

    def feed(self, delta: str) -> list[tuple[str, str]]:
        """The readable pieces in the next part of the reply, as `("comments.ideas", "It argues ")`."""
        pieces: list[tuple[str, str]] = []
        text, place = self._rest + delta, 0
        while place < len(text) and not self._broken:
            if not self._in_string:
                self._structure(text[place])
                place += 1
            elif text[place] == '"':
                self._end_string()
                place += 1
            elif found := _PIECE.match(text, place):
                self._take(found[0], pieces)
                place = found.end()
            elif len(text) - place < _LONGEST_PIECE:
                break
            else:
                self._broken = True
        self._rest = text[place:]
        return pieces

    def _structure(self, character: str) -> None:
        match character:
            case "{":
                self._path.append(None)
            case "[":
                self._path.append(0)
            case "}" | "]" if self._path:
                self._path.pop()
            case "," if self._path:
                last = self._path[-1]
                self._path[-1] = last + 1 if isinstance(last, int) else None
            case '"':
                self._in_string = True
                self._is_key = bool(self._path) and self._path[-1] is None
                self._key = ""

    def _end_string(self) -> None:
        self._in_string = False
        if self._is_key:
            self._path[-1] = self._key

    def _take(self, piece: str, pieces: list[tuple[str, str]]) -> None:
        try:
            text = json.loads(f'"{piece}"', strict=False) if piece[0] == "\\" else piece
        except ValueError:
            self._broken = True
            return
        if self._is_key:
            self._key += text
        elif len(self._path) == 2 and self._path[0] in READABLE:
            field = f"{self._path[0]}.{self._path[1]}"
            if pieces and pieces[-1][0] == field:
                text = pieces.pop()[1] + text
            pieces.append((field, text))
