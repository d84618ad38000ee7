"""Stand-ins for the world: pages that say what a test wants, a store in memory, and an event loop that never waits.

    async def story() -> None:
        clock = LoopClock()
        fetcher, store = ScriptedFetcher(clock), MemoryStore()
        fetcher.answers["http://name.onion/"] = listing("Acme", "Brill")
        …

    in_no_time(story())

In that loop a day of a schedule passes in milliseconds, always in the same order.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar

import msgspec

from watcher.core.reading import read_detail, read_page
from watcher.errors import WatcherError
from watcher.ports import Ask, Clock, Origin, Outcome, SiteState
from watcher.records import (
    MISS_VERDICTS,
    Capture,
    Entry,
    Event,
    Exchange,
    Hints,
    MirrorStatus,
    Page,
    Reading,
    Roster,
    TargetStatus,
)

T = TypeVar("T")
HEAD = b"HTTP/1.1 %d \r\n\r\n"
START = datetime(2026, 11, 22, 9, tzinfo=UTC)


# ---------------------------------------------------------------------------------------------------------- time


class NoTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while there is something to do, and jumps when there is not."""

    def __init__(self) -> None:
        self._here = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self._here

    def jump(self, seconds: float) -> None:
        self._here += seconds


class _Impatient(selectors.DefaultSelector):
    def __init__(self, loop: NoTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout is None:
            raise RuntimeError("everyone waits, and nothing will ever happen")
        if not found and timeout:
            self._loop.jump(timeout)
        return found


def in_no_time(story: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns, run in a loop that never waits."""
    with asyncio.Runner(loop_factory=NoTimeLoop) as runner:
        return runner.run(story)


class LoopClock:
    """A wall clock that goes with the running loop's time; ``set_by`` puts it forward or back."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        return self._start + timedelta(seconds=asyncio.get_running_loop().time())

    def set_by(self, **parts: float) -> None:
        self._start += timedelta(**parts)


# --------------------------------------------------------------------------------------------------------- pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """An answer: what the page says, its status, and how long it takes to come."""

    reading: Reading
    status: int = 200
    seconds: float = 0.0


Answer: TypeAlias = Says | str | WatcherError | Sequence["Answer"]
"""A page; a miss, by its verdict; trouble of ours, raised; or one after the other, the last for good."""


def listing(*titles: str, more: Sequence[str] = (), seconds: float = 0.0, **fields: Any) -> Says:
    """A whole page of a listing with these entries; ``more`` are addresses of further pages. The entries' own pages
    are at ``/name`` of whatever mirror shows them."""
    entries = tuple(
        Entry(key=f"/{title.lower()}", title=title, url=f"http://main.onion/{title.lower()}") for title in titles
    )
    known: dict[str, Any] = {
        "verdict": "listing" if titles else "empty",
        "complete": True,
        "entries": entries,
        "next_urls": tuple(more),
        "text": " ".join(("The leaks of a gang, as always.", *titles)),
        "rule_digest": "ab" * 32,
    }
    return Says(reading=Reading(**{**known, **fields}), seconds=seconds)


def page(verdict: str, status: int = 200, *, seconds: float = 0.0, why: Sequence[str] = ()) -> Says:
    """A page that says nothing of entries: ``blocked``, ``error``, or an entry's own (``detail``)."""
    return Says(
        reading=Reading(verdict=verdict, why=tuple(why), complete=verdict == "detail"), status=status, seconds=seconds
    )


class ScriptedFetcher:
    """``ports.Fetcher``: each address has its answers. One without any is unreachable."""

    def __init__(self, clock: Clock) -> None:
        self.answers: dict[str, Answer] = {}
        self.asks: list[Ask] = []
        self.flying = 0
        self.most_flying = 0
        self._clock = clock

    async def fetch(self, ask: Ask) -> tuple[Exchange, ...]:
        self.asks.append(ask)
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        requested_at = self._clock.now()
        try:
            answer = self._next(ask.url)
            if isinstance(answer, Says):
                await asyncio.sleep(min(answer.seconds, ask.timeout_seconds))
                if answer.seconds > ask.timeout_seconds:
                    answer = "timeout"
        finally:
            self.flying -= 1
        known = Exchange(
            url=ask.url,
            mirror=ask.mirror,
            requested_at=requested_at,
            finished_at=self._clock.now(),
            isolation=ask.isolation,
        )
        if isinstance(answer, str):
            return (replace(known, verdict=answer, why=(f"scripted:{answer}",)),)
        assert isinstance(answer, Says)
        response = HEAD % answer.status + msgspec.json.encode(answer.reading)
        return (replace(known, request=b"GET", response=response, status=answer.status),)

    def _next(self, url: str) -> Answer:
        answer = self.answers.get(url, "unreachable")
        while isinstance(answer, Sequence) and not isinstance(answer, str):
            if len(answer) > 1:
                self.answers[url] = answer[1:]
            answer = answer[0]
        if isinstance(answer, WatcherError):
            raise answer
        return answer

    @property
    def urls(self) -> list[str]:
        """The addresses asked for, in order."""
        return [ask.url for ask in self.asks]


class PlainReader:
    """``ports.Reader`` of scripted pages: each says in its body what it says. Memory counts the listing's pages."""

    def __init__(self) -> None:
        self.read_so_far: list[tuple[str, tuple[str, ...], Hints | None]] = []
        """Each page's address, the titles that were said to be known, and the hints; none for an entry's own."""
        self.poison: set[str] = set()
        """Addresses whose pages make it raise."""

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        self.read_so_far.append((page.url, tuple(known), hints))
        return self._said(page), b"%d" % (int(memory or b"0") + 1)

    async def read_detail(self, page: Page, memory: bytes, title: str) -> Reading:
        self.read_so_far.append((page.url, (title,), None))
        return self._said(page)

    def _said(self, page: Page) -> Reading:
        if page.url in self.poison:
            raise ZeroDivisionError(f"a fault in our code, at {page.url}")
        return msgspec.json.decode(page.body, type=Reading)


class InlineReader:
    """``ports.Reader`` in this very process: no fence."""

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        """What a listing page says, and what it taught."""
        return read_page(page, memory, known, hints)

    async def read_detail(self, page: Page, memory: bytes, title: str) -> Reading:
        """What an entry's own page says."""
        return read_detail(page, memory, title)


# --------------------------------------------------------------------------------------------------------- store


@dataclass(slots=True)
class MemoryStore:
    """``ports.WatchStore`` in memory. It keeps what real ones keep, and may be told to have trouble."""

    states: dict[str, SiteState] = field(default_factory=dict)
    captures: list[Capture] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    planned: dict[str, datetime] = field(default_factory=dict)
    trouble: WatcherError | None = None
    """What every writing raises."""
    underway: list[str] = field(default_factory=list)
    """Visits that were kept and not recorded."""
    _bodies: dict[str, bytes] = field(default_factory=dict)

    @property
    def events(self) -> list[Event]:
        return [event for outcome in self.outcomes for event in outcome.decision.events]

    async def keep(self, origin: Origin, exchanges: Sequence[Exchange]) -> tuple[Capture, ...]:
        self._may_write()
        kept = tuple(self._capture(origin, exchange, number) for number, exchange in enumerate(exchanges))
        self.captures += kept
        if origin.visit not in self.underway:
            self.underway.append(origin.visit)
        return kept

    def _capture(self, origin: Origin, exchange: Exchange, number: int) -> Capture:
        _, _, body = exchange.response.partition(b"\r\n\r\n")
        name = f"c{len(self.captures) + number}"
        self._bodies[name] = body
        return Capture(
            id=name,
            site=origin.site,
            target=origin.target,
            visit=origin.visit,
            url=exchange.url,
            mirror=exchange.mirror,
            requested_at=exchange.requested_at,
            finished_at=exchange.finished_at,
            status=exchange.status,
            verdict=exchange.verdict,
            why=exchange.why,
            cut=exchange.cut,
            isolation=exchange.isolation,
            body_digest=None if exchange.status is None else f"{len(body):064x}",
            body_bytes=len(body),
            stored_bytes=len(body),
            leaf=None,
            vantage="local",
            facts=exchange.facts,
        )

    async def page(self, capture: Capture) -> Page:
        return Page(body=self._bodies[capture.id], url=capture.url, status=capture.status or 0)

    async def state(self, site: str) -> SiteState:
        return self.states.get(site) or SiteState(roster=Roster(site=site), memory=b"")

    async def record(self, outcome: Outcome) -> None:
        self._may_write()
        self.states[outcome.site] = SiteState(roster=outcome.decision.roster, memory=outcome.memory)
        self.outcomes.append(outcome)
        self.underway.remove(outcome.visit)

    async def unrecorded_visits(self) -> tuple[str, ...]:
        return tuple(self.underway)

    async def schedule(self, site: str, next_visit: datetime) -> None:
        self._may_write()
        self.planned[site] = next_visit

    async def status(self) -> tuple[TargetStatus, ...]:
        return tuple(self._status(site) for site in sorted(self.planned))

    def _status(self, site: str) -> TargetStatus:
        mine = [outcome.snapshot for outcome in self.outcomes if outcome.site == site]
        asked = {one.mirror: one for one in self.captures if one.site == site and one.target == "listing"}
        misses = 0
        for snapshot in reversed(mine):
            if snapshot.verdict not in MISS_VERDICTS:
                break
            misses += 1
        return TargetStatus(
            site=site,
            target="listing",
            verdict=mine[-1].verdict if mine else "",
            last_visit=mine[-1].finished_at if mine else None,
            last_complete=max((one.finished_at for one in mine if one.complete), default=None),
            next_visit=self.planned[site],
            listed=0,
            misses_in_a_row=misses,
            mirrors=tuple(
                MirrorStatus(url=url, verdict=one.verdict or "listing", last_visit=one.finished_at)
                for url, one in asked.items()
            ),
        )

    def _may_write(self) -> None:
        if self.trouble is not None:
            raise self.trouble
