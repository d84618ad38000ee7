"""When to look again, and when nobody has looked for too long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from watcher.records import Site, TargetStatus

LONGEST = timedelta(hours=6)
"""A site that does not answer is still asked at least this often (or at its own interval, if that is longer)."""
JITTER = 0.1
"""Share of an interval by which a visit may come late, so that visits to many sites do not march in step."""
USUAL = timedelta(minutes=15)
"""An adaptive interval, for who does not know it."""
BUSY = timedelta(minutes=5)
"""What a visit may come late besides, so that a busy minute is no alarm."""


def wait_for(every: timedelta, *, misses: int, look_again: timedelta | None, chance: float) -> timedelta:
    """How long after a visit the target is due again.

    ``misses`` in a row double the wait each time, from the second on: one miss is often a circuit's fault.
    ``look_again`` asks for a quick look (something is missing); a miss does not slow that down before the third.
    ``chance`` in [0, 1) spreads visits.
    """
    wait = every
    if misses > 1:
        wait = max(every, min(every * 2 ** min(misses - 1, 16), LONGEST))
    if look_again is not None and misses < 3:
        wait = min(wait, look_again)
    return wait * (1 + JITTER * chance)


def is_unchecked(late: timedelta, every: timedelta) -> bool:
    """Whether a target that is so late went unchecked for more than two of its intervals: that is an alarm."""
    return late > every + BUSY


def unchecked(sites: Iterable[Site], targets: Iterable[TargetStatus], now: datetime) -> dict[str, timedelta]:
    """The sites that went unchecked for more than two of their intervals, and how late their visits are."""
    every = {site.name: site.every if isinstance(site.every, timedelta) else USUAL for site in sites}
    late = {
        target.site: now - target.next_visit
        for target in targets
        if target.site in every and target.next_visit and target.paused_until is None
    }
    return {name: by for name, by in late.items() if is_unchecked(by, every[name])}


class Starts:
    """Spreads the starts of visits: a few at once, and then so many a second.

    Each start takes a place in time, the next one ``1 / a_second`` later (a leaky bucket, as the generic cell rate
    algorithm of ITU-T I.371 keeps one with a single number).
    """

    def __init__(self, a_second: float, at_once: int) -> None:
        self._step, self._ahead = 1 / a_second, at_once / a_second
        self._free = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next start may be made."""
        return max(0.0, self._free - self._ahead - now)

    def free(self, now: float, most: int) -> int:
        """How many starts may be made now, up to so many."""
        places = (self._ahead + min(0.0, now - self._free)) / self._step
        return min(most, 1 + int(places)) if places >= 0 else 0

    def take(self, now: float) -> float:
        """The same as ``wait``, and the start's place is taken."""
        wait = self.wait(now)
        self._free = max(self._free, now) + self._step
        return wait
