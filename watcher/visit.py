"""One visit to one site, top to bottom: the story that everything else serves.

Bytes are kept before they are read, and everything between "keep" and "remember" is pure. A replay tells the same story
over what was kept: only ``Means.retrieve`` differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from watcher.core import clock
from watcher.core.again import Lately, Mirror, Shown, Way, page_print
from watcher.core.compare import compare
from watcher.core.decide import decide, usual_pages, wanted_probes
from watcher.core.foreseen import with_texts
from watcher.core.mirrors import on_mirror
from watcher.core.moving import MOST_BYTES as MOST_MOVING
from watcher.core.moving import Mask, mask_of
from watcher.core.reach import REDIRECTS
from watcher.core.reading import Answer, Hints, probe_answer, taught_more
from watcher.core.resighted import titles
from watcher.core.snapshot import GONE, assemble
from watcher.core.structural import TEXTS
from watcher.core.watchlist import Watch
from watcher.ports import Again, Ask, Clock, KnowingStore, Origin, Outcome, Reader, SiteState, Store
from watcher.records import Capture, Decision, Event, Page, Policy, Probe, Reading, Roster, Site, Snapshot

LISTING, DETAIL = "listing", "detail"
MOST_PAGES = 200
"""A listing that never ends is read this far, and is then incomplete."""
MOST_BYTES = 16 * 1024 * 1024
"""The same of its pages together: all that they say is held in memory, and written down at once."""
LARGE = 2 * 1024 * 1024
"""Bytes of a page from which on it waits for its turn to be held in memory."""
MIDDLING, MIDDLING_AT_ONCE = 256 * 1024, 8
"""From so many bytes on it waits, too, if so many others are held: readers may be busy, and many wait for them."""
USELESS = frozenset({"error", "blocked", "login", "seized", "unreadable"})
"""Verdicts after which another mirror is asked: it may be better off."""
OUR_DOING = frozenset({"stopped", "interrupted"})
"""Why of a miss that the watcher brought about itself: nothing follows from it."""


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
class _Look:
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
    async def given_back(self) -> AsyncIterator[None]:
        """What happens within is not at the site's expense: readers may be busy with other sites' pages. The visit ends
        so much later, and no later than twice its time."""
        began = self.means.clock.now()
        yield
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


async def visit(
    site: Site, mirrors: Sequence[str], isolation: str, means: Means, *, rest: timedelta | None = None
) -> Visited:
    """One look at a site: the first of ``mirrors`` that shows something is read; the rest are spare. ``rest``: when
    pages are the ``same``, the site is due again after so long, and that is noted, too."""
    began = means.clock.now()
    look = _Look(
        site=site,
        isolation=isolation,
        means=means,
        visit=f"{site.name}@{began.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}",
        deadline=began + means.timeout,
        last=began + 2 * means.timeout,
        rest=rest,
    )
    same = await _see_same(look, mirrors)
    if same is not None:
        return same
    state = await means.store.state(site.name)
    look.memory = state.memory
    snapshot = await _see_listing(look, mirrors, state)
    decision = await _conclude(look, snapshot, state)
    await means.store.record(
        Outcome(
            visit=look.visit,
            site=site.name,
            readings=look.readings,
            snapshot=snapshot,
            decision=decision,
            memory=look.memory,
            lately=look.lately,
        )
    )
    return Visited(site=site.name, snapshot=snapshot, decision=decision, captures=tuple(look.captures))


async def _see_same(look: _Look, mirrors: Sequence[str]) -> Visited | None:
    """The visit, if the first mirror shows, page by page, what it is known to have shown and nothing follows from that;
    None: what was captured meanwhile waits to be read."""
    means, mirror, short = look.means, mirrors[0], look.means.short
    if short is None:
        return None
    if short.lately.is_new(look.site.name):
        last = await short.store.last(look.site.name)
        if last is None:
            short.lately.take_up(look.site)
        else:
            names = await short.store.last_visits(look.site.name, min(last.again, TEXTS))
            short.lately.take_up(look.site, **last._asdict(), seen=names)
    known = short.lately.shown(look.site, mirror)
    if known is None:
        return None
    for name in short.lately.unmarked(look.site.name):
        seen = await _listing_of(short, name)
        pages = [await short.store.page(capture) for capture in seen if capture.body_bytes <= MOST_MOVING]
        short.lately.mark(look.site.name, name, seen[-1].mirror if seen else "", pages)
    captures, marks, moved = [], [], False
    for number, url in enumerate(known.shown.urls):
        capture = await look.at(url, mirror, LISTING, share=1.0 if number else _share(number + 1, mirrors))
        look.had[url] = capture, None
        if capture.is_miss:
            return None
        async with look.given_back(), _page(means, capture) as page:
            mark = known.mark(number, capture, page)
            if len(page.body) <= MIDDLING and (mark is None or len(known.shown.urls) == 1):
                look.had[url] = capture, page
            if mark is None:
                return None
            moved |= page_print(capture, page) != known.shown.prints[number]
        captures.append(capture)
        marks.append(mark)
    if look.are_pages([capture.id for capture in captures]) != known.shown.pages:
        return None
    look.mark = mark = b"".join(marks)
    look.way = short.lately.way(look.site.name, mark, means.clock.now(), moved=moved)
    if look.way != "short":
        return None
    after, like = short.lately.last(look.site.name, mirror)
    snapshot = await short.store.record_again(
        Again(
            site=look.site.name,
            visit=look.visit,
            mirror=mirror,
            captures=tuple([capture.id for capture in captures]),
            after=after,
            like=like,
            next_visit=None if look.rest is None else means.clock.now() + look.rest,
            moved=moved,
        )
    )
    if snapshot is None:
        return None
    short.lately.again(look.site.name, snapshot, mark, moved=moved)
    return Visited(
        site=look.site.name,
        snapshot=snapshot,
        decision=Decision(roster=Roster(site=look.site.name)),
        captures=tuple(look.captures),
        same=known.shown.entries,
    )


async def _see_listing(look: _Look, mirrors: Sequence[str], state: SiteState) -> Snapshot:
    """The listing with all its pages from the first mirror that shows something; else what the first one that answered
    said, or that none did."""
    known = titles(state.roster.entries)
    found = look.pages
    for number, mirror in enumerate(mirrors, start=1):
        if found and not look.seconds_left():
            break
        if found:
            look.mark, look.way = None, "long"
        pages = await _see_pages(look, mirror, known, share=_share(number, mirrors))
        capture, reading = pages[0]
        is_useful = reading is not None and reading.verdict not in USELESS
        if is_useful or not found or found[0][0].is_miss:
            found = look.pages = pages
        if is_useful or _is_ours(capture.why):
            break
    return assemble(look.site.name, look.visit, look.means.vantage, found, usual_pages(state.roster))


def _share(number: int, mirrors: Sequence[str]) -> float:
    """Of the time left: a mirror that hangs must leave some for the others."""
    return 1.0 if number == len(mirrors) else 0.5


async def _see_pages(
    look: _Look, mirror: str, known: Sequence[str], *, share: float
) -> list[tuple[Capture, Reading | None]]:
    """The listing's pages in order, each kept before it is read; a miss has no reading. The first page may take a share
    of the visit's time; what has begun to answer, all of it."""
    pages: list[tuple[Capture, Reading | None]] = []
    waiting, seen, size = [mirror], {mirror}, 0
    while waiting and len(pages) < MOST_PAGES and size < MOST_BYTES:
        url = waiting.pop(0)
        had = look.had.pop(url, None)
        capture = had[0] if had else await look.at(url, mirror, LISTING, share=1.0 if pages else share)
        if capture.is_miss:
            pages.append((capture, None))
            break
        hints = Hints(
            rule=look.site.rule, pages=look.site.pages, next=look.site.next, number=len(pages) + 1, mirror=mirror
        )
        async with look.given_back(), _page(look.means, capture, had[1] if had else None) as page:
            size += len(page.body)
            look.prints[capture.id] = url, page_print(capture, page)
            reading, look.memory = await look.means.reader.read(page, look.memory, known, hints)
        look.readings[capture.id] = reading
        pages.append((capture, reading))
        if len(pages) == 2 and capture.status in GONE:
            break  # the rest of them would be asked for in vain
        if _killed(reading):
            break  # the listing is incomplete whatever follows, and each such page takes a reader from other sites
        fresh = [url for url in reading.next_urls if url not in seen]
        waiting.extend(fresh)
        seen.update(fresh)
    return pages


