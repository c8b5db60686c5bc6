"""A text as it is compared: words of English, characters of Chinese, without case and punctuation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grading.text import Language, language_of

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:['’\-][^\W_{_HAN}]+)*")

Gram = tuple[str, ...]


@dataclass(frozen=True)
class Tokens:
    """`words[n]` stands at `starts[n]:ends[n]` of the text, counted in code points."""

    language: Language
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Tokens:
        found = list(_TOKEN.finditer(text))
        words = tuple(each[0].casefold() for each in found)
        starts, ends = tuple(each.start() for each in found), tuple(each.end() for each in found)
        return cls(language_of(text), words, starts, ends)

    def grams(self, size: int) -> list[Gram]:
        """All runs of so many tokens, in their order."""
        return list(zip(*(self.words[place:] for place in range(size)), strict=False))

    def __len__(self) -> int:
        return len(self.words)
