"""Visits that see again just what the last one saw: what follows from those, without reading or deciding anything.

Most visits are such. ``core.decide`` says of them only that they were made: counters go up, and what is on the page
was seen once more. ``Lately`` remembers, for sites on which nothing is open, by what to know the pages of the last
visits again; a mirror that shows the same a second time is still decided in full, and only where that led to what the
short way leads to is the short one taken from then on. It needs no roster, no reading and no entry in memory: a
kilobyte for each mirror is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec
from xxhash import xxh3_128

from watcher.core.baseline import STABLE
from watcher.core.foreseen import as_foreseen, is_calm, looks, may_move
from watcher.core.moving import Mask
from watcher.core.notes import load, tag
from watcher.core.structural import TEXTS
from watcher.records import Capture, Decision, Page, Roster, Site, Snapshot

Way = Literal["short", "long", "copy"]
MOST_UNREAD, UNREAD_FOR = 15, timedelta(hours=4)
"""So often in a row, and for so long, a page that moved is not read: what its fields count is no older than that."""
IN_VAIN = 4
"""After so many pages in a row that differ in more than numbers, seldom one is looked at for what moves."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one mirror showed, page by page: enough to know it again."""

    urls: tuple[str, ...]
    """What was asked for, in order."""
    prints: tuple[bytes, ...]
    """``page_print`` of each page."""
    pages: tuple[bool, ...]
    """Which of the visit's captures they were: redirects stand before a page."""
    entries: int
    """How many entries they show."""


def page_print(capture: Capture, page: Page) -> bytes:
    """What pages share that read the same: the digest of what was received, and one of what was made of it."""
    digest = xxh3_128(page.body)
    for text in (page.url, page.content_type, page.cut, str(page.status)):
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return bytes.fromhex(capture.body_digest or "") + digest.digest()


class Mirror(NamedTuple):
    """What one mirror of a site showed last."""

    shown: Shown
    visit: str
    """The visit that was decided in full, and showed it."""
    holds: bool
    """Whether the short way was found to lead where the long one does."""
    why: bytes = b""
    """Digest of the reasons that its snapshot gave."""
    masks: tuple[Mask, ...] = ()
    """Page by page, where what is shown may move; empty: nowhere."""
    vain: int = 0
    """How often in a row it moved elsewhere."""

    def mark(self, number: int, capture: Capture, page: Page) -> bytes | None:
        """None if this page does not show what the one of this number did; else by what to know what it says, of one
        that moves."""
        if self.masks:
            return self.masks[number].mark(page)
        return b"" if page_print(capture, page) == self.shown.prints[number] else None

    def alike(self, other: Mirror) -> bool:
        """Whether both showed as many entries, asked for alike, and gave the same reasons."""
        one, two = self.shown, other.shown
        return self.why == other.why and (one.urls, one.pages, one.entries) == (two.urls, two.pages, two.entries)


_pack = msgspec.msgpack.encode
_unpack = msgspec.msgpack.Decoder(list[tuple[bytes, str]]).decode
_NOTHING = _pack([])


class Kept(msgspec.Struct, array_like=True):
    """What outlasts the process."""

    site: bytes
    """Digest of how the site was configured."""
    visits: int
    """The number of the last visit that was decided in full."""
    left: int | None
    """How many visits after it may go the short way; None: as many as see the same."""
    mirrors: dict[str, Mirror]
    read_at: datetime | None = None
    recent: bytes = _NOTHING
    flutters: bool = False


@dataclass(slots=True)
class _Known:
    """A site on which nothing is open."""

    site: Site
    visits: int
    """The number of its last visit."""
    left: int | None
    """How many more may go the short way; None: as many as see the same."""
    visit: str
    looks: tuple[tuple[datetime, str], ...]
    """Of that visit: when its pages were asked for, and their captures."""
    mirrors: dict[str, Mirror]
    read_at: datetime | None
    """When its pages were read last."""
    recent: bytes = _NOTHING
    """Packed: of the last few visits that showed something that moves, each time another, mark and name."""
    flutters: bool = False
    """Fields were found to be noise: that they keep still now and then is for the full decision to note."""
    unread: int = 0
    """How many visits since then showed something that moved."""

    def foresaw(self, roster: Roster, snapshot: Snapshot, decision: Decision) -> bool:
        return as_foreseen(self.visits, self.looks, roster, snapshot, decision)

    def saw(self, mark: bytes, visit: str) -> None:
        recent = _unpack(self.recent)
        if mark and (not recent or recent[-1][0] != mark):
            self.recent = _pack([*recent, (mark, visit)][-TEXTS:])


