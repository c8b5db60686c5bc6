"""What an answer may know: the assignment with its rubric, and where one is asked about, the essay and its grade.

Who may not see a grade is answered by a model that has not seen it either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grading.rubric import number
from grading.task import Task, task_of
from models import Assignment, Grading, Question, Role, User


@dataclass(frozen=True)
class Matter:
    """What a question is about. `essay` is None where it is about the assignment alone; `feedback` is empty where its
    reader may not see any."""

    task: Task
    essay: str | None = None
    feedback: str = ""


def matter_of(question: Question) -> Matter:
    """Of a question with its user, assignment, rubric, essay and current grade."""
    task = task_of(question.assignment)
    if question.essay is None:
        return Matter(task)
    grading = visible_grading(question)
    return Matter(task, question.essay.text, feedback_of(grading) if grading else "")


def visible_grading(question: Question) -> Grading | None:
    """The grade of the essay in question that whoever asks may see by now."""
    if question.essay is None or not may_see_grade(question.user, question.assignment):
        return None
    return question.essay.current_grading


def may_see_grade(reader: User, assignment: Assignment) -> bool:
    """As on the essay's page: teachers always, students once grades are released."""
    return reader.role is Role.teacher or assignment.grades_visible()


def feedback_of(grading: Grading) -> str:
    """A grade as plain lines, in no language but its own."""
    return "\n".join(_lines(grading))


def _lines(grading: Grading) -> Iterator[str]:
    yield f"= {number(grading.total):g} / {number(grading.max):g}"
    for criterion in grading.criteria:
        yield f"## {criterion['name']}: {criterion['points']:g} / {criterion['max']:g}"
        yield criterion.get("comment") or ""
    yield from (f"+ {each}" for each in grading.strengths)
    yield from (f"> {each}" for each in grading.suggestions)
    yield from (f"“{note['quote']}”: {note['comment']}" for note in grading.annotations)
    if grading.comment:
        yield grading.comment
