"""Small pictures of numbers."""

from __future__ import annotations

import pytest

from watcher.core import spark


@pytest.mark.parametrize(
    ("levels", "path"),
    [
        ((), ""),
        ((1,), ""),
        ((None, None), ""),
        ((0, 10), "M2.0 26.0L118.0 2.0"),
        ((5, 5, 5), "M2.0 14.0L60.0 14.0L118.0 14.0"),
        ((None, 3), "M118.0 14.0h0.1"),
        ((1, None, 2), "M2.0 26.0M118.0 2.0"),
        ((None, 1, 3, 2, None), "M31.0 26.0L60.0 2.0L89.0 14.0"),
    ],
)
def test_a_line_touches_its_lowest_and_highest_and_has_gaps(levels: tuple[int | None, ...], path: str) -> None:
    assert spark.line(levels) == path


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ((None, None), "nothing is known yet"),
        ((None, 4, 4), "4 listed, the same over a week"),
        ((3, 9, 1, 5), "3 listed at first, 5 now; between 1 and 9 over a week"),
    ],
)
def test_a_line_in_words(levels: tuple[int | None, ...], said: str) -> None:
    assert spark.told(levels, "a week") == said


def test_runs_of_visits_are_one_thick_line_each() -> None:
    assert spark.bars(["good", "good", "none", "part", "good"]) == {
        "good": "M2 14h5M14 14h2",
        "none": "M8 24h2",
        "part": "M11 20h2",
    }
    assert spark.bars([]) == {}


def test_a_strip_has_one_tick_for_what_falls_together() -> None:
    marks = [(0.0, "seen"), (0.0001, "seen"), (0.0001, "silent"), (1.0, "seen")]
    assert spark.strip(marks, 100) == {"seen": "M2 0v1M98 0v1", "silent": "M2 0v1"}
