"""The words that a question is asked with: `prompts/ask` about an assignment, `prompts/ask_essay` about an essay.

What is the same for everybody who asks comes first, then the essay with its feedback, the question last: so an engine's
prefix cache holds the one for a class and the other for whoever asks twice. Essay, feedback and question each stand
between tags that nobody could foresee.
"""

from __future__ import annotations

from grading.ask.matter import Matter
from grading.prompt import Rendered, delimiter, rendered, static_values
from grading.prompts.defaults import default
from grading.prompts.library import Prompt, load

ABOUT_ASSIGNMENT, ABOUT_ESSAY = "ask", "ask_essay"


def template_of(matter: Matter, version: str | None = None) -> Prompt:
    """The prompt for questions about this, in this version or in the one in use."""
    task, language = ABOUT_ASSIGNMENT if matter.essay is None else ABOUT_ESSAY, matter.task.language
    return load(task, language, version) if version else default(task, language)


def render(matter: Matter, question: str, secret: str | bytes, version: str | None = None) -> Rendered:
    """The messages that ask it; essay and question stand in the last one byte for byte."""
    values = static_values(matter.task) | {
        "delimiter": delimiter(secret, question, "question"),
        "question": question,
    }
    if matter.essay is not None:
        values |= {
            "essay_delimiter": delimiter(secret, matter.essay),
            "essay": matter.essay,
            "feedback_delimiter": delimiter(secret, matter.essay, "feedback"),
            "feedback": matter.feedback,
        }
    return rendered(template_of(matter, version), values)
