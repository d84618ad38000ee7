"""How often to look at each site when visits are shared out: oftener where more is new, never too seldom anywhere.

An alert's delay is what counts, not how fresh a copy is. With ``rate`` new entries a day on a site that is looked
at every ``interval`` days, the mean delay of its alerts is half an interval, and the sum over sites of ``rate *
interval / 2`` under a given number of visits is least when intervals go with ``1 / sqrt(rate)``: the same as always
visiting the site with the largest ``rate * age**2``. Policies that make copies fresh instead (Cho and Garcia-
Molina, "Effective page refresh policies for web crawlers", ACM TODS 28(4), 2003; Azar et al., "Tractable near-
optimal policies for crawling", PNAS 115(32), 2018) give up on the sites that change fastest, which are the ones
that matter here.

Rates are learned from entries, not from bytes: each site's news is taken for a Poisson process whose rate was drawn
from a gamma distribution that all sites share, and whose mean and shape are read off all of them (empirical Bayes
by moments; Gelman et al., "Bayesian Data Analysis", section 2.6). Where sites differ little they are soon looked at
equally often; where they differ much, each goes by its own record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How far apart visits may be."""

    mean: timedelta = timedelta(minutes=15)
    """What the visits of all adaptive sites together come to, a site."""
    shortest: timedelta = timedelta(minutes=2)
    longest: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What watching a site brought so far."""

    news: int
    """Entries that were listed since its baseline."""
    days: float


EVEN_PACE = Pace()
NOTHING_YET = Watched(news=0, days=0.0)
USUAL = Watched(news=1, days=1.0)
"""Before anything is known a site is taken to list one entry a day."""
SHAPES = (0.5, 20.0)
"""Bounds of the shape: sites as unlike as can be, and sites that are all alike."""


def rates(sites: Sequence[Watched]) -> tuple[float, ...]:
    """New entries a day to be expected of each site."""
    days = sum(site.days for site in sites) + USUAL.days
    mean = (sum(site.news for site in sites) + USUAL.news) / days
    # the variance of counts over what Poisson counts of one common rate would have is due to the rates
    spread = sum((site.news - mean * site.days) ** 2 - mean * site.days for site in sites)
    square = sum((mean * site.days) ** 2 for site in sites)
    shape = min(max(square / spread, SHAPES[0]), SHAPES[1]) if spread > 0 else SHAPES[1]
    return tuple((shape + site.news) / (shape / mean + site.days) for site in sites)


def intervals(expected: Sequence[float], pace: Pace) -> tuple[timedelta, ...]:
    """An interval for each site, given the new entries a day that are expected of it.

    All of them together cost as many visits as if each had ``pace.mean``. Sites that meet a bound get it; what they
    leave or take of the budget is shared by the others, until none is left that meets one (water-filling: at most as
    many rounds as there are sites, in practice three or four).
    """
    shortest, longest = pace.shortest / DAY, pace.longest / DAY
    roots = [sqrt(one) for one in expected]
    found = [0.0] * len(roots)
    free = list(range(len(roots)))
    budget = len(roots) / (pace.mean / DAY)
    while free:
        scale = sum(roots[i] for i in free) / budget if budget > 0 else longest * max(roots)
        wanted = {i: scale / roots[i] for i in free}
        # settle the side whose bounds cost more first, or sites might be bound that need not be
        excess = {i: 1 / min(max(w, shortest), longest) - 1 / w for i, w in wanted.items()}
        bound = shortest if sum(excess.values()) < 0 else longest
        settled = [i for i in free if (wanted[i] <= shortest if bound == shortest else wanted[i] >= longest)]
        if not settled:
            for i in free:
                found[i] = min(max(wanted[i], shortest), longest)
            break
        for i in settled:
            found[i] = bound
        budget -= len(settled) / bound
        free = [i for i in free if i not in set(settled)]
    return tuple(timedelta(days=one) for one in found)
