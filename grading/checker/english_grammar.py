"""English grammar by a few patterns that are nearly always right, in a fraction of a millisecond for a page.

They are slips that learners make most, each a short pattern over words. What needs the structure of a sentence is left
to Harper (`english`), whose parser alone takes longer than the whole complexity of an essay may.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grading.checker.finding import Finding
from grading.segmentation import Sentence


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_PAST = _any(
    "was were had did went came became saw took gave wrote spoke ate knew grew got made said told thought bought "
    "brought taught caught found kept lost met paid sent spent understood won began"
)
_THIRD = _any("is has does goes makes takes gets says thinks wants likes needs knows gives comes helps uses tells")
_PLAIN = _any("have do go make take get say think want need know give come help use tell feel believe agree")
_NAMES_ONE = _any(
    "thing reason way problem student country child year friend car idea place kind product advantage disadvantage "
    "example job teacher parent school city fact person subject concept opinion"
)
_NAMES_MANY = _any(
    "things reasons ways problems students countries children years friends cars ideas places kinds products "
    "advantages disadvantages examples jobs teachers parents schools cities facts subjects concepts opinions"
)
_COMPARATIVE = _any(
    "better worse easier harder bigger smaller faster slower cheaper higher lower older younger stronger weaker "
    "happier richer poorer safer healthier larger longer shorter"
)
_PERHAPS = _any("can could should would must might may will shall cannot")
_NOT = r"(?:n't| not)"
_CLAUSE = r"(?:(?:^|[.,;!?]\s|\b(?:and|but|because|if|when|that|so|although)\s))"

_PATTERNS = {
    rf"{_PERHAPS}{_NOT}? (?:{_PAST}|{_THIRD})": "After “can”, “will” and the like stands the base form of the verb.",
    rf"(?:do|does|did){_NOT} (?:{_PAST}|{_THIRD})": "After “do not” stands the base form of the verb.",
    rf"to (?:{_PAST}|has|does|goes)": "After “to” stands the base form of the verb.",
    rf"(?:am|is|are|was|were) {_PLAIN}": "Two verbs stand here that do not go together.",
    r"(?:have|has|had) (?:went|did|saw|took|gave|wrote|spoke|ate|knew|grew|began|go|do|see|take|give|know)": (
        "After “have” stands the past participle."
    ),
    rf"(?:more|most) {_COMPARATIVE}": "The comparative is said twice.",
    rf"(?:many|several|these|those|few|various|both) {_NAMES_ONE}": "The noun should be plural.",
    rf"(?:this|every|each|another) {_NAMES_MANY}": "The noun should be singular.",
    rf"one of (?:the|my|our|their|his|her) {_NAMES_ONE}": "After “one of” stands the plural.",
    rf"much (?:{_NAMES_MANY}|people)": "What can be counted is “many”.",
    r"many (?:information|advice|knowledge|money|homework|furniture|equipment|traffic|pollution)": (
        "What cannot be counted is “much”."
    ),
    r"(?:the|an?) (?:an?|the|my|your|his|our|their)": "One of the two words is too many.",
    r"an (?!hou?r|hon|heir)[bcdfghjklmnpqrstvwz][a-z]{2,}": "Before this sound stands “a”.",
    r"a (?!one\b|once\b|eu)[aeio][a-z]{2,}": "Before this sound stands “an”.",
    r"(?:could|should|would|must) of": "“Of” stands here for “have”.",
    r"(?:despite|discuss|emphasi[sz]e) (?:of|about|on)": "The preposition is too many.",
    r"(?:more|better|less|rather|other|easier|higher) then": "In a comparison stands “than”.",
    r"(?:am|is|are|was|were) (?:agree|disagree|depend|consist)": "Two verbs stand here that do not go together.",
}
_IN_CLAUSE = {
    rf"(?:he|she|it) (?:{_PLAIN}|don't)": "The verb does not agree with its subject.",
    rf"(?:we|they|you) (?:{_THIRD}|was|doesn't)": "The verb does not agree with its subject.",
    rf"I (?:{_THIRD}|doesn't|are|were)": "The verb does not agree with its subject.",
    r"(?:every(?:one|body|thing)|some(?:one|body)|nobody) (?:are|have|were|do)": "The verb should be singular.",
    r"people (?:is|was|has)": "The verb should be plural.",
    r"there (?:is|was) (?:many|several|few)": "The verb should be plural.",
}
_MESSAGES = (*_PATTERNS.values(), *_IN_CLAUSE.values())
_SLIP = re.compile(
    rf"\b(?:{'|'.join(f'({pattern})' for pattern in _PATTERNS)})\b"
    rf"|{_CLAUSE}(?:{'|'.join(f'({pattern})' for pattern in _IN_CLAUSE)})\b",
    re.IGNORECASE,
)
_LONE_I = re.compile(r"(?<![\w.'’/-])i(?![\w./-])")
_LOWER = re.compile(r"[a-z][a-z']*(?![\w./@-])")


def check(text: str, sentences: Sequence[Sentence]) -> list[Finding]:
    """Slips of grammar that a pattern shows, the small “i”, and sentences that begin small."""
    found = []
    for slip in _SLIP.finditer(text):
        start, end = slip.span(slip.lastindex or 0)
        found.append(Finding(start, end, "grammar", _MESSAGES[(slip.lastindex or 1) - 1], sure=False))
    for small in _LONE_I.finditer(text):
        found.append(Finding(small.start(), small.end(), "grammar", "“I” is always a capital.", "I"))
    for sentence in sentences:
        if word := _LOWER.match(text, sentence.start, sentence.end):
            better = word[0].capitalize()
            found.append(Finding(*word.span(), "grammar", "A sentence begins with a capital.", better, sure=False))
    return found
