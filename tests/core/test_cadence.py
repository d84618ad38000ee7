from __future__ import annotations

from datetime import timedelta

import pytest

from watcher.core.cadence import BUSY, JITTER, LONGEST, Starts, is_unchecked, wait_for

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
