"""What the mirrors of sites showed last, as little of it as a visit that shows it again needs to be recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
from backports.zstd import compress, decompress

from watcher.core import custody
from watcher.edge.alike import Alike
from watcher.edge.keeper import InHand
from watcher.edge.ledger import Ledger
from watcher.edge.rows import capture_id, visit_name, visit_started
from watcher.edge.sayings import decode_reading, decode_said, encode, encode_why, merged
from watcher.ports import Again, Last
from watcher.records import Snapshot

MOST_FORM_BYTES = 16 << 20
"""Entries kept spelled out and compressed, of all sites together; those beyond are spelled anew each time. None is
turned out to make room: of sites that are visited by turns, each would be gone when its turn comes."""
LEVEL = 3
READ_AS = "read-as"
NOT_READ = "This page was not read anew: it is that capture's, but for numbers from which nothing follows."


class PageSaid(NamedTuple):
    """What one page was read to say."""

    place: int
    body: str | None
    content: int
    verdict: str
    record: dict[str, Any] | None
    """What its leaf says but for capture and time; None: the snapshot's speaks for it."""


class Repeat(NamedTuple):
    """What a mirror showed last."""

    pages: tuple[PageSaid, ...]
    are_pages: tuple[bool, ...]
    """Which of the visit's captures they were."""
    content: int
    """The snapshot's."""
    snapshot: Snapshot
    """As the log has it, without its entries and what is another's at each visit."""
    listed: int


class _Spelled(NamedTuple):
    """A snapshot's entries."""

    commitment: str
    number: int
    form: bytes
    seen_in: dict[str, int]
    """Key to the number of the page."""


_decode = msgspec.msgpack.Decoder(_Spelled).decode
_decode_repeat = msgspec.msgpack.Decoder(Repeat).decode


