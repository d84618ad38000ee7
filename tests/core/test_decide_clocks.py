"""What must outlast a fault, under a wall clock that is set: the machine's own clock says how long it really was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.core.looks import FIRST, Watching, entry, said
from watcher.records import Entry, Event

MINUTES = timedelta(minutes=20)
DAY = timedelta(days=1)
ALL, FEWER = "ABCDEFGHIJKL", "ABCDEFGH"
"""A third is lost at once: a loss that must outlast ``structural_after``, which is 12 hours."""


class Machine:
    """A site looked at from a machine: three looks an hour, by the clock that nobody sets."""

    def __init__(self, *, kept: bool = False) -> None:
        self.site = Watching()
        self.ran, self.boot, self.kept = 1000.0, "first", kept

    def looks(self, times: int, shows: str | Sequence[Entry]) -> list[str]:
        return said([event for _ in range(times) for event in self.look(shows)])

    def look(self, shows: str | Sequence[Entry]) -> tuple[Event, ...]:
        self.ran += MINUTES.total_seconds()
        state = "synchronised" if self.kept else "unsynchronised"
        self.site.machine = {"monotonic_start": self.ran, "boot_id": self.boot, "clock_state": state}
        return self.site.look(shows)

    def set_clock(self, by: timedelta) -> None:
        self.site.now += by

    def start_anew(self, *, off: timedelta = timedelta(0)) -> None:
        self.ran, self.boot = 30.0, f"{self.boot}+"
        self.site.now += off


def withdrawn(told: list[str]) -> int:
    return sum(one.startswith("withdrawn") for one in told)


@pytest.mark.parametrize("by", [13 * timedelta(hours=1), 400 * DAY])
@pytest.mark.parametrize("after", [0, 1, 5, 12])
def test_a_clock_that_jumps_forward_makes_no_fault_old(by: timedelta, after: int) -> None:
    machine = Machine()
    machine.looks(8, ALL)
    told = machine.looks(after, FEWER)
    machine.set_clock(by)
    told += machine.looks(35 - after, FEWER)  # 34 gaps of 20 minutes
    assert withdrawn(told) == 0
    assert withdrawn(machine.looks(3, FEWER)) == 4  # twelve hours it were, now


@pytest.mark.parametrize("there_and_back", [-DAY, DAY])
def test_a_clock_that_is_set_there_and_back_confirms_nothing(there_and_back: timedelta) -> None:
    machine = Machine()
    machine.looks(8, ALL)
    told: list[str] = []
    for number in range(20):
        machine.set_clock(-there_and_back if number % 2 else there_and_back)
        told += machine.looks(1, FEWER)
    assert withdrawn(told) == 0
    # what a clock set back does not count is waited for longer, and not for ever
    assert withdrawn(machine.looks(40, FEWER)) == 4


def test_a_clock_set_back_delays_what_is_sure_by_no_more_than_a_look() -> None:
    machine = Machine()
    machine.looks(8, ALL)
    told = machine.looks(10, FEWER)
    machine.set_clock(-30 * DAY)
    told += machine.looks(27, FEWER)
    assert withdrawn(told) == 0
    assert withdrawn(machine.looks(1, FEWER)) == 4


def test_over_a_new_start_with_a_wrong_clock_an_hour_passed_at_most() -> None:
    machine = Machine()
    machine.looks(8, ALL)
    told: list[str] = []
    for _ in range(5):  # each time the machine wakes, it dates itself a month later
        told += machine.looks(4, FEWER)
        machine.start_anew(off=30 * DAY)
    assert withdrawn(told) == 0
    assert withdrawn(machine.looks(30, FEWER)) == 4


def test_over_a_new_start_a_clock_that_was_kept_is_believed() -> None:
    machine = Machine(kept=True)
    machine.looks(8, ALL)
    machine.looks(6, FEWER)
    machine.start_anew(off=DAY)
    assert withdrawn(machine.looks(1, FEWER)) == 4


def test_visits_of_which_no_clock_is_known_hide_no_jumps() -> None:
    """Broken off by the watcher itself, say, between two looks: each could be worth an hour that nobody waited."""
    machine = Machine()
    machine.looks(8, ALL)
    told: list[str] = []
    for _ in range(15):
        told += machine.looks(1, FEWER)
        machine.set_clock(DAY)
        machine.site.machine = {}
        machine.site.look((), verdict="timeout", complete=False)
    told += machine.looks(1, FEWER)
    assert withdrawn(told) == 0
    assert withdrawn(machine.looks(60, FEWER)) == 4


def test_what_was_there_before_waits_by_the_same_clock() -> None:
    def sold(status: str) -> list[Entry]:
        return [entry(one, link=f"{FIRST}p/{one}", status=status if one == "A" else "open") for one in "ABCDEF"]

    machine = Machine()
    machine.looks(3, sold("open"))
    assert machine.looks(1, sold("sold")) == ["changed A"]
    told = machine.looks(7, sold("open"))
    machine.set_clock(DAY)
    assert told + machine.looks(7, sold("open")) == []
    assert machine.looks(40, sold("open")) == ["changed A"]


def test_where_only_the_wall_clock_is_known_it_is_believed() -> None:
    site = Watching()
    site.looks(8, ALL)
    site.looks(6, FEWER)
    assert withdrawn(said(site.look(FEWER, after=DAY))) == 4


def test_an_old_page_is_known_as_one_though_the_clock_was_set_back_when_something_came() -> None:
    site = Watching()
    site.looks(3, "BCDEFG")
    site.look("ABCDEFG", after=timedelta(hours=-3))
    site.look("ABCDEFG")
    site.looks(8, "BCDEFG")
    assert [event.kind for event in site.told] == ["listed"]
    assert site.standing("A") == "missing"


def test_what_was_pushed_off_a_full_list_is_held_though_the_clock_was_set_back_when_something_came() -> None:
    site = Watching(up={"D": "alive"})
    site.looks(4, "BCDEFG")
    site.look("ABCEFG", after=timedelta(hours=-3))
    site.looks(60, "ABCEFG")
    assert [event.kind for event in site.told] == ["listed"]
    assert site.standing("D") == "missing"


def test_a_machine_that_does_not_name_its_starts_may_have_been_started_anew() -> None:
    """Its clock may have begun again at any look: an hour of the wall clock is believed each time."""
    machine = Machine()
    machine.boot = ""
    machine.looks(8, ALL)
    machine.looks(1, FEWER)
    machine.ran += 20 * 3600
    machine.set_clock(timedelta(hours=20))
    assert withdrawn(machine.looks(25, FEWER)) == 0
    assert withdrawn(machine.looks(10, FEWER)) == 4
