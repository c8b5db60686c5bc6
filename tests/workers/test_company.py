from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.workers.lab import eventually
from workers.company import Company


class Guest:
    """A thread that is in company, or alone, until it is sent away."""

    def __init__(self, enter: Callable[[], AbstractContextManager[None]]) -> None:
        self.inside = threading.Event()
        self.leave = threading.Event()
        self._thread = threading.Thread(target=self._stay, args=[enter])
        self._thread.start()

    def _stay(self, enter: Callable[[], AbstractContextManager[None]]) -> None:
        with enter():
            self.inside.set()
            self.leave.wait(10)

    def send_away(self) -> None:
        self.leave.set()
        self._thread.join()


@pytest.fixture
def stopping() -> threading.Event:
    return threading.Event()


@pytest.fixture
def company(stopping: threading.Event) -> Iterator[Company]:
    yield Company(stopping.is_set)
    stopping.set()


def waits(guest: Guest) -> bool:
    return not guest.inside.wait(0.05)


def test_many_are_together(company: Company) -> None:
    guests = [Guest(company.shared) for _ in range(5)]
    assert all(guest.inside.wait(5) for guest in guests)
    for guest in guests:
        guest.send_away()


def test_who_is_to_be_alone_waits_for_the_others_to_leave(company: Company) -> None:
    others = [Guest(company.shared) for _ in range(2)]
    alone = Guest(company.alone)
    others[0].send_away()
    assert waits(alone)
    others[1].send_away()
    assert alone.inside.wait(5)
    alone.send_away()


def test_nobody_joins_who_is_alone(company: Company) -> None:
    alone = Guest(company.alone)
    assert alone.inside.wait(5)
    later = [Guest(company.shared), Guest(company.alone)]
    assert all(waits(guest) for guest in later)
    alone.send_away()
    # The other one that wants to be alone comes first.
    assert later[1].inside.wait(5)
    assert waits(later[0])
    later[1].send_away()
    assert later[0].inside.wait(5)
    later[0].send_away()


def test_who_wants_to_be_alone_is_not_overtaken_for_ever(company: Company) -> None:
    first = Guest(company.shared)
    assert first.inside.wait(5)
    alone = Guest(company.alone)
    eventually(lambda: company._want_alone, "it waits")
    later = Guest(company.shared)
    assert waits(later)
    first.send_away()
    assert alone.inside.wait(5)
    alone.send_away()
    assert later.inside.wait(5)
    later.send_away()


def test_nobody_waits_once_the_worker_stops(company: Company, stopping: threading.Event) -> None:
    alone = Guest(company.alone)
    assert alone.inside.wait(5)
    later = [Guest(company.shared), Guest(company.alone)]
    stopping.set()
    assert all(guest.inside.wait(5) for guest in later)
    for guest in [alone, *later]:
        guest.send_away()


def test_an_exception_inside_lets_the_next_one_in(company: Company) -> None:
    for enter in (company.alone, company.shared):
        with pytest.raises(ZeroDivisionError), enter():
            raise ZeroDivisionError
    with company.alone():
        pass