class Repeats:
    """By site and mirror."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._last: dict[int, str] = {}
        """Site to its last visit."""
        self._shown: dict[tuple[int, str], bytes] = {}
        """Packed: a sixth of the memory, for a hundredth of a check."""
        self._moved: dict[tuple[int, str], bytes] = {}
        """The same, as visits say it whose pages moved."""
        self._alike = Alike()
        self._forms: dict[tuple[int, str], bytes] = {}
        self._form_bytes = 0

    def forget(self) -> None:
        self._last.clear()
        self._shown.clear()
        self._moved.clear()
        self._forms.clear()
        self._form_bytes = 0

    def note(self, site: int, visit: str, mirrors: Collection[str], repeat: Repeat | None, lately: bytes) -> None:
        """The site's last visit, which asked these mirrors, came to this; None: to nothing that can be repeated.
        ``lately``: what is to be kept of it for the process after this one."""
        self._last[site] = visit
        for mirror in mirrors:
            self._shown.pop((site, mirror), None)
            self._moved.pop((site, mirror), None)
            self._form_bytes -= len(self._forms.pop((site, mirror), b""))
        if repeat is not None:
            self._shown[site, repeat.snapshot.mirror] = self._packed(repeat)
        if lately:
            self._ledger.connection.execute("INSERT OR REPLACE INTO lately VALUES (?, ?)", (site, lately))
        else:
            self._ledger.connection.execute("DELETE FROM lately WHERE site = ?", (site,))

    def last(self, name: str) -> Last | None:
        """A site's last visit; None if there is nothing to know again."""
        row = self._ledger.connection.execute(
            "SELECT s.id, l.data, max(x.started) FROM site s JOIN lately l ON l.site = s.id"
            " JOIN snapshot x ON x.site = s.id WHERE s.name = ?",
            (name,),
        ).fetchone()
        if row[0] is None:
            return None
        looks, again = self._ledger.sight(name)
        self._last[row[0]] = visit_name(name, row[2])
        return Last(row[1], again, self._last[row[0]], looks)

    def last_visits(self, name: str, most: int) -> tuple[str, ...]:
        """The site's last visits that were recorded, oldest first."""
        rows = self._ledger.connection.execute(
            "SELECT started FROM snapshot WHERE site = (SELECT id FROM site WHERE name = ?)"
            " ORDER BY started DESC LIMIT ?",
            (name, most),
        ).fetchall()
        return tuple([visit_name(name, started) for (started,) in reversed(rows)])

    def forget_kept(self) -> None:
        """What was kept for this process is of no use to it: it reads pages otherwise."""
        self._ledger.connection.execute("DELETE FROM lately")

    def find(self, site: int, again: Again) -> Repeat | None:
        """What the mirror showed last; None if that is not known, or the site's last visit was another."""
        if self._last.get(site) != again.after:
            return None
        key = site, again.mirror
        packed = self._shown.get(key)
        if packed is not None:
            return self._unpacked(packed)
        found = self._stored(site, again.like)
        if found is not None:
            self._shown[key] = self._packed(found)
        return found

    def _packed(self, repeat: Repeat) -> bytes:
        return self._alike.pack(msgspec.msgpack.encode(repeat))

    def _unpacked(self, packed: bytes) -> Repeat:
        return _decode_repeat(self._alike.unpack(packed))

    def _stored(self, site: int, visit: str) -> Repeat | None:
        """What a visit showed, as the ledger has it."""
        connection, started = self._ledger.connection, visit_started(visit)
        snapshot = self._ledger.snapshot(visit)
        if snapshot is None:
            return None
        (content,) = connection.execute(
            "SELECT content FROM snapshot WHERE site = ? AND started = ?", (site, started)
        ).fetchone()
        (listed,) = connection.execute("SELECT listed FROM target WHERE site = ?", (site,)).fetchone()
        rows = connection.execute(
            "SELECT c.id, c.place, hex(b.digest), r.content, t.verdict, r.leaf FROM capture c"
            " JOIN place p ON p.id = c.place LEFT JOIN body b ON b.id = c.body LEFT JOIN reading r ON r.capture = c.n"
            " LEFT JOIN content t ON t.id = r.content WHERE c.started = ? AND p.site = ? ORDER BY c.n",
            (started, site),
        )
        captures, pages = [], {}
        for number, place, body, reading, verdict, leaf in rows:
            name = capture_id(number)
            captures.append(name)
            if reading is not None:
                record = None if leaf is None else self._ledger.record_of(leaf)
                pages[name] = PageSaid(place, body.lower(), reading, verdict, record)
        shown = {name: page for name, page in pages.items() if name in snapshot.captures}
        return repeat_of(snapshot, content, captures, shown, listed)

    def moved(self, site: int, again: Again, repeat: Repeat) -> Repeat:
        """The same as a visit says it whose pages were not read, as only numbers moved on them: what they count, and
        their text, are those of the captures that are named."""
        key = site, again.mirror
        packed = self._moved.get(key)
        if packed is not None:
            return self._unpacked(packed)
        captures = [capture.id for capture in self._ledger.captures_of(again.like)]
        like = [name for name, is_page in zip(captures, repeat.are_pages, strict=True) if is_page]
        whys = [(f"{READ_AS}:{name}", NOT_READ) for name in like]
        pages = tuple([self._page_moved(page, why) for page, why in zip(repeat.pages, whys, strict=True)])
        said = decode_said(self._ledger.contents.get(repeat.content))
        why = (*said.why, *dict.fromkeys(word for why in whys for word in why))
        content = self._ledger.contents.put(
            encode(replace(said, why=why)), said.verdict, encode_why(why), said.complete, repeat.content
        )
        made = Repeat(pages, repeat.are_pages, content, replace(repeat.snapshot, why=why), repeat.listed)
        self._moved[key] = self._packed(made)
        return made

    def _page_moved(self, page: PageSaid, more: tuple[str, ...]) -> PageSaid:
        read = decode_reading(self._ledger.contents.get(page.content))
        read = replace(read, why=(*read.why, *more))
        content = self._ledger.contents.put(
            encode(read), read.verdict, encode_why(read.why), read.complete, page.content
        )
        record = page.record and {**page.record, "reading": custody.digest(custody.described(read))}
        return page._replace(content=content, record=record)

    def said_again(self, site: int, visit: str) -> None:
        """The visit is the site's last one now."""
        self._last[site] = visit

    def snapshot(
        self, site: int, repeat: Repeat, visit: str, pages: Sequence[InHand]
    ) -> tuple[Snapshot, custody.Shown]:
        """The snapshot of a visit that shows it again on these pages; and its entries, which it does not name."""
        spelled = self._spelled(site, repeat)
        captures = tuple([page.capture.id for page in pages])
        first = pages[0].capture
        snapshot = replace(
            repeat.snapshot,
            visit=visit,
            taken_at=first.requested_at,
            finished_at=pages[-1].capture.finished_at,
            captures=captures,
            seen_in={key: captures[number] for key, number in spelled.seen_in.items()},
            isolation=first.isolation,
        )
        return snapshot, custody.Shown(None, spelled.commitment, spelled.number, spelled.form)

    def _spelled(self, site: int, repeat: Repeat) -> _Spelled:
        key = site, repeat.snapshot.mirror
        packed = self._forms.get(key)
        if packed is not None:
            return _decode(decompress(packed))
        spelled = self._from_ledger(repeat)
        packed = compress(msgspec.msgpack.encode(spelled), LEVEL)
        if self._form_bytes + len(packed) <= MOST_FORM_BYTES:
            self._forms[key] = packed
            self._form_bytes += len(packed)
        return spelled

    def _from_ledger(self, repeat: Repeat) -> _Spelled:
        contents = self._ledger.contents
        said = decode_said(contents.get(repeat.content))
        entries = said.entries
        if entries is None:
            entries = merged([decode_reading(contents.get(page.content)) for page in repeat.pages])
        shown = custody.shown(entries)
        places = [number for number, is_page in enumerate(repeat.are_pages) if is_page]
        seen_in = {key: places.index(int(place)) for key, place in said.seen_in.items()}
        return _Spelled(shown.commitment, shown.number, shown.form, seen_in)


def repeat_of(
    snapshot: Snapshot, content: int, captures: Sequence[str], pages: Mapping[str, PageSaid], listed: int
) -> Repeat | None:
    """A snapshot (as the log has it) as it can be repeated; None if it rests on more than pages of its own visit, which
    are among these captures."""
    are_pages = tuple([name in snapshot.captures for name in captures])
    if sum(are_pages) != len(snapshot.captures) or len(pages) != len(snapshot.captures) or not snapshot.entries:
        return None
    said = tuple([pages[name] for name in snapshot.captures])
    bare = replace(snapshot, visit="", captures=(), entries=(), seen_in={}, isolation="")
    return Repeat(said, are_pages, content, bare, listed)
