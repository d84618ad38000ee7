"""Fleets that nobody has built: up to a million targets, by chance and by measured costs.

python -m benchmarks.fleet_sizes

Sharing out is the real ``core.fleet``; a look is so much time of one processor at its vantage, and vantages die at
random and come back. What is simulated is only when looks are made.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

from watcher.core.fleet import Shares

LOOK_SECONDS = 0.004
"""Processor time of a whole look at a vantage: the highest that was measured, on a machine at its limit."""
STARTS_A_SECOND = 250.0
"""Of one vantage, by the same: one processor."""
LEASE_SECONDS = 30.0
STREAM_BYTES = 170
"""Shipped for a look at a page that did not change."""
DEATHS_A_DAY = 4.0
"""Of each vantage: far more than anyone should bear with."""
DOWN_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A fleet."""

    targets: int
    vantages: int
    every_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How late its looks are."""

    looks: int
    late_p99: float
    late_most: float
    """The worst of all: a look that was due at a vantage just when that died."""
    busy: float
    """The share of a processor that looking takes at a vantage."""


def simulate(size: Size, seconds: float, seed: int = 1) -> Outcome:
    """The looks of so long a time."""
    chance = random.Random(seed)
    names = [f"v{number}" for number in range(size.vantages)]
    shares = Shares(frozenset(names))
    home = [next(iter(shares.of(f"s{number}", 1))) for number in range(size.targets)]
    place = {f"s{number}": number for number in range(size.targets)}
    free = dict.fromkeys(names, 0.0)
    until = dict.fromkeys(names, 0.0)
    deaths = [
        (chance.uniform(0, seconds), name)
        for name in names
        for _ in range(_count(chance, DEATHS_A_DAY * seconds / 86400))
    ]
    changes = sorted(
        [(at + LEASE_SECONDS, name, False) for at, name in deaths]
        + [(at + DOWN_SECONDS, name, True) for at, name in deaths]
    )
    down = {name: sorted(at for at, one in deaths if one == name) for name in names}
    due = [(chance.uniform(0, size.every_seconds), number) for number in range(size.targets)]
    heapq.heapify(due)
    late: list[float] = []
    present = set(names)
    while due[0][0] < seconds:
        at, number = due[0]
        while changes and changes[0][0] <= at:
            _, name, is_back = changes.pop(0)
            (present.add if is_back else present.discard)(name)
            for site in shares.change(frozenset(present)):
                home[place[site]] = next(iter(shares.of(site, 1)))
        name = home[number]
        while down[name] and down[name][0] <= at:
            until[name] = down[name].pop(0) + DOWN_SECONDS
        if at < until[name] and name in present:  # dead, and nobody knows yet: asked again when its lease is over
            heapq.heapreplace(due, (until[name] - DOWN_SECONDS + LEASE_SECONDS + 0.001, number))
            late.append(until[name] - DOWN_SECONDS + LEASE_SECONDS - at)
            continue
        start = max(at, free[name])
        free[name] = start + LOOK_SECONDS
        late.append(start - at)
        heapq.heapreplace(due, (start + size.every_seconds * (1 + 0.1 * chance.random()), number))
    late.sort()
    looks_each = size.targets / size.every_seconds / size.vantages
    return Outcome(
        looks=len(late), late_p99=late[len(late) * 99 // 100], late_most=late[-1], busy=looks_each * LOOK_SECONDS
    )


def _count(chance: random.Random, mean: float) -> int:
    return int(mean) + (chance.random() < mean % 1)


def main() -> None:
    print("| targets | every | vantages | a processor's share at each | late p99 | late at most | shipped a day |")
    print("|---|---|---|---|---|---|---|")
    for size, seconds in (
        (Size(targets=2_000, vantages=2, every_seconds=300), 7200.0),
        (Size(targets=10_000, vantages=4, every_seconds=60), 1800.0),
        (Size(targets=100_000, vantages=8, every_seconds=600), 1800.0),
        (Size(targets=1_000_000, vantages=20, every_seconds=900), 1800.0),
    ):
        found = simulate(size, seconds)
        shipped = size.targets * 86400 / size.every_seconds * STREAM_BYTES / 1e9
        print(
            f"| {size.targets:,} | {size.every_seconds / 60:g} min | {size.vantages} | {100 * found.busy:.1f} % |"
            f" {found.late_p99:.2f} s | {found.late_most:.1f} s | {shipped:.2f} GB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
