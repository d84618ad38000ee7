"""Visits told again from what was kept: after a crash, and with today's rules.

It is the same ``visit``; only ``retrieve`` differs, which gives what the store kept in place of what the site would
answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from watcher.core.reach import REDIRECTS
from watcher.edge.ledger import Ledger
from watcher.edge.rows import moment, visit_started
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.look import LISTING, Means, Visited
from watcher.ports import Ask, Origin, Outcome, SiteState, Store
from watcher.records import Capture, Decision, Event, Exchange, Page, Roster, Site
from watcher.visit import visit


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands at the time of the visit that is told again."""

    at: datetime

    def now(self) -> datetime:
        return self.at


Fallback = Callable[[Ask, Origin], Awaitable[tuple[Capture, ...]]]


@dataclass(slots=True)
class Kept:
    """Steps 1 and 2 of a visit that was made before: what was kept, asked for by address."""

    captures: Sequence[Capture]
    otherwise: Fallback
    """What to give for an address that was not asked for then."""
    used: set[str] = field(default_factory=set)

    async def __call__(self, ask: Ask, origin: Origin) -> tuple[Capture, ...]:
        for place, capture in enumerate(self.captures):
            if capture.url == ask.url and capture.mirror == ask.mirror and capture.id not in self.used:
                chain = self._chain(place)
                self.used.update(one.id for one in chain)
                return chain
        return await self.otherwise(ask, origin)

    def _chain(self, place: int) -> tuple[Capture, ...]:
        """The capture and the redirects it led through."""
        chain = [self.captures[place]]
        for following in self.captures[place + 1 :]:
            if chain[-1].status not in REDIRECTS:
                break
            chain.append(following)
        return tuple(chain)


async def tell_again(
    site: Site,
    name: str,
    captures: Sequence[Capture],
    means: Means,
    otherwise: Fallback,
    *,
    further: Sequence[str] = (),
) -> Visited:
    """The visit ``name`` as it would be concluded now; ``further`` are mirrors that it might still have asked."""
    asked = (capture.mirror for capture in captures if capture.target == LISTING)
    mirrors = tuple(dict.fromkeys([*asked, *further])) or site.mirrors
    again = replace(means, retrieve=Kept(captures, otherwise), clock=FixedClock(moment(visit_started(name))))
    return await visit(site, mirrors, captures[0].isolation, again)


# ---------------------------------------------------------------------------------------------- after a crash


async def recover(store: LedgerStore, site: Site, means: Means) -> tuple[Visited, ...]:
    """The site's visits that a crash, or trouble, kept from being recorded, recorded now, in the order in which they
    were made.

    One that a later visit has overtaken is recorded as seen, and nothing follows from it any more: what is believed
    of the site is newer.
    """

    async def broken_off(ask: Ask, origin: Origin) -> tuple[Capture, ...]:
        now = means.clock.now()
        miss = Exchange(
            url=ask.url,
            mirror=ask.mirror,
            requested_at=now,
            finished_at=now,
            verdict="timeout",
            why=("interrupted", "the visit was broken off before this was asked for"),
            isolation=ask.isolation,
        )
        return await store.keep(origin, [miss])

    found = []
    for name in await store.unrecorded_visits():
        if name.rpartition("@")[0] != site.name:
            continue
        captures = await store.captures_of(name)
        is_late = await store.do(partial(_is_overtaken, name=name))
        through = replace(means, store=Overtaken(store), short=None) if is_late else means
        visited = await tell_again(site, name, captures, through, broken_off, further=site.mirrors)
        found.append(replace(visited, decision=Decision(roster=visited.decision.roster)) if is_late else visited)
    return tuple(found)


