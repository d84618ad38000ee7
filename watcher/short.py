"""The short way of a visit: pages that are known to lead nowhere are kept and logged, but neither read nor decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from watcher.core.again import Mirror, page_print
from watcher.core.foreseen import with_texts
from watcher.core.lessons import taught_more
from watcher.core.moving import MOST_BYTES as MOST_MOVING
from watcher.core.moving import Mask, mask_of
from watcher.core.reach import REDIRECTS
from watcher.core.structural import TEXTS
from watcher.look import LISTING, MIDDLING, Look, ShortWay, Visited, share_of
from watcher.ports import Again, SiteState
from watcher.records import Capture, Decision, Hints, Roster, Snapshot


async def see_same(look: Look, mirrors: Sequence[str]) -> Visited | None:
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
        capture = await look.at(url, mirror, LISTING, share=1.0 if number else share_of(number + 1, mirrors))
        look.had[url] = capture, None
        if capture.is_miss:
            return None
        async with look.page(capture) as page:
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


async def remember(
    look: Look, state: SiteState, snapshot: Snapshot, conclude: Callable[[Roster], Decision]
) -> Decision:
    """What ``conclude`` makes of the site's roster, and of what pages say that nobody read, if that matters now; what
    the visit saw is remembered."""
    roster, short = state.roster, look.means.short
    decision = conclude(roster)
    if short is None:
        return decision
    unread = short.lately.unread(look.site, roster, snapshot, decision, look.way)
    if unread:
        texts = [await _text(look, short, visit, state.memory) for visit in unread]
        decision = conclude(replace(roster, notes=with_texts(roster.notes, texts)))
    is_new = taught_more(state.memory, look.memory)
    shown = None if is_new else look.shown(len(snapshot.entries))
    beside = short.lately.learn(look.site, roster, shown, snapshot, decision, mark=look.mark)
    if beside is not None:
        await _learn_moves(look, short, beside)
    look.lately = short.lately.kept(look.site)
    return decision


async def _listing_of(short: ShortWay, visit: str) -> list[Capture]:
    """The captures of a visit that are pages of the listing."""
    captures = await short.store.captures_of(visit)
    return [one for one in captures if one.target == LISTING and not one.is_miss and one.status not in REDIRECTS]


async def _text(look: Look, short: ShortWay, visit: str, memory: bytes) -> str:
    """What the pages of a visit say that showed a listing."""
    texts: list[str] = []
    at = Hints(rule=look.site.rule, pages=look.site.pages, next=look.site.next)
    for capture in await _listing_of(short, visit):
        hints = replace(at, number=len(texts) + 1, mirror=capture.mirror)
        async with look.page(capture) as page:
            reading, _ = await look.means.reader.read(page, memory, (), hints)
        texts.append(reading.text)
    return " ".join(texts)


async def _learn_moves(look: Look, short: ShortWay, beside: Mirror) -> None:
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
