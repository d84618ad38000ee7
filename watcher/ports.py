"""What the inside asks of the outside: tiny Protocols. ``edge`` answers them in earnest, ``testing`` in play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from watcher.records import Capture, Decision, Event, Exchange, Hints, Page, Reading, Roster, Snapshot, TargetStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One retrieval to be made."""

    url: str
    mirror: str
    isolation: str
    """Asks with the same token share a circuit; another token, another circuit."""
    headers: Mapping[str, str]
    """The site's own, over the browser's."""
    timeout_seconds: float


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""


class Fetcher(Protocol):
    async def fetch(self, ask: Ask) -> tuple[Exchange, ...]:
        """The redirects followed and, last, the final exchange. Never raises for what a site or the network does;
        raises ``ProxyError`` only when the proxy itself cannot be reached or used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a capture is kept under."""

    site: str
    target: str
    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """What is believed of a site, and what its pages taught."""

    roster: Roster
    memory: bytes
    """What ``core.reading`` learned, opaque to everyone else; empty at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that a visit concluded; recorded in one transaction."""

    visit: str
    site: str
    readings: Mapping[str, Reading]
    """Capture id to what it says (detail pages too)."""
    snapshot: Snapshot
    decision: Decision
    memory: bytes
    lately: bytes = b""
    """What ``core.again`` wants to know of it after the next start, opaque to everyone else; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A visit whose pages are those of an earlier one, with nothing open: only the numbers of visits moved."""

    site: str
    visit: str
    mirror: str
    captures: tuple[str, ...]
    """Ids of its pages, in order."""
    after: str
    """The site's last visit before it."""
    like: str
    """One that led with the mirror, was recorded in full, and showed the same."""
    next_visit: datetime | None = None
    """When the site is due, if that is known."""
    moved: bool = False
    """The pages are those of ``like`` but for numbers of which nothing follows; they were not read."""


class Last(NamedTuple):
    """A site's last visit."""

    lately: bytes
    """That of the last outcome."""
    again: int
    """How many visits there were since; each saw the same again."""
    visit: str
    looks: tuple[tuple[datetime, str], ...]
    """When its pages were asked for, and their captures."""


class Store(Protocol):
    async def keep(self, origin: Origin, exchanges: Sequence[Exchange]) -> tuple[Capture, ...]:
        """The exchanges as captures or misses, durable when this returns."""

    async def page(self, capture: Capture) -> Page:
        """A kept capture's body, transfer and content coding taken off, ready to be read. Not for a miss."""

    async def state(self, site: str) -> SiteState:
        """What is believed of a site; an empty roster at first."""

    async def record(self, outcome: Outcome) -> None:
        """Snapshot, readings, roster, events and their custody leaves: all or nothing."""


class KnowingStore(Store, Protocol):
    """A store that can tell a visit by one before it."""

    async def last(self, site: str) -> Last | None:
        """A site's last visit; None if there is nothing to know again."""

    async def record_again(self, again: Again) -> Snapshot | None:
        """``record`` for a visit that showed what one before it did: its snapshot as the log has it, without entries.
        None: what that was is not known, and nothing was recorded."""

    async def last_visits(self, site: str, most: int) -> tuple[str, ...]:
        """The site's last visits that were recorded, oldest first."""

    async def captures_of(self, visit: str) -> tuple[Capture, ...]:
        """A visit's captures and misses, in the order in which they were kept."""


class WatchStore(Store, Protocol):
    """What the long-running process asks besides."""

    async def status(self) -> tuple[TargetStatus, ...]:
        """How every target stands."""

    async def unrecorded_visits(self) -> tuple[str, ...]:
        """Visits that were kept and never recorded, oldest first."""

    async def schedule(self, site: str, next_visit: datetime) -> None:
        """Remember when a site is due, for the next start and for those who look."""


class Lease(Protocol):
    """The right and the duty to look at a site, now: no other look at it is under way here."""

    @property
    def site(self) -> str: ...

    async def done(self, wait_seconds: float) -> None:
        """The look is over; the site is due again after so long."""


class Feed(Protocol):
    """What is due: a heap of this process's own, or this vantage's share of what a fleet watches."""

    def plan(self, site: str, wait_seconds: float) -> None:
        """The site is due after so long; one that was planned before, by then at the latest."""

    def drop(self, site: str) -> None:
        """The site is watched no more."""

    async def leases(self, most: int) -> Sequence[Lease]:
        """Sites that are due, the most pressing first, at most so many; waits until there is one."""

    def late(self) -> Mapping[str, float]:
        """The sites that wait to be looked at here and were due already, and for how many seconds."""

    def aside(self, is_aside: bool) -> None:
        """Whether this watcher can look at nothing for the time being, so that another had better."""


class Reader(Protocol):
    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        """What a listing page says, and what it taught. ``known`` holds the titles that the roster lists.
        A page that kills or stalls the worker is an ``unreadable`` reading, with the memory unchanged."""

    async def read_detail(self, page: Page, memory: bytes, title: str) -> Reading:
        """What an entry's own page says: ``detail`` (it is there), ``error``, ``blocked`` …"""


class Sink(Protocol):
    """One place where alerts go."""

    name: str
    """As in ``[[alert]] to``; tells sinks apart in the outbox."""

    def wants(self, event: Event) -> bool:
        """Whether this sink asked for such events."""

    async def send(self, event: Event, checkpoint: str) -> None:
        """Deliver the event with the signed log head that covers it. Raises ``DeliveryError`` if it did not arrive."""
