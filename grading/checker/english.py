"""English, by Harper: a grammar checker in Rust with its dictionary inside, that needs neither Java nor a network.

Of its 900 rules those are on that name an error of a learner or a pupil; matters of style, typography and dialect are
no errors, and would take most of the time. The list was made from what the rules say of learners' essays. Harper's
spelling is off, because it takes 30 ms for each word that it does not know: `english_words` has that part.
"""

from __future__ import annotations

import re
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from grading.checker import english_words
from grading.checker.finding import Finding, Kind

if TYPE_CHECKING:
    from harper import Lint, Linter

RULES = frozenset(
    """
    APart AWhile AdjectiveDoubleDegree AllowTo AnA AnAnother AnotherThings Anybody AsHow AskNoPreposition Cant
    CapitalizePersonalPronouns Chalkboard CompoundNouns Confident DayAndAge DespiteOf DidPast Discuss
    DisjointPrefixes DoMistake DoToDueTo DoesOrDose DoubleModal EachOthersPossessive ElsePossessive EverEvery
    EveryTime Everybody Everyday Everyone Everywhere ExitedExcitedContext FascinatedBy FindFine ForALongTime
    Furthermore GetPassGoPass GoodAt HaveAHardTime HavePassed HowTo However InAnyWay InThe InflectedVerbAfterTo
    InterestedIn IsBeenAuxSequence ItsContraction ItsPossessive Laptop LetToDo LetsConfusion Lifetime LongTimeAgo
    Lots MassNouns MergeWords MissingDeterminer ModalOf MostOfTheTimes MultipleSequentialPronouns Myself NeedToNoun
    NoLonger Nobody NominalWants Nonetheless NotBeAfterNot NotTo Nothing NounVerbConfusion Nowadays Nowhere
    OnADailyBasis OnceInAWhile OneOfTheSingular OpenCompounds Overall PassionateAbout PerSe PointsOfView
    PossessiveYour ProgressiveNeedsBe PronounContraction PronounInflectionBe PronounKnew PronounVerbAgreement
    QuantifierNeedsOf RegularIrregulars SentenceCapitalization SimplePastToPastParticiple SingleBe
    SomeWithoutArticle Somebody Someone Somewhere SplitWords SupposedTo TakeCareOf ThatThan The
    TheAnother TheHowWhy TheMy TheirToThere TheirToTheyre Themself ThenThan ThereIsAgreement ThereMissingIsClause
    ThereOwn ThereToTheir Therein ThesesThese TheyToThem ThingThink ThisTypeOfThing ThoughThought ToAdverb
    ToLoseTooLoose ToTo ToTooIdioms ToTwoToo TransposedSpace UnitedOrganizations Unless WaistWaste WantBe WasAloud
    WayTooAdjective WereWhere Whereas WillGonna WillNonLemma Without Worldwide Worthwhile WrongApostrophe
    WrongNegative YourPredicateAdjective Yourself    """.split()
)

_KINDS: dict[str, Kind] = {"Spelling": "spelling", "Typo": "spelling", "Repetition": "repetition"}
_UNKNOWN_WORD = "Did you mean to spell"
_INSIDE_SENTENCE = re.compile(r"[\w,;:)’'”\"-]\s+$")
_WORD = re.compile(r"[^\W\d_]")

# A `Linter` refuses a second thread while it works; a text takes it a few milliseconds, so threads take turns.
_turn = Lock()


def check(text: str) -> list[Finding]:
    """What is wrong with the words of a text, and what Harper says of how they stand together."""
    with _turn:
        lints = _linter().lint(text, language="plaintext")
    return english_words.check(text) + [_finding(lint) for lint in lints if _WORD.search(lint.problem_text)]


def _finding(lint: Lint) -> Finding:
    kind = _KINDS.get(lint.lint_kind, "grammar")
    return Finding(lint.span.start, lint.span.end, kind, lint.message, _suggestion(lint))


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