async def _conclude(look: _Look, snapshot: Snapshot, state: SiteState) -> Decision:
    """Steps 4 and 5: what follows from the snapshot, once the entries' own pages were asked for."""
    means, roster = look.means, state.roster
    if _is_ours(snapshot.why):
        return Decision(roster=roster)
    delta = compare(roster, snapshot)
    probes = await _see_details(look, snapshot, roster, wanted_probes(roster, delta, means.policy))
    first = look.pages[0][0]
    conclude = partial(
        decide,
        snapshot=snapshot,
        delta=delta,
        probes=probes,
        policy=means.policy,
        mirrors=look.site.mirrors,
        watchlist=means.watchlist,
        clocks=clock.reading(first.id, first.requested_at, first.facts),
    )
    decision = conclude(roster)
    if means.short is not None:
        unread = means.short.lately.unread(look.site, roster, snapshot, decision, look.way)
        if unread:
            texts = [await _text(look, means.short, visit, state.memory) for visit in unread]
            decision = conclude(replace(roster, notes=with_texts(roster.notes, texts)))
        is_new = taught_more(state.memory, look.memory)
        shown = None if is_new else look.shown(len(snapshot.entries))
        beside = means.short.lately.learn(look.site, roster, shown, snapshot, decision, mark=look.mark)
        if beside is not None:
            await _learn_moves(look, means.short, beside)
        look.lately = means.short.lately.kept(look.site)
    return decision


