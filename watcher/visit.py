"""One visit to one site, top to bottom: the story that everything else serves.

Bytes are kept before they are read, and everything between "keep" and "remember" is pure. A replay tells the same story
over what was kept: only ``Means.retrieve`` differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from watcher.core import clock
from watcher.core.again import page_print
from watcher.core.compare import compare
from watcher.core.decide import decide, usual_pages, wanted_probes
from watcher.core.mirrors import on_mirror
from watcher.core.probing import Answer, probe_answer
from watcher.core.resighted import titles
from watcher.core.snapshot import GONE, assemble
from watcher.look import DETAIL, LISTING, USELESS, Look, Means, Visited, share_of
from watcher.ports import Outcome, SiteState
from watcher.records import Capture, Decision, Hints, Probe, Reading, Roster, Site, Snapshot
from watcher.short import remember, see_same

MOST_PAGES = 200
"""A listing that never ends is read this far, and is then incomplete."""
MOST_BYTES = 16 * 1024 * 1024
"""The same of its pages together: all that they say is held in memory, and written down at once."""
OUR_DOING = frozenset({"stopped", "interrupted"})
"""Why of a miss that the watcher brought about itself: nothing follows from it."""


async def visit(
    site: Site, mirrors: Sequence[str], isolation: str, means: Means, *, rest: timedelta | None = None
) -> Visited:
    """One look at a site: the first of ``mirrors`` that shows something is read; the rest are spare. ``rest``: when
    pages are the ``same``, the site is due again after so long, and that is noted, too."""
    began = means.clock.now()
    look = Look(
        site=site,
        isolation=isolation,
        means=means,
        visit=f"{site.name}@{began.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}",
        deadline=began + means.timeout,
        last=began + 2 * means.timeout,
        rest=rest,
    )
    same = await see_same(look, mirrors)
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


async def _see_listing(look: Look, mirrors: Sequence[str], state: SiteState) -> Snapshot:
    """The listing with all its pages from the first mirror that shows something; else what the first one that answered
    said, or that none did."""
    known = titles(state.roster.entries)
    found = look.pages
    for number, mirror in enumerate(mirrors, start=1):
        if found and not look.seconds_left():
            break
        if found:
            look.mark, look.way = None, "long"
        pages = await _see_pages(look, mirror, known, share=share_of(number, mirrors))
        capture, reading = pages[0]
        is_useful = reading is not None and reading.verdict not in USELESS
        if is_useful or not found or found[0][0].is_miss:
            found = look.pages = pages
        if is_useful or _is_ours(capture.why):
            break
    return assemble(look.site.name, look.visit, look.means.vantage, found, usual_pages(state.roster))


async def _see_pages(
    look: Look, mirror: str, known: Sequence[str], *, share: float
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
        async with look.page(capture, had[1] if had else None) as page:
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


async def _conclude(look: Look, snapshot: Snapshot, state: SiteState) -> Decision:
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
    return await remember(look, state, snapshot, conclude)


def _is_ours(why: Sequence[str]) -> bool:
    """Whether the watcher itself broke the visit off."""
    return not OUR_DOING.isdisjoint(why)


async def _see_details(look: Look, snapshot: Snapshot, roster: Roster, keys: Sequence[str]) -> tuple[Probe, ...]:
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
            async with look.page(capture) as page:
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


def _killed(reading: Reading) -> bool:
    """Whether the page ended the process that read it."""
    return reading.why[:1] != () and reading.why[0].startswith("worker-killed:")