def _is_overtaken(desk: Desk, name: str) -> bool:
    return desk.ledger.is_overtaken(name)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """``ports.Store`` for a visit that came to be recorded after later ones: what is believed stays as it is."""

    store: Store

    async def keep(self, origin: Origin, exchanges: Sequence[Exchange]) -> tuple[Capture, ...]:
        return await self.store.keep(origin, exchanges)

    async def page(self, capture: Capture) -> Page:
        return await self.store.page(capture)

    async def state(self, site: str) -> SiteState:
        return await self.store.state(site)

    async def record(self, outcome: Outcome) -> None:
        now = await self.store.state(outcome.site)
        await self.store.record(replace(outcome, decision=Decision(roster=now.roster), memory=now.memory))


# ------------------------------------------------------------------------------------------ with today's rules


@dataclass(slots=True)
class Sheet:
    """``ports.Store`` that reads the bodies of the real one, and keeps its conclusions to itself."""

    ledger: Ledger
    states: dict[str, SiteState] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    async def keep(self, origin: Origin, exchanges: Sequence[Exchange]) -> tuple[Capture, ...]:
        raise NotImplementedError(f"a replay keeps nothing new: {origin.visit}")

    async def page(self, capture: Capture) -> Page:
        return self.ledger.page(capture.id)

    async def state(self, site: str) -> SiteState:
        return self.states.get(site) or SiteState(roster=Roster(site=site), memory=b"")

    async def record(self, outcome: Outcome) -> None:
        self.states[outcome.site] = SiteState(roster=outcome.decision.roster, memory=outcome.memory)
        self.outcomes.append(outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What today's rules make of a site's kept captures, against what was concluded at the time."""

    site: str
    visits: int
    newly: tuple[Event, ...]
    """Concluded now, and not then."""
    no_longer: tuple[Event, ...]
    """Concluded then, and not now."""
    outcomes: tuple[Outcome, ...]

    @property
    def differs(self) -> bool:
        return bool(self.newly or self.no_longer)


async def replay(site: Site, ledger: Ledger, means: Means, since: datetime | None) -> Replayed:
    """All visits to a site told again in the order in which they were made, the store left as it is; compared from
    ``since`` on."""
    sheet = Sheet(ledger)
    visits = ledger.visits(site.name)
    for name in visits:
        captures = [capture for capture in ledger.captures_of(name) if not capture.foreign]
        await tell_again(site, name, captures, replace(means, store=sheet), nothing_kept)
    now = {event.id: event for outcome in sheet.outcomes for event in outcome.decision.events}
    then = {event.id: event for event in ledger.events(site=site.name)}

    def only(one: Mapping[str, Event], other: Mapping[str, Event]) -> tuple[Event, ...]:
        return tuple(
            event for name, event in one.items() if name not in other and (not since or event.confirmed_at >= since)
        )

    return Replayed(
        site=site.name,
        visits=len(visits),
        newly=only(now, then),
        no_longer=only(then, now),
        outcomes=tuple(sheet.outcomes),
    )


async def take_over(replayed: Replayed, store: LedgerStore) -> None:
    """Make what a replay concluded the store's conclusions. Nothing that was told is taken back; what is newly
    concluded is old news, and alerts nobody."""
    for outcome in replayed.outcomes:
        await store.record(outcome)
    fresh = {event.id for event in replayed.newly}
    for alert in await store.undelivered(limit=1_000_000):
        if alert.event.id in fresh:
            await store.not_wanted(alert)


async def nothing_kept(ask: Ask, origin: Origin) -> tuple[Capture, ...]:
    """What was not asked for then is unknown: a miss that is kept nowhere."""
    at = moment(visit_started(origin.visit))
    return (
        Capture(
            id="",
            site=origin.site,
            target=origin.target,
            visit=origin.visit,
            url=ask.url,
            mirror=ask.mirror,
            requested_at=at,
            finished_at=at,
            status=None,
            verdict="timeout",
            why=("not-kept", "this was not asked for at the time"),
            cut="",
            isolation=ask.isolation,
            body_digest=None,
            body_bytes=0,
            stored_bytes=0,
            leaf=None,
            vantage="",
        ),
    )