async def _listing_of(short: ShortWay, visit: str) -> list[Capture]:
    """The captures of a visit that are pages of the listing."""
    captures = await short.store.captures_of(visit)
    return [one for one in captures if one.target == LISTING and not one.is_miss and one.status not in REDIRECTS]


async def _text(look: _Look, short: ShortWay, visit: str, memory: bytes) -> str:
    """What the pages of a visit say that showed a listing."""
    texts: list[str] = []
    at = Hints(rule=look.site.rule, pages=look.site.pages, next=look.site.next)
    for capture in await _listing_of(short, visit):
        hints = replace(at, number=len(texts) + 1, mirror=capture.mirror)
        async with look.given_back(), _page(look.means, capture) as page:
            reading, _ = await look.means.reader.read(page, memory, (), hints)
        texts.append(reading.text)
    return " ".join(texts)


async def _learn_moves(look: _Look, short: ShortWay, beside: Mirror) -> None:
    """Lays the listing's pages beside those that led to the same before, and remembers where they move."""
    captures = await short.store.captures_of(beside.visit)
    then = [capture for capture, is_page in zip(captures, beside.shown.pages, strict=False) if is_page]
    masks: list[Mask] = []
    said: list[bytes] = []
    for number, (before, (after, _)) in enumerate(zip(then, look.pages, strict=False)):
        if max(before.body_bytes, after.body_bytes) > MOST_MOVING:
            break
        old, new = await short.store.page(before), await short.store.page(after)
        found = mask_of(old, new, beside.masks[number] if beside.masks else None)
        mark = found.mark(new) if found is not None else None
        if found is None or mark is None:
            break
        masks.append(found)
        said.append(mark)
    whole = tuple(masks) if len(masks) == len(look.pages) else ()
    earlier = await short.store.last_visits(look.site.name, TEXTS)
    short.lately.moves(look.site.name, look.pages[0][0].mirror, whole, b"".join(said), earlier)


def _is_ours(why: Sequence[str]) -> bool:
    """Whether the watcher itself broke the visit off."""
    return not OUR_DOING.isdisjoint(why)


async def _see_details(look: _Look, snapshot: Snapshot, roster: Roster, keys: Sequence[str]) -> tuple[Probe, ...]:
    """What the own pages of some entries say, asked of the mirror that showed the listing."""
    if not look.site.detail or not snapshot.complete:
        return ()
    probes = []
    for key in keys:
        entry = roster.entries[key]
        url = on_mirror(entry.url, snapshot.mirror, look.site.mirrors)
        if not look.seconds_left():
            break
        if not url:
            continue
        capture = await look.at(url, snapshot.mirror, DETAIL)
        answer: Answer = "unknown"
        why, kills = capture.why, False
        if not capture.is_miss:
            async with look.given_back(), _page(look.means, capture) as page:
                reading = await look.means.reader.read_detail(page, look.memory, entry.title)
            look.readings[capture.id] = reading
            answer, why = probe_answer(reading, capture.status), reading.why
            kills = _killed(reading)
        probes.append(
            Probe(
                key=key,
                answer=answer,
                control=entry.standing == "listed" and any(seen.key == key for seen in snapshot.entries),
                capture=capture.id,
                at=capture.finished_at,
                why=why,
            )
        )
        if kills:
            break  # the others would, too, and each takes a reader from other sites
    return tuple(probes)


@asynccontextmanager
async def _page(means: Means, capture: Capture, had: Page | None = None) -> AsyncIterator[Page]:
    """What was captured, as long as it is read. Few large pages are held at a time, however many wait for readers."""
    if had is not None:
        yield had
        return
    if capture.body_bytes <= LARGE:
        async with means.middling if capture.body_bytes > MIDDLING else nullcontext():
            page = await means.store.page(capture)
            if len(page.body) <= LARGE:
                yield page
                return
            del page  # it was small in its coding only
    async with means.large:
        yield await means.store.page(capture)


def _killed(reading: Reading) -> bool:
    """Whether the page ended the process that read it."""
    return reading.why[:1] != () and reading.why[0].startswith("worker-killed:")
