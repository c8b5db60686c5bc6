"""When a batch is made, and what is done with it next: pure functions from what is known to a step.

The one thing that must not be done twice is to have the provider begin. So that is announced first (`submitting`), and
whoever finds a batch in that state, after a crash or an answer that was lost, asks the provider's list. Only when the
batch is not there although the request must be over, its file is withdrawn, so that not even a request that was
delayed on the way can begin it any more, and it is sent anew.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from models import BatchState

LARGE_ENOUGH = 200
"""So many essays make a batch at once."""
PATIENCE = 600.0
"""Seconds that an essay waits for others to make a batch with."""
MOST_ESSAYS = 2_000
"""Essays of one batch, far below what a file holds: they are claimed and read together."""
FEWEST_ESSAYS = 50
"""Where a provider had no room for a batch, the next are half as large, but not smaller than this."""
NO_ROOM = 900.0
"""Seconds for which a provider that had no room is then left alone."""
CROWDED = 24 * 3600.0
"""Seconds after that for which it gets smaller batches, and one at a time."""
DAY = 24 * 3600.0
"""Seconds in which a provider ends a batch."""
RESCUE = 3600.0
"""Seconds before the first grade of a batch is wanted at which it is stopped."""
TAKES = DAY + RESCUE
"""Seconds from which on a batch is worth making."""
LAST_CALL = 1800.0
"""Seconds before that time at which its essays are graded live, whether or not it has stopped."""
SETTLED = 180.0
"""Seconds after which a request to begin a batch is over, and in the provider's list if it was heard: three times as
long as the client waits for it."""
REMEMBERED = 30 * 24 * 3600.0
"""Seconds for which it is remembered what a provider did not take; then it is tried again, for nothing."""
HOPELESS = 3 * 24 * 3600.0
"""Seconds after which a batch that has not ended never will: its files are gone by then."""
LOOK = 60.0
"""Seconds between two looks at a batch that the provider works on."""
LONGEST_PAUSE = 900.0
"""Seconds between two tries, when a provider fails for long."""


class Step(enum.Enum):
    """What is done with a batch next."""

    upload = "upload"
    submit = "submit"
    find = "find"
    """Look it up in the provider's list."""
    withdraw = "withdraw"
    """Delete its file, for it was not begun, and go back to where nothing has been sent."""
    look = "look"
    """See whether it has ended, and read what came."""
    cancel = "cancel"
    give_up = "give up"
    """It has not been sent and it is too late: its essays are graded live."""
    drop = "drop"
    """It has not been sent and nobody waits for it any more."""
    write_off = "write off"
    """It never ended: what is owed will not come."""


@dataclass(frozen=True)
class Situation:
    """What is known of a batch: `waiting` essays still wait for it, the first of them is wanted in `due_s` seconds, and
    the provider was asked to begin `asked_s` seconds ago."""

    state: BatchState
    waiting: int
    due_s: float
    asked_s: float = 0.0


def is_time(count: int, oldest_wait_s: float) -> bool:
    """Whether to make a batch of so many essays that wait, the first of them for so long."""
    return count >= LARGE_ENOUGH or (count > 0 and oldest_wait_s >= PATIENCE)


def most(refused_size: int | None, last: BatchState | None, ended_s: float) -> int:
    """Essays that may go in a batch now.

    `refused_size` is that of the last batch that the provider had no room for, if it had none lately; then the state of
    the last batch of all counts, and how long ago it ended.
    """
    if refused_size is None:
        return MOST_ESSAYS
    waits = last is not None and (not last.is_over or (last is BatchState.no_room and ended_s < NO_ROOM))
    return 0 if waits else max(FEWEST_ESSAYS, refused_size // 2)


def next_step(now: Situation) -> Step:
    """What is done next. Raises ValueError for a batch that is over."""
    late = now.due_s <= RESCUE
    match now.state:
        case BatchState.prepared | BatchState.uploaded if not now.waiting:
            return Step.drop
        case BatchState.prepared | BatchState.uploaded if late:
            return Step.give_up
        case BatchState.prepared:
            return Step.upload
        case BatchState.uploaded:
            return Step.submit
        case BatchState.submitting | BatchState.submitted | BatchState.cancelling if now.asked_s >= HOPELESS:
            return Step.write_off
        case BatchState.submitting:
            return Step.find
        case BatchState.submitted if late or not now.waiting:
            return Step.cancel
        case BatchState.submitted | BatchState.cancelling:
            return Step.look
    raise ValueError(f"a batch that is {now.state.value} is over")


def after_not_found(now: Situation) -> Step | None:
    """What follows when the list does not have it: None is to look again later."""
    return Step.withdraw if now.asked_s >= SETTLED else None


def is_last_call(now: Situation) -> bool:
    """Whether those who still wait for the batch must be graded live now, although it is not over."""
    return bool(now.waiting) and now.due_s <= LAST_CALL and not now.state.is_over


def pause(retry_after: float | None, failures: int) -> float:
    """Seconds until a step is tried again that has failed so many times in a row."""
    return max(retry_after or 0.0, min(LONGEST_PAUSE, LOOK / 2 * 2.0 ** min(failures - 1, 10)))
