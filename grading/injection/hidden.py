"""Characters that a reader does not see and a model reads."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = re.compile(
    "["
    "\u00ad"  # soft hyphen
    "\u061c\u200e\u200f"  # marks of direction
    "\u180e\u200b-\u200d\u2060-\u2064\ufeff\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # of no width, and fillers
    "\u202a-\u202e\u2066-\u2069"  # direction turned over
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\U000e0000-\U000e007f"  # tags: ASCII that is never shown
    "]"
)
"""What stands in a text unseen."""

_TAG = "\U000e0020-\U000e007f"
_PLACED = re.compile(
    "|".join(
        (
            rf"\U0001f3f4[{_TAG}]{{2,8}}",  # the flags of England, Scotland, Wales
            "[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff#*0-9][\ufe0e\ufe0f]",  # how an emoji is drawn
            "(?<=[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f])\u200d(?=[\u2600-\u27bf\U0001f000-\U0001faff])",
            "(?<=[\u0600-\u08ff\u0900-\u0dff])[\u200c\u200d]",  # joins or parts Arabic and Indic letters
            "(?<=[\u3400-\u9fff])[\ufe00-\ufe02\U000e0100-\U000e01ef]",  # the form of a Han character
            r"\A\ufeff",  # byte order mark
        )
    )
)
_TURNED = re.compile("[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")
_TAGS = re.compile("[\U000e0000-\U000e007f]")
_INSIDE = re.compile(r"(?<=[A-Za-z])[\u200b-\u200d\u2060-\u2064\ufeff\u00ad](?=[A-Za-z])")
FEW = 3
"""So many are left by copying from a web page now and then; more, and side by side, are put there."""


def places(text: str) -> list[int]:
    """Where characters stand unseen that have no business there; emoji, flags, Arabic and the like have one."""
    placed = {place for found in _PLACED.finditer(text) for place in range(*found.span())}
    return [found.start() for found in HIDDEN.finditer(text) if found.start() not in placed]


def smuggled(text: str) -> list[int]:
    """Those of `places` that look put there on purpose, and not left behind by copying.

    That is: tags, direction turned over in a text that is not written from right to left, characters inside English
    words, more than `FEW` of them, and `FEW` side by side.
    """
    found = places(text)
    if len(found) > FEW or any(second - first == 2 for first, second in zip(found, found[2:], strict=False)):
        return found
    turned = not _RIGHT_TO_LEFT.search(text)
    inside = {each.start() for each in _INSIDE.finditer(text)}
    return [
        place
        for place in found
        if _TAGS.match(text[place])
        or (turned and _TURNED.match(text[place]))
        or (place in inside and text[place] != "\u00ad")
    ]


def name(character: str) -> str:
    """What a hidden character is called, such as `ZERO WIDTH SPACE`; a tag by the letter it stands for."""
    code = ord(character)
    if 0xE0020 <= code <= 0xE007E:
        return f"TAG {chr(code - 0xE0000)}"
    return unicodedata.name(character, f"U+{code:04X}")
