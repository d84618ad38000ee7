"""How long news waits to be seen: `every = "adaptive"` against fixed intervals, at the same number of visits.

    python -m benchmarks.adaptive [SITES]

Simulated with the program's own rates and intervals, from a cold start: sites whose news comes as a Poisson process,
at rates that differ lognormally, and of which nothing is known at first.
"""

from __future__ import annotations

import heapq
import random
import sys
from dataclasses import dataclass
from datetime import timedelta
from math import exp

from benchmarks.report import Part, reached
from watcher.core.adaptive import DAY, Pace, Watched, intervals, rates

MEAN = timedelta(hours=1)
PACE = Pace(mean=MEAN, shortest=MEAN / 16, longest=MEAN * 16)
DAYS = 30.0
A_DAY = 0.5
"""News of the middling site."""
AGAIN_HOURS = 1.0
"""How often intervals are worked out anew; ``watcher run`` does so every minute."""


@dataclass
class _Run:
    delay_hours: float
    visits: int
    longest_wait_hours: float


def simulate(sigma: float, sites: int, *, adaptive: bool, seed: int = 1) -> _Run:
    """What thirty days of watching bring."""
    chance = random.Random(seed)
    true = [A_DAY * exp(chance.gauss(0, sigma)) for _ in range(sites)]
    coming = [chance.expovariate(rate) for rate in true]
    every = [MEAN / DAY] * sites
    seen, last = [0] * sites, [0.0] * sites
    due = [(chance.random() * every[0], site) for site in range(sites)]
    heapq.heapify(due)
    waited, told, visits, longest, again = 0.0, 0, 0, 0.0, 0.0
    while due[0][0] <= DAYS:
        now, site = heapq.heappop(due)
        visits += 1
        longest = max(longest, now - last[site])
        last[site] = now
        while coming[site] <= now:
            waited += now - coming[site]
            told += 1
            seen[site] += 1
            coming[site] += chance.expovariate(true[site])
        if adaptive and now - again > AGAIN_HOURS / 24:
            again = now
            watched = [Watched(news=news, days=now) for news in seen]
            every = [one / DAY for one in intervals(rates(watched), PACE)]
        heapq.heappush(due, (now + every[site], site))
    return _Run(waited / told * 24, visits, longest * 24)


def measure(sites: int = 2000) -> Part:
    """The table."""
    rows, ratios = [], {}
    for sigma in (0.0, 1.0, 1.5, 2.0):
        fixed, paced = simulate(sigma, sites, adaptive=False), simulate(sigma, sites, adaptive=True)
        # the same number of visits: a fixed interval's delay goes with its length
        ratio = ratios[sigma] = paced.delay_hours / fixed.delay_hours * paced.visits / fixed.visits
        rows.append(
            (
                f"{sigma:g}",
                f"{fixed.delay_hours * 60:.1f} min",
                f"{paced.delay_hours * 60:.1f} min",
                f"{ratio:.3f}",
                f"{exp(-(sigma**2) / 4):.3f}",
                f"{paced.visits / fixed.visits:.3f}",
                f"{paced.longest_wait_hours:.1f} h",
            )
        )
    longest = PACE.longest / timedelta(hours=1)
    worst = max(simulate(sigma, sites // 4, adaptive=True, seed=2).longest_wait_hours for sigma in (0.0, 2.0))
    return Part(
        title=f"Adaptive intervals: {sites:,} sites, {DAYS:g} days from a cold start, one visit an hour on the average",
        columns=("σ of the rates", "fixed", "adaptive", "ratio", "if rates were known", "visits", "longest wait"),
        rows=rows,
        notes=(
            f"- σ = 0: ≤ 1.05: {reached(ratios[0.0], 1.05)} ({ratios[0.0]:.3f})",
            f"- σ = 1.5: ≤ 0.65: {reached(ratios[1.5], 0.65)} ({ratios[1.5]:.3f})",
            f"- σ = 2: ≤ 0.45: {reached(ratios[2.0], 0.45)} ({ratios[2.0]:.3f})",
            f"- no site waits longer than its maximum of {longest:g} h: {reached(worst, longest)} ({worst:.1f} h)",
        ),
    )


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())
