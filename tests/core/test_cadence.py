from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watcher.core.cadence import JITTER, LONGEST, next_visit

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
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
    assert next_visit(NOW, QUARTER, misses=misses, look_again=look_again, chance=0.0) == NOW + wait


def test_a_slow_target_keeps_its_own_interval() -> None:
    assert next_visit(NOW, timedelta(days=2), misses=9, look_again=None, chance=0.0) == NOW + timedelta(days=2)


def test_jitter_only_ever_delays_and_is_bounded() -> None:
    late = next_visit(NOW, QUARTER, misses=0, look_again=None, chance=0.999)
    assert NOW + QUARTER < late < NOW + QUARTER * (1 + JITTER)
