"""English, by Harper: a grammar checker in Rust with its dictionary inside, that needs neither Java nor a network.

Of its 900 rules those are on that name an error of a learner or a pupil; matters of style, typography and dialect are
no errors, and every rule takes its time. The list is those that had most to say of learners' essays. Harper's
spelling is off, because it takes 30 ms for each word that it does not know: `english_words` has that part. A page takes
it 14 ms, half of them for its parser, so only margin notes use it.
"""

from __future__ import annotations

import re
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from grading.checker.finding import Finding, Kind

if TYPE_CHECKING:
    from harper import Lint, Linter

_USEFUL = """
    AdjectiveDoubleDegree AnA AnAnother Cant CapitalizePersonalPronouns CompoundNouns DespiteOf DidPast
    DisjointPrefixes DoubleModal EveryTime Everybody Everyone HowTo InflectedVerbAfterTo ItsContraction
    ItsPossessive LetsConfusion Lots MassNouns MergeWords ModalOf MultipleSequentialPronouns Myself NominalWants
    NotTo NounVerbConfusion Nowadays OneOfTheSingular OpenCompounds PossessiveYour PronounKnew PronounVerbAgreement
    QuantifierNeedsOf RegularIrregulars SentenceCapitalization SimplePastToPastParticiple SingleBe Someone TheMy
    TheirToThere Themself ThenThan ThereIsAgreement ThereToTheir TheyToThem ThingThink ThisTypeOfThing
    ToLoseTooLoose ToTo ToTwoToo WayTooAdjective WillNonLemma Without WrongApostrophe WrongNegative Yourself
"""
RULES = frozenset(_USEFUL.split())

_KINDS: dict[str, Kind] = {"Spelling": "spelling", "Typo": "spelling", "Repetition": "repetition"}
_WORD = re.compile(r"[^\W\d_]")
_QUOTED = re.compile(r"`([^`]*)`")

# A `Linter` refuses a second thread while it works; a text takes it a few milliseconds, so threads take turns.
_turn = Lock()


def check(text: str) -> list[Finding]:
    """What Harper says of how the words of a text stand together."""
    lints = _lint(text)
    found = (_finding(lint) for lint in lints if _WORD.search(lint.problem_text))
    # Harper would give a capital to letters that have none.
    return [one for one in found if one.suggestion != text[one.start : one.end]]


def _lint(text: str) -> list[Lint]:
    try:
        with _turn:
            return _linter().lint(text, language="plaintext")
    except BaseException as error:
        # A panic of Rust is no Exception, so that nothing hides it; here it means no more than one unchecked text.
        if type(error).__name__ == "PanicException":
            raise RuntimeError(f"Harper gave up: {error}") from error
        raise


def _finding(lint: Lint) -> Finding:
    kind = _KINDS.get(lint.lint_kind, "grammar")
    return Finding(lint.span.start, lint.span.end, kind, _QUOTED.sub(r"“\1”", lint.message), _suggestion(lint))


def _suggestion(lint: Lint) -> str | None:
    """What could stand in the place of the fault; nothing where Harper would only take away or add."""
    suggestions = lint.suggestions
    return suggestions[0].replacement_text or None if suggestions and suggestions[0].kind == 0 else None


@cache
def _linter() -> Linter:
    """The one linter; building it takes a second, so whoever imports this module does not wait for it."""
    from harper import Linter

    linter = Linter()
    linter.set_lint_config({rule: rule in RULES for rule in linter.get_default_lint_config()})
    return linter
