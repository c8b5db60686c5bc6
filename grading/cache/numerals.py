"""The numbers in a question, in figures or in words of either language, as plain decimals in their order."""

from __future__ import annotations

import re

_ENGLISH = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000,
    "twice": 2, "double": 2, "triple": 3, "third": 3, "fourth": 4, "fifth": 5,
}  # fmt: skip
_WORD = re.compile(r"\b(?:" + "|".join(_ENGLISH) + r")\b")
_FIGURES = re.compile(
    r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?\s*(k\b|thousand\b|lakhs?\b|million\b|crores?\b|billion\b|[万千亿百])?"
)
_TIMES = {"k": 1e3, "thousand": 1e3, "lakh": 1e5, "lakhs": 1e5, "million": 1e6, "crore": 1e7, "crores": 1e7,
          "billion": 1e9, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}  # fmt: skip
NUMERAL = re.compile(r"[\d.,]+|[零〇一二两三四五六七八九十百千万亿]+|" + "|".join(_ENGLISH))
"""A word that is a number and nothing else."""
_DIGITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_POWERS = {"十": 10, "百": 100, "千": 1000}
_HAN = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?")
_NO_NUMBER = re.compile(
    "一[下些点起样直定般会切旦致边共]|万一|[统唯]一|十分|千万(?=别|不|要)|百度|一键|一生|一辈子|一卡通|四川|三国|八卦|"
    "九州|五笔|百[货科]|万能|差一点|之一|[这那某每哪]一|有一(?=个)|一(?=[个首句半种块张位家名部座条只本件])|星期一(?=样)"
)


def numbers(text: str) -> tuple[str, ...]:
    """Every number of a lower-case text: `3`, `0.5`, `12000` for 12k, 1.2万 and 一万二千. One as an article is none."""
    found: list[tuple[int, float]] = []
    for match in _FIGURES.finditer(text):
        value = float(match[1].replace(",", "") + (match[2] or ""))
        found.append((match.start(), value * _TIMES.get(match[3] or "", 1)))
    taken = {place for match in _FIGURES.finditer(text) for place in range(*match.span())}
    hidden = _NO_NUMBER.sub(lambda match: "·" * len(match[0]), text)
    found += [(match.start(), han_number(match[0])) for match in _HAN.finditer(hidden) if match.start() not in taken]
    found += [(match.start(), _ENGLISH[match[0]]) for match in _WORD.finditer(text) if match.start() not in taken]
    return tuple(f"{value:.10g}" for _, value in sorted(found))


def han_number(text: str) -> float:
    """三百二十 is 320, 二〇二六 is 2026, 三点五 is 3.5, 一万二 is 10002 here as its digits say."""
    whole, _, fraction = text.partition("点")
    if any(c in "十百千万亿" for c in whole):
        total, section, digit = 0, 0, 0
        for c in whole:
            if c in _DIGITS:
                digit = _DIGITS[c]
            elif c == "万":
                total, section, digit = total + (section + digit or 1) * 10_000, 0, 0
            elif c == "亿":
                total, section, digit = (total + section + digit or 1) * 100_000_000, 0, 0
            else:
                section, digit = section + (digit or 1) * _POWERS[c], 0
        value = float(total + section + digit)
    else:
        value = float("".join(str(_DIGITS[c]) for c in whole))
    return value + (float("0." + "".join(str(_DIGITS[c]) for c in fraction)) if fraction else 0.0)
