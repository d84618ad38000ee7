"""When to look again."""

from __future__ import annotations

from datetime import datetime, timedelta

LONGEST = timedelta(hours=6)
"""A site that does not answer is still asked at least this often (or at its own interval, if that is longer)."""
JITTER = 0.1
"""Share of an interval by which a visit may come late, so that visits to many sites do not march in step."""


def next_visit(
    now: datetime, every: timedelta, *, misses: int, look_again: timedelta | None, chance: float
) -> datetime:
    """When the target is due next.

    ``misses`` in a row double the wait each time, from the second on: one miss is often a circuit's fault.
    ``look_again`` asks for a quick look (something is missing); a miss does not slow that down before the third.
    ``chance`` in [0, 1) spreads visits.
    """
    wait = every
    if misses > 1:
        wait = max(every, min(every * 2 ** min(misses - 1, 16), LONGEST))
    if look_again is not None and misses < 3:
        wait = min(wait, look_again)
    return now + wait * (1 + JITTER * chance)
