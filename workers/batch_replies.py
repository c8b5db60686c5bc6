"""A reply that came in a batch: read, decided on and paid for as if it had been given live."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grading import lifecycle, progress, queues, wary
from grading.batching import store
from grading.batching.store import Rider
from grading.costs import ledger
from grading.costs.ledger import Ending
from grading.costs.tariff import Hosted
from grading.engines.engine import AskAgain, Completion, EngineError, Request, Unavailable, Usage
from grading.engines.replayed import Replayed
from grading.grader import Ungradable
from grading.lifecycle import Claim
from grading.reply import InvalidReply
from grading.routing import Route
from models import CallOutcome, Essay, EssayState, ItemOutcome, LlmCall
from models.base import now
from models.session import session
from settings import settings
from workers import outcome
from workers.outcome import Opinion
from workers.queue import enqueue
from workers.turn import conclude, fall_back, former_of, request_id, task_of

log = logging.getLogger(__name__)

LIVE = "openai"
"""The queue where the same model is asked at once, at the full price."""
_NEVER = threading.Event()


def take_in(rider: Rider, tier: str, model: str, version: str, reply: Completion | EngineError) -> None:
    """Do with a reply what is done with one that was given live; doing it twice does nothing.

    What an essay that has been withdrawn or graded otherwise would have been told is dropped, but paid.
    """
    call = OneCall(rider.item.call_id, reply)
    if rider.essay is None or rider.claim is None:
        call.settle(CallOutcome.abandoned if _came(reply) else CallOutcome.failed)
    else:
        engine = Replayed(model, version, rider.item.asked, reply)
        _grade(rider.claim, rider.essay, tier, engine, call)
    end(rider, _outcome(reply))


def _grade(claim: Claim, essay: Essay, tier: str, engine: Replayed, call: OneCall) -> None:
    try:
        result = wary.grade(
            essay.text,
            task_of(essay.assignment),
            engine,
            request_id=request_id(claim),
            secret=settings().secret_key.get_secret_value(),
            on_progress=lambda field, text: None,
            cancelled=_NEVER,
            deadline=settings().grade_deadline,
            on_call=call,
            former=former_of(essay),
        )
    except AskAgain as error:
        send_on(claim, essay, str(error), queues.BATCHES)
    except Unavailable as error:
        send_on(claim, essay, f"the batch had no grade for it: {error}")
    except Ungradable as error:
        fall_back(claim, essay, tier, error.reason)
    except Exception:
        log.exception("reading the reply failed")
        outcome.give_up(claim, essay, "An error in Pizhu itself; the log of the batches worker says which.")
    else:
        conclude(claim, essay, Opinion(result, tier, (call.id,)))


def send_on(claim: Claim, essay: Essay, why: str, queue: str = LIVE) -> None:
    """Have the same model asked again; nothing happens when the essay does not wait for its batch any more."""
    with session() as db:
        moved = lifecycle.escalate(db, claim, same_tier(essay, why, queue))
        db.commit()
    if moved:
        tell([essay], why, queue)


def same_tier(essay: Essay, why: str, queue: str = LIVE) -> Route:
    """To the tier that the essay was to have in a batch."""
    kept = essay.route or {}
    return Route(queue, kept.get("tier", ""), why, tried=tuple(kept.get("tried", ())))


def tell(essays: list[Essay], why: str, queue: str = LIVE) -> None:
    """Say that they are in that queue; after the commit that put them there."""
    for essay in essays:
        data = {"status": EssayState.queued.value, "queue": queue, "reason": why}
        progress.announce(essay.id, essay.student_id, "state", data)
    enqueue(queue, [essay.id for essay in essays])


def end(rider: Rider, outcome: ItemOutcome) -> None:
    """The item is owed nothing any more."""
    with session() as db:
        store.end_item(db, rider.item, outcome)
        db.commit()


def _came(reply: Completion | EngineError) -> bool:
    """Whether anything was written, of use or not."""
    return isinstance(reply, Completion) or (reply.usage is not None and reply.usage != Usage())


def _outcome(reply: Completion | EngineError) -> ItemOutcome:
    if _came(reply):
        return ItemOutcome.answered
    return ItemOutcome.missing if reply.usage is None else ItemOutcome.failed


class OneCall:
    """The ledger's row of a request that went with a batch; a `grading.grader.OnCall` for the reply to it.

    There is no second call here: who wants to ask again, because the reply was no grade or the essay is to be read
    without what speaks to its grader, is told `Unavailable`, and the essay goes out live.
    """

    def __init__(self, call_id: uuid.UUID, reply: Completion | EngineError) -> None:
        self.id, self._reply = call_id, reply
        self._asked = False
        self._why_live = "the reply was no grade"

    @contextmanager
    def __call__(self, request: Request) -> Iterator[Callable[[Completion], None]]:
        if self._asked:
            raise Unavailable(self._why_live)
        self._asked = True
        try:
            yield lambda completion: None
        except InvalidReply as error:
            self.settle(CallOutcome.invalid, error)
            raise
        except Exception as error:
            self.settle(CallOutcome.failed, error)
            raise
        self.settle(CallOutcome.ok)
        self._why_live = "it has to be read a second time"

    def settle(self, outcome: CallOutcome, error: Exception | None = None) -> None:
        """Write down what it cost, at the price that it was made at."""
        error = error or (self._reply if isinstance(self._reply, EngineError) else None)
        if outcome is CallOutcome.failed and self._reply.usage is None:
            outcome = CallOutcome.lost
        with session() as db:
            row = db.get_one(LlmCall, self.id)
            ending = Ending(
                outcome=outcome,
                bill=Hosted.from_json(row.price).begin()(self._reply.usage),
                latency_s=(now() - row.started_at).total_seconds(),
                usage=self._reply.usage,
                error=str(error) if error else None,
            )
            ledger.settle(db, self.id, ending)
            db.commit()


def unanswered(why: str, *, paid: bool) -> EngineError:
    """Stands for a reply that did not come. `paid`: nobody can say whether it cost something."""
    error = Unavailable(why)
    error.usage = None if paid else Usage()
    return error
