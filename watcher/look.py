"""What a visit works with, what it gathers on its way, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from watcher.core.again import Lately, Shown, Way
from watcher.core.watchlist import Watch
from watcher.ports import Ask, Clock, KnowingStore, Origin, Reader, Store
from watcher.records import Capture, Decision, Event, Page, Policy, Reading, Site, Snapshot

LISTING, DETAIL = "listing", "detail"
LARGE = 2 * 1024 * 1024
"""Bytes of a page from which on it waits for its turn to be held in memory."""
MIDDLING, MIDDLING_AT_ONCE = 256 * 1024, 8
"""From so many bytes on it waits, too, if so many others are held: readers may be busy, and many wait for them."""
USELESS = frozenset({"error", "blocked", "login", "seized", "unreadable"})
"""Verdicts after which another mirror is asked: it may be better off."""


class Retrieve(Protocol):
    async def __call__(self, ask: Ask, origin: Origin) -> tuple[Capture, ...]:
        """Steps 1 and 2, fetch and keep: the redirects and, last, the capture (or miss) that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortWay:
    """What makes visits cheap that see the same again."""

    store: KnowingStore
    lately: Lately = field(default_factory=Lately, compare=False)
    """What was seen last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a visit works with."""

    retrieve: Retrieve
    store: Store
    reader: Reader
    clock: Clock
    policy: Policy
    vantage: str
    timeout: timedelta
    """For the whole visit, detail pages included."""
    watchlist: tuple[Watch, ...] = ()
    short: ShortWay | None = None
    """For visits that see the same again; None: each is read and decided."""
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1), compare=False)
    """Turns to hold a large page in memory."""
    middling: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MIDDLING_AT_ONCE), compare=False)
    """And one of middling size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """What came of a visit."""

    site: str
    snapshot: Snapshot
    decision: Decision
    captures: tuple[Capture, ...]
    same: int | None = None
    """The pages were those of an earlier visit, which show so many entries, and only numbers of visits moved: neither
    entries nor roster are named again here. None: all that was seen and decided is here."""

    @property
    def shown(self) -> int:
        """How many entries the pages show."""
        return len(self.snapshot.entries) if self.same is None else self.same

    @property
    def events(self) -> tuple[Event, ...]:
        return self.decision.events

    @property
    def is_miss(self) -> bool:
        """Whether no mirror brought anything of the listing."""
        shown = self.snapshot.captures[:1]
        return all(capture.is_miss for capture in self.captures if capture.id in shown)

    @property
    def failing(self) -> frozenset[str]:
        """The mirrors that brought nothing, or nothing of use, and were passed over."""
        asked = {capture.mirror for capture in self.captures if capture.target == LISTING}
        useless = self.is_miss or self.snapshot.verdict in USELESS
        return frozenset(asked if useless else asked - {self.snapshot.mirror})


@dataclass(slots=True, kw_only=True)
class Look:
    """What a visit gathers on its way."""

    site: Site
    isolation: str
    means: Means
    visit: str
    deadline: datetime
    last: datetime
    """The deadline moves no further."""
    rest: timedelta | None
    memory: bytes = b""
    lately: bytes = b""
    """What to know of it after the next start."""
    captures: list[Capture] = field(default_factory=list)
    had: dict[str, tuple[Capture, Page | None]] = field(default_factory=dict)
    """What was captured in the hope that it would be the same again, by address; its page, if it was small."""
    readings: dict[str, Reading] = field(default_factory=dict)
    pages: list[tuple[Capture, Reading | None]] = field(default_factory=list)
    """Those that the snapshot is made of."""
    prints: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """By capture: the address that was asked, and by what to know the page again."""
    mark: bytes | None = None
    """By what to know what the pages say that show what the first mirror is known to show; None: they do not."""
    way: Way = "long"
    """How to go on once they were seen."""

    def seconds_left(self) -> float:
        """For the rest of the visit; a clock that is set back does not make it longer than a whole one."""
        left = min(self.deadline - self.means.clock.now(), self.means.timeout)
        return max(0.0, left.total_seconds())

    @asynccontextmanager
    async def page(self, capture: Capture, had: Page | None = None) -> AsyncIterator[Page]:
        """What was captured, as long as it is read.

        What happens meanwhile is not at the site's expense: readers may be busy with other sites' pages. The visit ends
        so much later, and no later than twice its time. Few large pages are held at a time, however many wait for
        readers.
        """
        began = self.means.clock.now()
        if had is not None:
            yield had
        else:
            async with _held(self.means, capture) as page:
                yield page
        took = max(timedelta(0), self.means.clock.now() - began)
        self.deadline = min(self.deadline + took, self.last)

    async def at(self, url: str, mirror: str, target: str, *, share: float = 1.0) -> Capture:
        """What is captured there within a share of the time left, kept and not yet read: the last one, if redirects led
        to it."""
        ask = Ask(
            url=url,
            mirror=mirror,
            isolation=self.isolation,
            headers=self.site.headers,
            timeout_seconds=share * self.seconds_left(),
        )
        kept = await self.means.retrieve(ask, Origin(site=self.site.name, target=target, visit=self.visit))
        self.captures.extend(kept)
        return kept[-1]

    def are_pages(self, names: Collection[str]) -> tuple[bool, ...]:
        """Which of the visit's captures are of these."""
        return tuple([capture.id in names for capture in self.captures])

    def shown(self, entries: int) -> Shown | None:
        """What the pages, which show so many entries, are known by; None if one of them was not read."""
        asked = [self.prints[capture.id] for capture, _ in self.pages if capture.id in self.prints]
        if len(asked) < len(self.pages):
            return None
        return Shown(
            urls=tuple([url for url, _ in asked]),
            prints=tuple([mark for _, mark in asked]),
            pages=self.are_pages([capture.id for capture, _ in self.pages]),
            entries=entries,
        )


@asynccontextmanager
async def _held(means: Means, capture: Capture) -> AsyncIterator[Page]:
    """What was captured, once it is its turn to be held in memory."""
    if capture.body_bytes <= LARGE:
        async with means.middling if capture.body_bytes > MIDDLING else nullcontext():
            page = await means.store.page(capture)
            if len(page.body) <= LARGE:
                yield page
                return
            del page  # it was small in its coding only
    async with means.large:
        yield await means.store.page(capture)


def share_of(number: int, mirrors: Sequence[str]) -> float:
    """Of the time left, for the mirror of this number: one that hangs must leave some for the others."""
    return 1.0 if number == len(mirrors) else 0.5
