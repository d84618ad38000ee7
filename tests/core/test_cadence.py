from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from watcher.core.cadence import BUSY, JITTER, LONGEST, Starts, is_unchecked, unchecked, wait_for
from watcher.core.status import unseen
from watcher.records import Site

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
GAP = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("misses", "look_again", "wait"),
    [
        (0, None, QUARTER),
        (1, None, QUARTER),
        (2, None, 2 * QUARTER),
        (4, None, 8 * QUARTER),
        (60, None, LONGEST),
        (0, GAP, GAP),
        (2, GAP, GAP),
        (3, GAP, 4 * QUARTER),
        (0, 4 * QUARTER, QUARTER),
    ],
)
def test_wait(misses: int, look_again: timedelta | None, wait: timedelta) -> None:
    assert wait_for(QUARTER, misses=misses, look_again=look_again, chance=0.0) == wait


def test_a_slow_target_keeps_its_own_interval() -> None:
    assert wait_for(timedelta(days=2), misses=9, look_again=None, chance=0.0) == timedelta(days=2)


def test_jitter_only_ever_delays_and_is_bounded() -> None:
    late = wait_for(QUARTER, misses=0, look_again=None, chance=0.999)
    assert QUARTER < late < QUARTER * (1 + JITTER)


def test_only_more_than_two_intervals_without_a_visit_are_an_alarm() -> None:
    assert not is_unchecked(QUARTER, QUARTER)
    assert not is_unchecked(QUARTER + BUSY, QUARTER)
    assert is_unchecked(QUARTER + BUSY + timedelta(seconds=1), QUARTER)


@pytest.mark.parametrize(
    ("every", "planned_minutes", "silent_minutes", "late_minutes"),
    [
        (QUARTER, 15, 34, None),
        (QUARTER, 15, 36, 21),
        (timedelta(seconds=5), 0, 5, None),  # a visit itself takes time
        (timedelta(seconds=5), 0, 6, 6),
        ("adaptive", 15, 34, None),
        ("adaptive", 60, 79, None),
        ("adaptive", 60, 81, 21),
        (QUARTER, 360, 370, None),  # it does not answer, and is asked at longer and longer intervals
    ],
)
def test_who_goes_unchecked_is_held_to_the_visit_that_was_planned(
    every: timedelta | Literal["adaptive"], planned_minutes: float, silent_minutes: float, late_minutes: float | None
) -> None:
    last = NOW - timedelta(minutes=silent_minutes)
    target = replace(unseen("clop"), last_visit=last, next_visit=last + timedelta(minutes=planned_minutes))
    found = unchecked([Site(name="clop", mirrors=("http://a.example/",), every=every)], [target], NOW)
    assert found == ({} if late_minutes is None else {"clop": timedelta(minutes=late_minutes)})


def test_new_and_paused_sites_and_those_of_others_are_not_unchecked() -> None:
    site = Site(name="clop", mirrors=("http://a.example/",))
    due = replace(unseen("clop"), next_visit=NOW - timedelta(days=1))
    assert unchecked([site], [due], NOW)
    for target in (unseen("clop"), replace(due, paused_until=NOW + QUARTER), replace(due, site="other")):
        assert unchecked([site], [target], NOW) == {}


def test_starts_are_spread() -> None:
    starts = Starts(50, 25)
    waits = [starts.take(100.0) for _ in range(125)]
    assert waits[:25] == [0.0] * 25
    assert waits[26:] == pytest.approx([0.02 * number for number in range(1, 100)])
    assert starts.wait(100.0) > starts.wait(101.0) > starts.wait(103.0) == 0.0
    assert starts.wait(103.0) == 0.0  # to ask takes no place
    assert [starts.take(1000.0) for _ in range(25)] == [0.0] * 25  # and the bucket fills again


def test_as_many_starts_are_free_as_may_be_taken_without_waiting() -> None:
    starts = Starts(100, 10)
    for now in (0.0, 0.003, 0.05, 0.2, 100.0):
        free = starts.free(now, 99)
        assert max([starts.take(now) for _ in range(free)], default=0.0) < 1e-9
        assert starts.wait(now) > 1e-9
        assert starts.free(now, 99) == 0
    assert Starts(100, 10).free(0.0, 3) == 3
