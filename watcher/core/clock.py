"""Whether the vantage's own clock can be believed: it is held against a clock that cannot be set.

The monotonic clock of one boot runs evenly. Where the wall clock moved otherwise between two captures, somebody or
something set it, and what was said of times between them is not certain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.core.moments import rfc3339, words

TOLERANCE = timedelta(seconds=2)
KEPT = "synchronised"
"""The state of a wall clock that a time service keeps."""
MOST_UNSURE = 3600.0
"""Seconds that are believed to have passed, at most, while the machine was started anew and nobody kept its clock."""
DRIFT = 0.001
"""A clock that is being corrected may run so much faster or slower (adjtime slews at most half of this)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Both clocks at one capture."""

    capture: str
    at: datetime
    monotonic: float | None
    boot: str
    state: str


def reading(capture: str, at: datetime, facts: Mapping[str, object]) -> Reading:
    """Both clocks, from a capture's facts; what is not there, or no number, is left out."""
    try:
        monotonic = float(str(facts["monotonic_start"]))
    except (KeyError, ValueError):
        monotonic = None
    state = str(facts.get("clock_state", "unknown"))
    return Reading(capture=capture, at=at, monotonic=monotonic, boot=str(facts.get("boot_id", "")), state=state)


def doubts(readings: Sequence[Reading]) -> tuple[str, ...]:
    """When the clock was set, in words: times round that are not certain. ``readings`` in the log's order."""
    found = []
    last: dict[str, Reading] = {}
    for now in readings:
        before = last.get(now.boot)
        if before is not None and now.boot and now.monotonic is not None and before.monotonic is not None:
            ran = now.monotonic - before.monotonic
            jump = (now.at - before.at) - timedelta(seconds=ran)
            if abs(jump) > TOLERANCE + timedelta(seconds=abs(ran) * DRIFT):
                way = "forward" if jump > timedelta(0) else "back"
                found.append(
                    f"the clock was set {way} by {words(abs(jump))} between {rfc3339(before.at)} "
                    f"(capture {before.capture}) and {rfc3339(now.at)} (capture {now.capture})"
                )
        if now.monotonic is not None:
            last[now.boot] = now
    return tuple(found)


def surely_passed(before: Reading, now: Reading) -> float:
    """Seconds that passed between two looks, whoever set the wall clock between them; never too many.

    Within one boot no more than ran by the clock that nobody sets (it may stand still while a machine sleeps). Over a
    new start the wall clock alone knows: it is believed if a time service kept it on both sides, else for an hour.
    """
    wall = max(0.0, (now.at - before.at).total_seconds())
    if before.monotonic is None and now.monotonic is None:
        return wall
    if before.monotonic is not None and now.monotonic is not None and before.boot and before.boot == now.boot:
        return max(0.0, min(wall, now.monotonic - before.monotonic))
    return wall if before.state == now.state == KEPT else min(wall, MOST_UNSURE)


def unkept(readings: Sequence[Reading]) -> int:
    """At how many captures no time service kept the clock: it may be off, by an amount that nobody knows."""
    return sum(one.state == "unsynchronised" for one in readings)
