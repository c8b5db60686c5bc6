"""Questions about an assignment, or about an essay and its feedback."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, g

from app import asking
from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import limit_asking, me, question_asker, rule, signed_in
from app.bodies import NewQuestion


@blueprint.post("/ask")
@rule(signed_in)
@limit_asking
@operation(Operation(200, str, body=NewQuestion, media="text/event-stream"))
def ask(body: NewQuestion) -> Any:
    """Ask about an assignment, or about an essay that one may read and its feedback.

    Server-Sent Events: `delta` with `{text}` as the answer is written (`restart` says that it begins anew), and at the
    end either `answer` with `{id, text, source, level, tier, cached_tokens, cost_usd}` or `error` with `{id, message}`.
    Whoever closes the connection before then withdraws the question. 503 when no model can answer.
    """
    return Response(
        asking.ask(me(), body),
        mimetype="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


@blueprint.post("/ask/<uuid:question_id>/reject")
@rule(question_asker)
@operation(Operation(204, None))
def reject_answer(question_id: uuid.UUID) -> Any:
    """Say that an answer does not answer one's question; it is served to nobody again. 409 where there is no answer."""
    asking.reject(g.question)
    return "", 204
