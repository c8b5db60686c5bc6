"""A text as a model reads it: without what is hidden in it, look-alike letters as what they look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from grading.injection import hidden

_LOOK_ALIKES = dict(
    zip(
        "аеорсухіјѕԁһӏкмтвнгѵԝαεορτυνικχγβАВЕКМНОРСТХУІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxijsdhlkmtbhrvwaeoptuvikxyBABEKMHOPCTXYIJSABEZHIKMNOPTYX",
        strict=True,
    )
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-z]")
_OTHER = re.compile(f"[{''.join(_LOOK_ALIKES)}]")


@dataclass(frozen=True)
class Folded:
    """Words in small letters with single blanks between them; `origin[i]` is the place of `text[i]` in the essay."""

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """That stretch in the essay."""
        return self.origin[start], self.origin[end - 1] + 1


def fold(text: str) -> Folded:
    """Compatibility forms (full width, ligatures, styled letters) become plain ones, tags the ASCII they stand for."""
    disguised = set(_disguised_places(text))
    unseen = set(hidden.places(text))
    letters: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        code = ord(character)
        if 0xE0020 <= code <= 0xE007E:
            character = chr(code - 0xE0000)
        elif place in unseen:
            continue
        if place in disguised:
            character = _LOOK_ALIKES.get(character, character)
        for plain in unicodedata.normalize("NFKC", character).casefold():
            plain = " " if plain == "_" or (plain.isspace() and plain != "\n") else plain
            if plain == " " and letters and letters[-1] in " \n":
                continue
            letters.append(plain)
            origin.append(place)
    return Folded("".join(letters), tuple(origin))


def disguised(text: str) -> list[tuple[int, int]]:
    """Words in which Cyrillic or Greek letters stand among Latin ones that they cannot be told from."""
    return [
        word.span()
        for word in _WORD.finditer(text)
        if _LATIN.search(word[0]) and _OTHER.search(word[0]) and len(word[0]) > 2
    ]


def _disguised_places(text: str) -> Iterable[int]:
    return (place for span in disguised(text) for place in range(*span))