class Lately:
    """What was seen of sites last, on each of their mirrors."""

    def __init__(self) -> None:
        self._known: dict[str, _Known | None] = {}

    def is_new(self, site: str) -> bool:
        """Whether this process knows nothing of the site yet, though one before it may have."""
        return site not in self._known

    def take_up(
        self,
        site: Site,
        *,
        lately: bytes = b"",
        again: int = 0,
        visit: str = "",
        looks: tuple[tuple[datetime, str], ...] = (),
        seen: Sequence[str] = (),
    ) -> None:
        """Go on where the process before left the site: what it kept ``lately``, at the last full decision, how many
        visits it made ``again`` since, the last one of all, when that looked at which pages, and the last names."""
        self._known[site.name] = None
        if not lately:
            return
        held = msgspec.msgpack.decode(lately, type=Kept)
        if held.site == _site_print(site):
            told = [*_unpack(held.recent), *((b"", name) for name in seen)]
            recent = held.recent if held.recent == _NOTHING else _pack(told[-TEXTS:])
            left = None if held.left is None else max(0, held.left - again)
            self._known[site.name] = _Known(
                site=site,
                visits=held.visits + again,
                left=left,
                visit=visit,
                looks=looks,
                mirrors=held.mirrors,
                read_at=held.read_at,
                recent=recent,
                flutters=held.flutters,
                unread=again,
            )

    def kept(self, site: Site) -> bytes:
        """What of it is to outlast the process, after a full decision; nothing if there is nothing to know again."""
        known = self._known.get(site.name)
        if known is None:
            return b""
        sure = {mirror: found for mirror, found in known.mirrors.items() if found.holds}
        if not sure:
            return b""
        kept = Kept(_site_print(site), known.visits, known.left, sure, known.read_at, known.recent, known.flutters)
        return msgspec.msgpack.encode(kept)

    def shown(self, site: Site, mirror: str) -> Mirror | None:
        """What the mirror showed last, if nothing follows from its showing that again; None: it must be decided."""
        known = self._known.get(site.name)
        if known is None or known.left == 0 or known.site != site:
            return None
        found = known.mirrors.get(mirror)
        return found if found is not None and found.holds else None

    def way(self, site: str, mark: bytes, at: datetime, *, moved: bool) -> Way:
        """How to go on with a visit that sees now what its mirror showed last, ``moved`` or not. ``copy``: what it says
        was said of late, and something else since; as that is an old page, it must be decided in full."""
        known = self._known[site]
        assert known is not None
        if mark and mark in [seen for seen, _ in _unpack(known.recent)[:-1]]:
            return "copy"
        if not moved:
            return "long" if known.flutters else "short"
        is_lately = known.read_at is not None and at - UNREAD_FOR < known.read_at <= at
        return "short" if is_lately and known.unread < MOST_UNREAD else "long"

    def last(self, site: str, mirror: str) -> tuple[str, str]:
        """The last visit to a site of which something is shown; and one that showed, on this mirror, the same."""
        known = self._known[site]
        assert known is not None
        return known.visit, known.mirrors[mirror].visit

    def again(self, site: str, snapshot: Snapshot, mark: bytes = b"", *, moved: bool = False) -> None:
        """The site was seen as its mirror showed it last."""
        known = self._known[site]
        assert known is not None
        known.visits += 1
        known.left = known.left and known.left - 1
        known.visit, known.looks = snapshot.visit, looks(snapshot)
        known.unread += moved
        known.saw(mark, snapshot.visit)

    def unmarked(self, site: str) -> tuple[str, ...]:
        """The last visits of which it is not known what they showed of what moves."""
        known = self._known.get(site)
        return () if known is None else tuple([visit for mark, visit in _unpack(known.recent) if not mark])

    def mark(self, site: str, visit: str, mirror: str, pages: Sequence[Page]) -> None:
        """That visit showed these pages on that mirror."""
        known = self._known[site]
        assert known is not None
        found = known.mirrors.get(mirror)
        fits = found is not None and len(found.masks) == len(pages)
        marks = [mask.mark(page) for mask, page in zip(found.masks, pages, strict=True)] if found and fits else [None]
        mark = visit.encode() if None in marks else b"".join(filter(None, marks))
        told = [(mark if name == visit else other, name) for other, name in _unpack(known.recent)]
        known.recent = _pack([list(same)[-1] for _, same in groupby(told, key=lambda one: one[0] or one[1])])

    def unread(self, site: Site, roster: Roster, snapshot: Snapshot, decision: Decision, way: Way) -> tuple[str, ...]:
        """The last visits, oldest first, whose texts must be in the notes before this is decided, as they are now to be
        told from older ones: none if all were read, or nothing happened."""
        known = self._known.get(site.name)
        if known is None or not known.unread or known.site != site:
            return ()
        if way != "copy" and known.foresaw(roster, snapshot, decision):
            return ()
        return tuple([visit for _, visit in _unpack(known.recent)])

    def learn(
        self,
        site: Site,
        roster: Roster,
        shown: Shown | None,
        snapshot: Snapshot,
        decision: Decision,
        *,
        mark: bytes | None = None,
    ) -> Mirror | None:
        """A full decision was made: remember what was ``shown`` (None: it cannot be known again, or it taught the
        reader something), if nothing is open. ``mark``: of pages that show what the mirror did before. What it showed
        instead, if that led to the same: it is to be laid beside these pages for ``moves``."""
        before = self._known.get(site.name)
        self._known[site.name] = None
        if shown is None or decision.events:
            return None
        notes = load(decision.roster.notes)
        if not is_calm(notes, snapshot):
            return None
        mirrors: dict[str, Mirror] = {}
        recent = _NOTHING
        if before is not None and before.site == site and before.foresaw(roster, snapshot, decision):
            mirrors, recent = before.mirrors, before.recent
        last = mirrors.get(snapshot.mirror)
        made = Mirror(shown, snapshot.visit, False, tag("\n".join(snapshot.why)).encode())
        beside = None
        if last is not None and last.shown == shown:
            made = made._replace(holds=True, masks=last.masks)
        elif last is not None and last.alike(made) and may_move(snapshot):
            if mark is not None:
                made = made._replace(holds=True, masks=last.masks)
            else:
                beside = last if last.vain < IN_VAIN or not notes.visits % MOST_UNREAD else None
                made = made._replace(vain=last.vain)
        mirrors[snapshot.mirror] = made
        # a baseline stands once the same was read so often: that is for the full decision to say
        left = None if notes.settled else max(0, STABLE - 1 - notes.stable)
        known = _Known(
            site=site,
            visits=notes.visits,
            left=left,
            visit=snapshot.visit,
            looks=looks(snapshot),
            mirrors=mirrors,
            read_at=snapshot.finished_at,
            recent=recent,
            flutters=bool(notes.flutter),
        )
        known.saw(mark or b"", snapshot.visit)
        self._known[site.name] = known
        return beside

    def moves(
        self, site: str, mirror: str, masks: tuple[Mask, ...], mark: bytes = b"", earlier: Sequence[str] = ()
    ) -> None:
        """What the mirror shows moves there, as its last pages do, which have this mark; no masks: elsewhere, too.
        ``earlier``: the visits before, as far as that may be asked."""
        known = self._known[site]
        assert known is not None
        found = known.mirrors[mirror]
        known.mirrors[mirror] = found._replace(holds=bool(masks), masks=masks, vain=0 if masks else found.vain + 1)
        told = [visit for _, visit in _unpack(known.recent)] or earlier
        before = [(b"", visit) for visit in told if visit != known.visit]
        known.recent = _pack([*before, (mark, known.visit)][-TEXTS:]) if masks else _NOTHING


def _site_print(site: Site) -> bytes:
    return xxh3_128(msgspec.msgpack.encode(site, order="deterministic")).digest()
