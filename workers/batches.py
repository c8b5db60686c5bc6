"""The batches queue: essays whose grade is wanted late ride to the provider together, within a day at half the price.

Beat rings every half minute. Each turn makes batches of who waits, and takes every batch one or more steps further;
`grading.batching.plan` says which. A step commits what it is about to do, asks the provider one thing, and commits what
came of it. So whoever is killed between any two of them leaves a row from which the next turn goes on. No database
connection is held while the provider is asked.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from grading.batching import plan, store
from grading.batching.plan import Situation, Step
from grading.batching.store import Rider
from grading.engines import openai_batch
from grading.engines.circuit import Circuit
from grading.engines.engine import (
    AccountRefused,
    AskAgain,
    EngineError,
    RateLimited,
    RequestRefused,
    Unavailable,
    Usage,
)
from grading.engines.openai_batch import Answers, Gone
from grading.engines.replayed import digest
from models import BatchState, CallOutcome, ItemOutcome, ProviderBatch
from models.base import now
from models.session import session
from workers import log as logs
from workers.batch_making import first_request, make_batches, send_late_ones_live
from workers.batch_provider import asking, client_at
from workers.batch_replies import OneCall, end, send_on, take_in, unanswered
from workers.queue import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name="batches.turn")
def turn() -> None:
    """Make batches of who waits long enough, and take those there are further. Doing it twice at once does no harm."""
    for step in (send_late_ones_live, make_batches, go_on):
        try:
            step()
        except SQLAlchemyError as error:
            log.warning("%s: %s; next time", step.__name__, error)
        except Exception:
            log.exception("%s failed; next time", step.__name__)


def go_on() -> None:
    """Take every batch further that it is time to look at."""
    with session() as db:
        due = store.take_due(db)
        db.commit()
    for batch_id in due:
        with logs.about(batch=str(batch_id)):
            try:
                advance(batch_id)
            except SQLAlchemyError as error:
                log.warning("%s; next time", error)
            except Exception:
                log.exception("a step of a batch failed; next time")


def advance(batch_id: uuid.UUID) -> None:
    """Take a batch as far as it goes now."""
    going = True
    while going:
        with session() as db:
            batch = db.get_one(ProviderBatch, batch_id)
            if batch.state.is_over:
                return
            situation = store.situation(db, batch)
        if plan.is_last_call(situation):
            let_go(batch)
            continue
        step = plan.next_step(situation)
        try:
            going = STEPS[step](batch, situation)
        except RequestRefused as error:
            going = refused(batch, situation, error)
        except (Unavailable, AccountRefused) as error:
            put_off(batch, error)
            return


def upload(batch: ProviderBatch, situation: Situation) -> bool:
    """Put the file there. When that is done twice, one file is never used, and the provider deletes it."""
    riders = riders_of(batch)
    for rider in riders:
        if rider.essay is None:
            withdrawn = unanswered("it was withdrawn before it was sent", paid=False)
            OneCall(rider.item.call_id, withdrawn).settle(CallOutcome.abandoned)
            end(rider, ItemOutcome.withdrawn)
    lines, asked = [], []
    for rider in riders:
        if rider.essay is not None:
            request = first_request(rider.essay)
            lines.append(openai_batch.line(rider.item.custom_id, request, batch.model, batch.left_out))
            asked.append((rider.item.id, digest(request)))
    with asking(batch) as client:
        file_id = client.upload(b"".join(lines), str(batch.id))
    with session() as db:
        if moved := store.move(db, batch, BatchState.uploaded, input_file_id=file_id):
            store.write_asked(db, asked)
            db.commit()
    return moved


def submit(batch: ProviderBatch, situation: Situation) -> bool:
    """Have the provider begin: announced before, because it must not be done twice."""
    client = client_at(batch)
    Circuit(client.provider).check()
    if not moved(batch, BatchState.submitting, asked_at=now()):
        return False
    try:
        with asking(batch):
            remote = client.create(str(batch.input_file_id), str(batch.id))
    except (RateLimited, AccountRefused):  # it has surely not begun
        moved(batch, BatchState.uploaded)
        raise
    except Gone as error:  # the file; it is put there once more
        log.warning("%s", error)
        return moved(batch, BatchState.prepared)
    return moved(batch, BatchState.submitted, remote_id=remote.id, remote_status=remote.status, submitted_at=now())


def find(batch: ProviderBatch, situation: Situation) -> bool:
    """Nobody knows whether the provider has begun: its list does."""
    file_id, name, since = str(batch.input_file_id), str(batch.id), batch.asked_at or batch.created_at
    with asking(batch) as client:
        remote = client.find(file_id, name, since)
        if remote is None and plan.after_not_found(situation) is Step.withdraw:
            client.withdraw(file_id)
            remote = client.find(file_id, name, since)  # what was begun before that is in the list by now
            if remote is None:
                return moved(batch, BatchState.prepared, input_file_id=None)
    if remote is None:
        return False
    log.info("found again as %s", remote.id)
    return moved(batch, BatchState.submitted, remote_id=remote.id, remote_status=remote.status, submitted_at=now())


def look(batch: ProviderBatch, situation: Situation) -> bool:
    """See whether it has ended; if so, take in all that came, and send the rest out live."""
    with asking(batch) as client:
        remote = client.look(str(batch.remote_id))
        if remote is None:
            raise Unavailable(f"{batch.provider} does not know the batch {batch.remote_id}.")
        answers = client.answers(remote, batch.left_out) if remote.has_ended else Answers({})
    with session() as db:
        learnt = sorted(answers.refused.union(batch.left_out))
        store.note(db, batch.id, remote_status=remote.status, left_out=learnt, failures=0, error=remote.errors or None)
        db.commit()
    if not remote.has_ended:
        return False
    ended = f"the batch ended as {remote.status}"
    missing = unanswered(f"{ended} {remote.errors}".strip(), paid=remote.status == "completed")
    if remote.had_no_room:
        missing = AskAgain(f"{batch.provider} had no room for this batch.")
        missing.usage = Usage()
    for rider in kept(batch):
        reply = answers.replies.get(rider.item.custom_id, missing)
        take_in(rider, batch.tier, batch.model, client.version, reply)
    after = BatchState.failed if remote.status == "failed" else BatchState.finished
    return moved(batch, BatchState.no_room if remote.had_no_room else after, error=remote.errors or None)


def cancel(batch: ProviderBatch, situation: Situation) -> bool:
    """Stop it: its grades are wanted soon, or by nobody any more. What it has done by then still comes."""
    with asking(batch) as client:
        client.cancel(str(batch.remote_id))
    log.info("%s is stopped: %d essays wait for it", batch.remote_id, situation.waiting)
    return moved(batch, BatchState.cancelling)


def give_up(batch: ProviderBatch, situation: Situation) -> bool:
    """It has not been sent and will not be: its essays are graded live."""
    settle_unsent(batch, batch.error or "the batch could not be sent in time", CallOutcome.failed)
    return moved(batch, BatchState.failed, error=batch.error)


def drop(batch: ProviderBatch, situation: Situation) -> bool:
    """Nobody waits for it, and it has not been sent."""
    settle_unsent(batch, "nobody waited for it any more", CallOutcome.abandoned)
    return moved(batch, BatchState.dropped)


def write_off(batch: ProviderBatch, situation: Situation) -> bool:
    """It has not ended in days: what it cost, if anything, is the estimate."""
    why = f"{batch.provider} has not ended it in days"
    for rider in kept(batch):
        take_in(rider, batch.tier, batch.model, "", unanswered(why, paid=True))
    return moved(batch, BatchState.failed, error=why)


STEPS: dict[Step, Callable[[ProviderBatch, Situation], bool]] = {
    Step.upload: upload,
    Step.submit: submit,
    Step.find: find,
    Step.look: look,
    Step.cancel: cancel,
    Step.give_up: give_up,
    Step.drop: drop,
    Step.write_off: write_off,
}
"""What each step does; it returns whether the batch can go on at once."""


def let_go(batch: ProviderBatch) -> None:
    """Those who still wait for it are graded live, now. Should the batch bring them something yet, it is only paid."""
    for rider in riders_of(batch):
        if rider.essay and rider.claim:
            send_on(rider.claim, rider.essay, "the batch is not back in time")


def settle_unsent(batch: ProviderBatch, why: str, outcome: CallOutcome) -> None:
    """Its calls were never made: they cost nothing, and who waits for one is graded live."""
    for rider in kept(batch):
        if rider.essay and rider.claim:
            send_on(rider.claim, rider.essay, why)
        OneCall(rider.item.call_id, unanswered(why, paid=False)).settle(outcome)
        end(rider, ItemOutcome.withdrawn)


def refused(batch: ProviderBatch, situation: Situation, error: RequestRefused) -> bool:
    """The provider does not take this batch, and never will."""
    log.warning("the provider refuses the batch: %s", error)
    if batch.remote_id is not None:
        put_off(batch, error)
        return False
    batch.error = str(error)
    return give_up(batch, situation)


def put_off(batch: ProviderBatch, error: EngineError) -> None:
    """Try the same step again later."""
    failures = batch.failures + 1
    wait = plan.pause(getattr(error, "retry_after", None), failures)
    log.warning("%s Trying again in %.0f s.", error, wait)
    with session() as db:
        store.note(db, batch.id, failures=failures, error=str(error), next_look_at=store.after(wait))
        db.commit()


def moved(batch: ProviderBatch, after: BatchState, **values: Any) -> bool:
    """Bring it to that state, and say so in the object too; False when somebody else was quicker."""
    with session() as db:
        if done := store.move(db, batch, after, **values):
            db.commit()
            batch.state = after
    return done


def riders_of(batch: ProviderBatch) -> list[Rider]:
    with session() as db:
        return store.riders(db, batch.id)


def kept(batch: ProviderBatch) -> Iterator[Rider]:
    """All who are owed something, while nobody else takes the batch: there may be thousands."""
    seen = time.monotonic()
    for rider in riders_of(batch):
        if time.monotonic() - seen > plan.LOOK / 2:
            with session() as db:
                store.note(db, batch.id, next_look_at=store.after(plan.LOOK))
                db.commit()
            seen = time.monotonic()
        yield rider
