from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.adaptive import DAY, USUAL, Pace, Watched, intervals, rates
from watcher.core.status import configured, unseen
from watcher.records import Site, TargetStatus

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
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


def _status(name: str, *, planned: timedelta, misses: int = 0) -> TargetStatus:
    return replace(unseen(name), last_visit=NOW, next_visit=NOW + planned, misses_in_a_row=misses)


def test_status_says_how_often_and_why() -> None:
    names = ("busy", "quiet", "new", "dead", "doubtful")
    sites = [Site(name=name, mirrors=("http://a.example/",), every="adaptive") for name in names]
    sites.append(Site(name="fixed", mirrors=("http://a.example/",), every=timedelta(hours=1)))
    watched = {name: Watched(news=900 if name == "busy" else 30, days=30.0) for name in names if name != "new"}
    first = {one.site: one for one in configured(sites, (), watched)}
    assert first["busy"].every < first["quiet"].every  # type: ignore[operator]  # both have one
    assert first["busy"].because.startswith("900 new entries in 30 d, more than on most")
    assert first["quiet"].because.startswith("30 new entries in 30 d, less than on most")
    assert first["new"].because == "nothing is known of it yet"
    assert (first["fixed"].every, first["fixed"].because) == (timedelta(hours=1), "the configuration says so")
    found = (
        _status("dead", planned=timedelta(hours=6), misses=7),
        _status("doubtful", planned=timedelta(minutes=5)),
        _status("fixed", planned=timedelta(minutes=5)),
    )
    later = {one.site: one for one in configured(sites, found, watched)}
    assert (later["dead"].every, later["dead"].because) == (timedelta(hours=6), "7 looks in a row brought nothing")
    assert (
        later["doubtful"].because == later["fixed"].because == "something is new, missing or not certain: a quick look"
    )
