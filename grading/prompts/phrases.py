"""What is said shorter in a prompt without saying less, in English and Chinese.

None of these holds a negation or loses a number. A phrase is there only where it cannot mean something else: “in
case” may mean “if” or “as a precaution”, so it stays. Order matters: what comes first is replaced first.
"""

from __future__ import annotations

import re

FILLERS = (
    r"(?<!\bto )(?<!\bas you )(?<!\bdo not )(?<!n't )\bplease,?\s+",
    r"\bkindly\s+",
    r"\bit is (?:very |extremely |also )?(?:important|essential|crucial) (?:to (?:note|remember|understand) )?that\s+"
    r"(?:you\s+(?!are|were|have|had|can|could|must|should|will|would|may|might))?",
    r"\b(?:note|bear in mind) that\s+",
    r"\b(?:needless to say|as a matter of fact|as you know|of course|generally speaking),?\s+",
    r"(?<!\bnot )(?<!n't )\b(?:really|basically|actually)\s+",
    r"(?:需要|值得)?(?:特别)?注意的是[，：,:]?",
    r"(?:总的来说|换句话说|事实上|众所周知|一般来说)[，,]",
    r"请?务必",
    r"(?<![申邀聘敬恳宴提约])请(?![求假教客示问柬帖愿])",
    r"(?<=[，,])那么",
)
"""Regular expressions of what is left out; blanks that follow go too."""

PHRASES = {
    # English
    r"in order to|so as to": "to",
    r"due to the fact that|owing to the fact that": "because",
    r"in spite of the fact that|despite the fact that": "although",
    r"in the event that": "if",
    r"until such time as": "until",
    r"at this point in time": "now",
    r"at all times": "always",
    r"with (?:regard|respect) to": "on",
    r"in accordance with|according to|on the basis of": "by",
    r"for the purpose of": "for",
    r"in such a way that": "so that",
    r"prior to": "before",
    r"a large number of": "many",
    r"the majority of": "most",
    r"(?:is|are) able to|(?:has|have) the ability to": "can",
    r"(?:that|which) (?:is|are) (?:given|provided|shown) below": "below",
    r"(?:that|which) (?:is|are) (?=(?:copied|given|written|provided|stated|mentioned) )": "",
    r"(?:that|which) contains": "with",
    r"each and every": "every",
    r"each one of": "each of",
    r"one single": "one",
    r"all of the": "all the",
    r"inside of": "in",
    r"for (?:example|instance),?": "e.g.",
    r"that is to say,?": "i.e.",
    r"and so on": "etc.",
    r"(?:leads to|results in)": "→",
    r"greater than or equal to ": "≥",
    r"less than or equal to ": "≤",
    r"at least (?=\d)": "≥",
    r"at most (?=\d)": "≤",
    r"from (\d+) to (\d+)": r"\1-\2",
    r"between (\d+) and (\d+)": r"\1-\2",
    r"(?<=\d) per ?cent": "%",
    # 中文
    r"在这种情况下": "这时",
    r"在([^，。；：！？,;:\n]{1,24}?)的情况下": r"若\1",
    r"的过程(?:当)?中": "时",
    r"的时候": "时",
    r"当中": "中",
    r"也就是说[，,]?": "即",
    r"(?:例如|比如说?)[，,]?": "如",
    r"进行(?=评分|评价|评审|分析|判断|回答|回复|操作|报告|检查|修改|比较|总结|沟通|查询)": "",
    r"每一(?=[个条项处位步句])": "每",
    r"(?<=其他|所有)的": "",
    r"从(\d+)到(\d+)": r"\1-\2",
    r"至少(?=\d)": "≥",
    r"(?:最多|至多)(?=\d)": "≤",
    r"大于(?:或者?)?等于": "≥",
    r"小于(?:或者?)?等于": "≤",
    r"百分之(\d+)": r"\1%",
    r"以及": "和",
    r"并且": "且",
    r"或者": "或",
    r"但是": "但",
    r"如果": "若",
    r"应该": "应",
    r"能够": "能",
    r"已经": "已",
    r"必须": "须",
    r"按照": "按",
}
"""A regular expression of a phrase, and what says the same."""

LIGHT = frozenset(
    "a an the that this these those is are be and also very really then please kindly 的 了 请 也 就 而 且 地".split()  # noqa: SIM905
)
"""Words that make no difference between two sentences."""


def _words(pattern: str) -> re.Pattern[str]:
    """English phrases match as whole words; Chinese has no marks between words."""
    edge = r"\b" if pattern.isascii() and pattern[0] != "(" else ""
    ending = r"(?!\w)" if pattern.isascii() and pattern[-1] not in " )" else ""
    return re.compile(f"{edge}(?:{pattern}){ending}", re.IGNORECASE)


DROPPED = tuple(re.compile(pattern, re.IGNORECASE) for pattern in FILLERS)
REPLACED = tuple((_words(pattern), short) for pattern, short in PHRASES.items())
