"""What states, roles and the like are called on pages. The words are translated when they are shown."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.asking import NO_MODEL
from grading.ask.questions import TOO_LATE, WORKER_LOST
from workers.asking import NOBODY

STATES = {
    "submitted": _("Handed in"),
    "queued": _("Waiting"),
    "grading": _("Being graded"),
    "graded": _("Graded"),
    "needs_review": _("Waits for the teacher"),
    "failed": _("Failed"),
    "cancelled": _("Withdrawn"),
}

KINDS = {
    "praise": _("Well done"),
    "idea": _("Ideas"),
    "structure": _("Structure"),
    "language": _("Language"),
    "spelling": _("Spelling"),
    "grammar": _("Grammar"),
    "repetition": _("Repetition"),
    "sentence": _("Long sentence"),
    "suspicious": _("For the grader"),
}
"""What a margin note is about."""

NOTICES = {
    "graded": _("Your essay has been graded."),
    "regraded": _("Your teacher has changed the grade of your essay."),
    "appeal_answered": _("Your teacher has answered your appeal."),
    "needs_review": _("An essay waits for a teacher."),
    "failed": _("An essay could not be graded."),
    "appeal": _("A student appeals against a grade."),
    "copy": _("An essay shares words with another student's."),
    "drift": _("The model marks differently than before."),
    "budget": _("A budget is nearly spent."),
    "budget_spent": _("A budget is spent; nothing is asked that costs something."),
    "spending": _("Models cost far more than usual; saving mode is on."),
    "saving": _("Saving mode is on: no model is asked that is paid by the token."),
    "saving_over": _("Saving mode is over."),
}

REVIEWS = {
    "appeal": _("Appeal"),
    "needs_review": _("No grade to rely on"),
    "failed": _("Grading failed"),
    "suspicious": _("Speaks to the grader"),
    "second_look": _("Second look"),
    "unsure": _("Unsure grade"),
}
"""Why an essay is before a teacher."""

RELEASES = {
    "at_once": _("at once"),
    "on_release": _("when I release them"),
    "from_date": _("from a date on"),
}

QUEUES = {
    "triage": _("Triage"),
    "local": _("Local model"),
    "openai": _("Hosted model"),
    "batches": _("Batches at half price"),
    "upkeep": _("Upkeep"),
    "notify": _("Mail to users"),
}

GRADERS = {
    "local": _("Local model"),
    "cache": _("Cache"),
    "teacher": _("Teachers"),
}
"""Who gives a grade; a hosted tier is called what the settings call it."""

HASHED = {
    "prompt": _("Prompt"),
    "template": _("File of the prompt"),
    "task": _("Task"),
    "rubric": _("Rubric"),
    "essay": _("The essay"),
    "schema": _("Form of the reply"),
    "revision": _("Words on the version before"),
}
"""What a grading keeps the hashes of."""

USAGE = {
    "prompt": _("Tokens of the prompt"),
    "cached": _("Of these from the cache"),
    "completion": _("Tokens of the reply"),
    "first_token_s": _("Seconds to the first token"),
    "attempts": _("Calls of the model"),
    "dropped_quotes": _("Quotes that were not in the essay"),
    "dropped_claims": _("Counts that were wrong"),
}

MADE_WITH = {
    "temperature": _("Temperature"),
    "seed": _("Seed"),
    "max_tokens": _("Longest reply in tokens"),
    "attempt": _("Attempt that was taken"),
    "accept_from": _("Stands from confidence"),
    "review_below": _("Review below confidence"),
    "local_model": _("Local model"),
    "dtype": _("Number format"),
    "tensor_parallel": _("GPUs"),
    "base_url": _("Address of the provider"),
}
"""How a reply was drawn, and under which settings."""

SURENESS = ((0.8, _("high")), (0.5, _("medium")), (0.0, _("low")))
"""Words for a confidence: each from that figure on."""

ERRORS = {
    400: (
        _("That could not be read"),
        _("The form is out of date or incomplete. Load the page again and send it once more."),
    ),
    401: (
        _("You are signed out"),
        _("Sign in in another tab, then come back here, copy what you wrote below, and send it again."),
    ),
    403: (_("Not for this account"), _("Your account may not do this. Perhaps you are signed in as somebody else?")),
    404: (_("Not found"), _("There is no such page, or it belongs to a class that you are not in.")),
    405: (_("Not in this way"), _("This address does not take what your browser sent.")),
    409: (_("Too late"), _("Things have changed in the meantime. Go back and look at the page again.")),
    413: (_("Too large"), _("What you sent is far larger than the longest essay. Shorten it and send it again.")),
    422: (_("Please correct what you sent"), _("Something in the address or the form cannot be taken as it is.")),
    429: (_("Too many attempts"), _("Please wait a minute, then try again.")),
    500: (_("Something went wrong"), _("The fault is ours and has been recorded. Please try again in a while.")),
    503: (_("Not available"), _("The database does not answer. Nothing was changed; try again in a few seconds.")),
}
"""Title and a way on for each status of an error page."""


def asking_errors() -> dict[str, str]:
    """What a page says when a question has no answer, by the API's message or status; "" is for any other."""
    sentences = {
        NO_MODEL: _("No model can answer questions at the moment. Please try again later, or ask your teacher."),
        NOBODY: _("No model could answer this question. Please ask again later, or ask your teacher."),
        TOO_LATE: _("No answer came in time. Please ask again in a few minutes."),
        WORKER_LOST: _("The answer was interrupted twice. Please ask again, perhaps in other words."),
        "401": _("You are signed out. Sign in in another tab, then ask again."),
        "429": _("You have asked very often in a short time. Please wait a minute."),
        "": _("The answer broke off. Please ask again."),
    }
    return {about: str(words) for about, words in sentences.items()}


LEVERS = {
    "prompt": _("Saved by the shorter prompt"),
    "cache": _("Saved by caches"),
    "routing": _("Saved by a cheaper model"),
    "local": _("Saved by our own machine"),
    "batch": _("Saved by a batch"),
}

ANSWER_KINDS = {
    "static": _("for a day"),
    "ask": _("for an hour"),
    "realtime": _("for five minutes"),
}
"""Kinds of kept answers, by how long they are served."""

REFUSALS = {
    "language": _("another language"),
    "empty": _("nothing to compare"),
    "numbers": _("other numbers"),
    "negation": _("one says no to what the other says"),
    "names": _("other names"),
    "asks": _("another kind of answer is asked for"),
    "roles": _("who does it to whom, or in what order"),
    "words": _("another word that matters"),
    "long": _("too long to compare"),
    "doubt": _("not close enough, or several would do"),
}
"""Why the second check keeps questions apart: `grading.cache.check.objection`."""
