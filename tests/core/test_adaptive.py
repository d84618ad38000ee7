from __future__ import annotations

import random
from datetime import timedelta
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.adaptive import DAY, USUAL, Pace, Watched, intervals, rates

PACE = Pace(mean=timedelta(minutes=15), shortest=timedelta(minutes=2), longest=timedelta(hours=4))


def test_a_site_of_which_nothing_is_known_is_an_average_one() -> None:
    assert rates([Watched(news=0, days=0.0)])[0] == pytest.approx(USUAL.news / USUAL.days)
    assert intervals(rates([Watched(news=0, days=0.0)] * 3), PACE) == (PACE.mean,) * 3


def test_sites_that_are_alike_are_looked_at_equally_often() -> None:
    chance = random.Random(5)
    sites = [Watched(news=sum(chance.random() < 0.1 for _ in range(100)), days=10.0) for _ in range(400)]
    found = intervals(rates(sites), PACE)
    assert max(found) < 1.5 * min(found)


def test_four_times_the_news_is_looked_at_twice_as_often() -> None:
    sites = [Watched(news=4000, days=10.0), Watched(news=1000, days=10.0)] * 10
    found = intervals(rates(sites), PACE)
    assert found[1] / found[0] == pytest.approx(2.0, rel=0.02)


@given(st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 400)), min_size=1, max_size=60))
def test_bounds_hold_and_the_budget_is_spent(records: list[tuple[int, float]]) -> None:
    found = intervals(rates([Watched(news=news, days=days) for news, days in records]), PACE)
    assert all(PACE.shortest <= one <= PACE.longest for one in found)
    visits = sum(DAY / one for one in found)
    assert visits == pytest.approx(len(found) * (DAY / PACE.mean), rel=1e-6)


def test_unlike_sites_gain_what_theory_promises() -> None:
    """With lognormal rates, known well, the mean delay falls to exp(-sigma**2 / 4) of a fixed interval's."""
    chance = random.Random(7)
    true = [exp(chance.gauss(0, 1.5)) for _ in range(2000)]
    wide = Pace(mean=timedelta(minutes=15), shortest=timedelta(seconds=1), longest=timedelta(days=9))
    found = intervals(true, wide)
    delay = sum(rate * (one / DAY) for rate, one in zip(true, found, strict=True))
    assert delay / (sum(true) * (wide.mean / DAY)) == pytest.approx(exp(-(1.5**2) / 4), rel=0.08)
