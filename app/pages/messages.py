"""What the floors below say to people, in the reader's language.

Grading and the database speak English and know nothing of web pages. Their sentences are recognised here by their form
and said again in the reader's language, figures and names as they are; one that is not known is shown as it stands.
"""

from __future__ import annotations

import re
from functools import cache

from flask_babel import gettext


def N_(message: str) -> str:  # noqa: N802 -- the mark by which Babel finds what is to be translated
    return message


_SENTENCES = (
    # texts
    N_("The essay is empty. Please write something before you hand it in."),
    N_("The essay has %(length)s characters; at most %(limit)s can be graded. Please shorten it."),
    N_("Character %(place)s of the essay is a NUL character. Please remove it."),
    N_(
        "Character %(place)s of the essay is half of a surrogate pair, which is no character. "
        "Please paste the text again, or remove what stands there."
    ),
    N_("Character %(place)s is a control character; please remove it."),
    # fields
    N_("Is missing."),
    N_("Must be one line of 1 to %(limit)s characters."),
    N_("Must be a text of 1 to %(limit)s characters."),
    N_("Must be a number above 0 and up to %(limit)s, with at most two decimals."),
    N_("Must be a list of 1 to %(limit)s criteria."),
    N_("Must be a list of up to %(count)s texts, weakest level first, each of 1 to %(limit)s characters."),
    N_("Must be a date between 2000 and 2199."),
    N_("Must be a day such as 2026-11-01, or a moment with its time zone."),
    N_("`from` is after `to`."),
    N_("Input should be a valid datetime%(detail)s."),
    N_("Input should be a valid decimal."),
    N_("Input should be a finite number."),
    N_("String should have at least 1 character."),
    N_("String should have at most %(limit)s characters."),
    N_("String should match pattern '%(pattern)s'."),
    N_("Holds half of a surrogate pair, which is no character."),
    N_("Say from which day on grades may be seen."),
    N_("Nobody could appeal: grades are not seen before then."),
    N_("Not a cursor; take `next` of the page before as it is."),
    # grading by hand
    N_("“%(criterion)s” needs points."),
    N_("“%(criterion)s” takes 0 to %(limit)s points, with at most two decimals."),
    N_("The student has withdrawn this essay; it cannot be graded."),
    N_("Somebody has graded or appealed in the meantime; this is how the essay stands now."),
    N_("The essay has no such grading."),
    # anchors
    N_("No model has given this essay a whole grade by the rubric in use."),
    N_("People keep %(count)s anchors of this assignment already; take one of them back first."),
    # appeals
    N_("There is no grade yet that you could appeal against."),
    N_("The time for appeals against this grade is over."),
    N_("You have appealed against this grade already; your teacher will answer."),
    N_("the student appeals"),
    # classes and assignments
    N_("No class has this code. Please compare it with what your teacher gave you."),
    N_("No model could be held to this rubric: %(reason)s"),
    N_(
        "The schema could not be checked within %(seconds)s seconds: the machine is too busy, or the schema too large. "
        "Try again, or with fewer criteria."
    ),
    # what becomes of an essay
    N_("no model is configured on this installation"),
    N_("%(start)s; wanted late enough for a batch at half the price"),
    N_("%(start)s; %(tier)s is closed: %(reason)s"),
    N_("%(start)s; the queue %(queue)s is too far behind"),
    N_("%(length)s characters, complexity %(score)s: simple enough for the cheapest model"),
    N_("%(tier)s was unsure before"),
    N_("there is money for a model again"),
    N_("complexity unknown: the cheapest model first, a better one if it is unsure"),
    N_("complexity %(score)s: the best model at once"),
    N_("complexity %(score)s: the cheapest model first, a better one if it is unsure"),
    N_("%(tier)s was unsure (confidence %(confidence)s of %(bar)s), and none is better"),
    N_("%(tier)s was unsure (confidence %(confidence)s of %(bar)s)"),
    N_("%(tier)s: the teacher's mark is within %(points)s of its points only %(chance)s likely, and none is better"),
    N_("%(tier)s: the teacher's mark is within %(points)s of its points only %(chance)s likely"),
    N_("%(tier)s gave no grade: %(reason)s"),
    N_("Its words seem to stand in no order; a teacher should look at it"),
    N_("Points as the teacher's marks have taught them."),
    N_("Nothing that was learned from your marks is in use here."),
    N_("More than a third of it is said twice or copied from the task; a teacher should look at it"),
    N_("It seems to answer another task; a teacher should look at it"),
    N_("%(tier)s read it twice, and its marks differ by %(points)s points; a teacher should look at it"),
    N_("%(tier)s found too little in it that it could grade; a teacher should look at it"),
    N_("no model may grade now"),
    N_("this installation has no tier '%(tier)s' any more"),
    N_("no price is known for the model %(model)s"),
    N_("saving mode"),
    N_("the day's budget of the platform is spent"),
    N_("the day's budget of the class is spent"),
    N_("the day's budget of the student is spent"),
    N_("the month's budget of the platform is spent"),
    N_("the month's budget of the class is spent"),
    N_("the month's budget of the student is spent"),
    N_(
        "$%(dollars)s in %(minutes)s minutes, where the mean hour costs $%(hour)s "
        "and %(pieces)s pieces of work explain $%(explained)s"
    ),
    N_(
        "%(times)s %(what)s in %(minutes)s minutes, where no work needs more than %(most)s (%(subject)s); "
        "$%(dollars)s were spent on all work"
    ),
    N_("attempts at one reply"),
    N_("replies in one claim"),
    N_("claims at one tier"),
    N_("no better model can be asked any more; graded again, in full"),
    N_("there is no local model here; PIZHU_LOCAL_MODEL names one"),
    N_("there is no provider here; OPENAI_API_KEY or PIZHU_OPENAI_BASE_URL opens one"),
    N_("the worker was stopped"),
    N_("the worker was lost; graded again from the start"),
    N_("the worker was lost %(times)s times while grading this essay"),
    N_("tried again"),
    N_("handed in and graded before, word for word"),
    N_("attempt %(number)s"),
    N_("An error in Pizhu itself; the log of the %(queue)s worker says which."),
    N_("The model %(model)s cannot take this essay: %(reason)s A teacher should grade it."),
    N_(
        "The model %(model)s did not finish within %(seconds)s seconds. "
        "Try again when it is less busy, or let a teacher grade this essay."
    ),
    N_(
        "The model %(model)s answered twice with something that is no grade: %(reason)s. "
        "A teacher should grade this essay, or it can be tried again."
    ),
    N_("it was too long and was cut off"),
    # what in an essay speaks to its grader
    N_("It tells the grader to put the rules away."),
    N_("It asks the grader for a mark."),
    N_("It tells the grader to be somebody else."),
    N_("It looks like a message of the system, or like a grader's answer."),
    N_("It speaks to a machine that grades."),
    N_("It asks for what the grader was told."),
    N_("It is written so that people cannot read it."),
    N_("Its letters are not what they look like."),
    N_("It holds characters that nobody can see."),
    N_("It is like the strings that are made to confuse a model."),
    # batches
    N_("its grade is wanted before a batch is back"),
    N_("no batch can be made: %(reason)s"),
    N_("no request can be made of it for a batch"),
    N_("the batch could not be sent in time"),
    N_("the batch is not back in time"),
    N_("the batch had no grade for it: %(reason)s"),
    N_("the batch ended as %(status)s"),
    N_("the reply was no grade"),
    N_("it has to be read a second time"),
    N_("The assignment was changed after this essay was sent."),
    N_("%(provider)s did not answer this one: %(reason)s"),
    N_("%(provider)s had no room for this batch."),
    # advice about costs
    N_("See why texts that had a grade were graded again."),
    N_("Grades of texts that the same student had handed in before cost $%(dollars)s in %(days)s days."),
    N_("None: a grade is given again only where all that it was made from is as it was."),
    N_("Grade with the compact prompts."),
    N_("The tokens that the compact prompts would have spared cost $%(dollars)s in the hosted calls of %(days)s days."),
    N_("Marks may agree less with teachers; the default changes only where that was measured not to be so."),
    N_("Find out why calls bring nothing."),
    N_("%(count)s calls of %(days)s days failed, were broken off or brought no grade, and cost $%(dollars)s."),
    N_("None."),
    N_("Ask %(tier)s first about what goes to %(better)s at once."),
    N_(
        "%(stood)s of %(tier)s's grades stand, at $%(cost)s each; one of %(better)s costs $%(other)s. "
        "%(count)s essays started there."
    ),
    N_("Their marks may be further off; that is measured on the essays that teachers have marked."),
    N_("Leave %(tier)s out."),
    N_(
        "%(stood)s of %(tier)s's grades stand, at $%(cost)s each; one of %(better)s costs $%(other)s: to ask "
        "it first costs more than it saves."
    ),
    N_("None for the marks; while the better model cannot be reached, there is one fewer to fall back on."),
    N_("Grade on a machine of your own first."),
    N_(
        "Hosted grades cost $%(dollars)s a month. Nine in ten of them, which the cost guide keeps local, less "
        "$%(machine)s for the machine, %(source)s."
    ),
    N_("as the cost guide has it"),
    N_("as PIZHU_LOCAL_HOUR_USD says"),
    N_("Marks of a smaller model; how many of them stand is known only when teachers have marked some."),
    N_("Give assignments a date from which on grades may be seen."),
    N_(
        "Live grades that nobody saw before the teacher released them cost $%(dollars)s in %(days)s days. "
        "Wanted a day later, they ride in batches at half the price."
    ),
    N_("Grades come up to a day later, and a teacher cannot release them sooner."),
    N_("Let essays wait longer for the local machine, or add one."),
    N_("Hosted grades of essays that its queue was too far behind for cost $%(dollars)s in %(days)s days."),
    N_("Grades come later in busy hours, or the machine that is added costs more than it saves."),
    N_("The ledger has %(count)s grades by models in 30 days; advice needs %(fewest)s."),
)


def translated(message: str) -> str:
    """The sentence in the reader's language."""
    for sentence, pattern in _patterns():
        if found := pattern.fullmatch(message):
            return gettext(sentence, **{name: translated(value) for name, value in found.groupdict().items()})
    return message


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [
        (sentence, re.compile(re.sub(r"%\\\((\w+)\\\)s|%\((\w+)\)s", _group, re.escape(sentence)), re.DOTALL))
        for sentence in _SENTENCES
    ]


def _group(placeholder: re.Match[str]) -> str:
    return f"(?P<{placeholder[1] or placeholder[2]}>.*?)"
