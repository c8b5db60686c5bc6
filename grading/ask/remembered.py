"""Which questions may have one answer: what the cache knows a question by.

About an assignment, one answer serves a whole class, also to a question in other words that means the same. About an
essay it serves whoever asked alone, word for word, and only while the grade that they see is the same one. The model is
no part of it: the router sends the same question to another tier only while its own is closed, and then the answer that
there is beats none.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from grading.ask.matter import matter_of, visible_grading
from grading.ask.prompt import template_of
from grading.cache.key import Key
from models import Question


def key_of(question: Question) -> Key:
    """Of a question with all that an answer may know."""
    matter = matter_of(question)
    template = template_of(matter)
    parts = {"task": template.task, "prompt": template.hash, "assignment": matter.task.content_hash}
    if matter.essay is None:
        scope = f"class:{question.assignment.class_id}"
    else:
        scope = f"user:{question.user_id}"
        grading = visible_grading(question)
        parts |= {
            "essay": hashlib.sha256(matter.essay.encode()).hexdigest(),
            "grading": str(grading.id) if grading else "",
        }
    tags = {
        f"assignment:{question.assignment_id}",
        f"rubric:{question.assignment.rubric_id}",
        f"prompt:{template.id}",
    }
    key = Key("ask", scope, parts, question.text, frozenset(tags), semantic=matter.essay is None)
    return replace(key, tags=key.tags | {answer_tag(key.digest)})


def answer_tag(digest: str) -> str:
    """The tag that only the answer to this very question has, so that a rejected one can be dropped everywhere."""
    return f"answer:{digest}"
