"""The vantage's clock, held against one that cannot be set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watcher.core import clock

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def readings(*pairs: tuple[float, float], boot: str = "b", state: str = "synchronised") -> list[clock.Reading]:
    """Wall clock and monotonic clock, in seconds."""
    return [
        clock.reading(
            f"c{n}",
            AT + timedelta(seconds=wall),
            {"monotonic_start": ran, "boot_id": boot, "clock_state": state},
        )
        for n, (wall, ran) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(0, 100)],
        [(0, 100), (900, 1000), (1800, 1900)],
        [(0, 100), (901.5, 1000)],  # corrected by a little
        [(0, 0), (100_050, 100_000)],  # over a day, by slewing
        [(10, 110), (5, 105), (20, 120)],  # asked at once, logged in another order
    ],
)
def test_an_even_clock_is_not_doubted(pairs: list[tuple[float, float]]) -> None:
    assert clock.doubts(readings(*pairs)) == ()


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([(0, 100), (4500, 1000)], "set forward by 1 h between"),
        ([(0, 100), (-3600, 110)], "set back by 1 h between"),
        ([(0, 100), (-3600, 110), (-3590, 120), (20, 130)], "set back by 1 h"),
        ([(0, 100), (913, 1000)], "set forward by 13 s"),
    ],
)
def test_a_clock_that_was_set_is_told(pairs: list[tuple[float, float]], said: str) -> None:
    assert said in clock.doubts(readings(*pairs))[0]


def test_every_jump_is_told() -> None:
    assert len(clock.doubts(readings((0, 100), (-3600, 110), (-3590, 120), (20, 130)))) == 2


def test_another_boot_says_nothing_and_a_free_running_clock_is_told() -> None:
    assert clock.doubts([*readings((0, 100)), *readings((9000, 3), boot="other")]) == ()
    wild = readings((0, 100), (10, 110), state="unsynchronised")
    assert (clock.doubts(wild), clock.unkept(wild)) == ((), 2)


def test_what_is_missing_or_rubbish_is_left_out() -> None:
    assert clock.doubts([clock.reading("c", AT, {}), clock.reading("d", AT, {"monotonic_start": "x"})]) == ()
