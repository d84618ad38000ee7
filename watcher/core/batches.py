"""When an alert is told, and together with which others: digests, quiet hours, and a guard against floods.

Nothing here is remembered: what is held back stands in the store with the time until which it is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from watcher.records import Event

MANY = 10
"""More events of one kind at one site at once than this are one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How a place wants to be told."""

    digest: timedelta | None = None
    """Everything of so long together; at whole multiples of it since midnight UTC."""
    quiet: tuple[time, time] | None = None
    """Nothing from the first to the second time of day; then all of it together."""
    zone: tzinfo = UTC
    """Where those times of day are meant."""
    rate: int = MANY


class Due(NamedTuple):
    """An alert that could be told now."""

    seq: int
    event: Event
    held: bool
    """It was held back until now."""


Batch = tuple[Due, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do with the alerts of one place."""

    now: tuple[Batch, ...] = ()
    """Messages to be sent, in order."""
    later: tuple[tuple[Due, datetime], ...] = ()
    """What waits, and until when."""


def plan(due: Sequence[Due], rhythm: Rhythm, now: datetime) -> Plan:
    """Which alerts make which messages now, and which wait until when."""
    ready: list[Due] = []
    later: list[tuple[Due, datetime]] = []
    quiet_until = end_of_quiet(rhythm, now)
    for one in due:
        if quiet_until is not None:
            later.append((one, quiet_until))
        elif rhythm.digest is not None and not one.held:
            later.append((one, next_digest(rhythm.digest, now)))
        else:
            ready.append(one)
    return Plan(now=tuple(_together(ready, rhythm)), later=tuple(later))


def end_of_quiet(rhythm: Rhythm, now: datetime) -> datetime | None:
    """When the quiet hours that ``now`` lies in end; None if it is not quiet."""
    if rhythm.quiet is None:
        return None
    start, end = rhythm.quiet
    here = now.astimezone(rhythm.zone)
    for days in (-1, 0):  # a night begins the day before
        day = here.date() + timedelta(days=days)
        begins = datetime.combine(day, start, rhythm.zone)
        ends = datetime.combine(day + timedelta(days=int(end <= start)), end, rhythm.zone)
        if begins.astimezone(UTC) <= now < ends.astimezone(UTC):
            return ends.astimezone(UTC)
    return None


def next_digest(every: timedelta, now: datetime) -> datetime:
    """The next whole multiple of ``every`` after ``now``, counted from 1970: the same whenever it is asked for."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return start + ((now - start) // every + 1) * every


def _together(ready: Sequence[Due], rhythm: Rhythm) -> list[Batch]:
    """The messages: all at once of what was held back; of the rest, what floods is told in one."""
    batches: list[Batch] = []
    holds = rhythm.digest is not None or rhythm.quiet is not None
    if held := tuple(one for one in ready if holds and one.held):
        batches.append(held)
    groups: dict[tuple[str, str], list[Due]] = {}
    for one in ready:
        if not (holds and one.held):
            groups.setdefault((one.event.site, one.event.kind), []).append(one)
    for group in groups.values():
        batches += [tuple(group)] if len(group) > rhythm.rate else [(one,) for one in group]
    return sorted(batches, key=lambda batch: batch[0].seq)
