"""``watcher ingest``: captures that others made, so that they can be read, compared and searched.

Their times and origin are claims. They are kept apart from ours: in no log, in no snapshot, in no roster, in no proof.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from watcher.core import brought, http
from watcher.core.brought import Claim
from watcher.core.mirrors import host_of
from watcher.core.warc_reading import WarcFile
from watcher.edge.keeper import InHand
from watcher.edge.rows import micros, visit_name
from watcher.edge.sayings import spelled
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import UnreadableError, UsageError
from watcher.ports import Origin, Reader
from watcher.records import Capture, Hints, Reading, Site

MOST_FILES = 100_000
MOST_TITLES = 10_000
LISTING, DETAIL = "listing", "detail"
WARC_NAMES = (".warc", ".warc.gz")
PAGE_NAMES = (".html", ".htm", ".xhtml", ".json", ".ndjson", ".xml", ".rss", ".atom", ".txt")
MEND = "name a WARC (.warc, .warc.gz), a WACZ, or a folder of pages whose names or times say when they were saved"


@dataclass(slots=True, kw_only=True)
class Brought:
    """What was brought in."""

    captures: list[Capture] = field(default_factory=list)
    known: int = 0
    """How many of them were there already."""
    passed: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    """What of the source could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """Brings captures of one site into a store."""

    store: LedgerStore
    reader: Reader
    site: Site
    max_body: int
    advance: Callable[[int, int], None] = lambda *_: None
    """Told how much of how much is through."""

    async def bring(self, source: Path, url: str = "") -> Brought:
        """All pages in the source; ``url`` is where the pages of a folder are from. Raises UnreadableError."""
        done = Brought()
        state = await self.store.state(self.site.name)
        titles = [entry.title for entry in state.roster.entries.values()][:MOST_TITLES]
        bodies: dict[str, str] = {}
        for told in self._claims(source, url, done):
            claim = told
            if claim.repeats:
                digest = bodies.get(claim.repeats)
                if digest is None:
                    done.passed["repetitions of what is not there"] += 1
                    continue
                claim = brought.with_body(claim, await self.store.do(partial(_body, digest=digest)))
            capture, hand = await self.store.do(partial(self._keep, claim=claim))
            if claim.digest and capture.body_digest:
                bodies[claim.digest] = capture.body_digest
            done.captures.append(capture)
            done.known += hand is None
            if hand is not None:
                reading = await self._read(hand.capture, state.memory, titles)
                at = datetime.now(UTC)
                await self.store.do(partial(_take_reading, hand=hand, reading=reading, at=at))
        if not done.captures:
            passed = "; ".join(f"{count} {why}" for why, count in done.passed.items())
            why = "; ".join([*done.faults, *([f"passed over: {passed}"] if passed else [])])
            raise UnreadableError(f"{source}: there is no page in it{f' ({why})' if why else ''}", hint=MEND)
        return done

    # ------------------------------------------------------------------------------------------------- one capture

    def _keep(self, desk: Desk, *, claim: Claim) -> tuple[Capture, InHand | None]:
        """The capture, and what is needed to take its reading; None if it was brought in before, and read."""
        exchange = spelled(replace(claim.exchange, mirror=self._mirror(claim.exchange.url)))
        target = LISTING if self._is_listing(exchange.url) else DETAIL
        started = micros(exchange.requested_at)
        while _is_ours(desk, self.site.name, started):  # a visit of ours holds nothing of others'
            started += 1
        visit = visit_name(self.site.name, started)
        origin = Origin(site=self.site.name, target=target, visit=visit)
        (capture,) = desk.keeper.keep(origin, [exchange], [http.split(exchange.response)], foreign=True)
        (site,) = desk.db.execute("SELECT id FROM site WHERE name = ?", (self.site.name,)).fetchone()
        desk.keeper.in_hand(site, visit)  # it is no visit that waits for its record
        desk.db.execute("DELETE FROM underway WHERE site = ? AND started = ?", (site, started))
        desk.db.execute("INSERT OR IGNORE INTO brought VALUES (?, ?)", (site, started))
        if desk.ledger.reading(capture.id) is not None:
            return capture, None
        hands, _ = desk.keeper.in_hand(site, visit)
        return capture, next(hand for hand in hands if hand.capture.id == capture.id)

    async def _read(self, capture: Capture, memory: bytes, titles: Sequence[str]) -> Reading:
        page = await self.store.page(capture)
        if capture.target == LISTING:
            hints = Hints(rule=self.site.rule, pages=self.site.pages, next=self.site.next, mirror=capture.mirror)
            reading, _ = await self.reader.read(page, memory, titles, hints)
            return reading
        reading = await self.reader.read_detail(page, memory, "")
        is_plain = reading.why == ("title-absent",)  # nobody said whose page it is
        return replace(reading, verdict="detail", why=("foreign",)) if is_plain else reading

    def _mirror(self, url: str) -> str:
        host = host_of(url)
        return next((mirror for mirror in self.site.mirrors if host_of(mirror) == host), brought.origin(url))

    def _is_listing(self, url: str) -> bool:
        """Whether the address is, on any host, that of the listing, or one of its pages."""
        place = _place(url)
        lists = {_place(mirror) for mirror in self.site.mirrors} or {"/"}
        if place in lists:
            return True
        if not self.site.pages:
            return False
        pattern = re.escape(self.site.pages).replace(re.escape("{n}"), r"\d{1,6}")
        return re.fullmatch(rf"(?:.*/)?{pattern.lstrip('/')}", place) is not None

    # -------------------------------------------------------------------------------------------------- the source

    def _claims(self, source: Path, url: str, done: Brought) -> Iterator[Claim]:
        with _told(source):
            if source.is_dir():
                yield from self._folder(source, url, done)
                return
            with source.open("rb") as file:
                start = file.read(4)
                file.seek(0)
                size = os.fstat(file.fileno()).st_size
                if start.startswith(b"PK\x03\x04"):
                    yield from self._wacz(source, file, size, done)
                else:
                    yield from self._warc(source.name, file, size, done)

    def _warc(self, name: str, file: IO[bytes], size: int, done: Brought) -> Iterator[Claim]:
        def read(most: int) -> bytes:
            self.advance(min(file.tell(), size), size)
            return file.read(most)

        records = WarcFile(read)
        yield from brought.claims(records, name, self.max_body, done.passed)
        if records.fault:
            done.faults.append(f"{name}: {records.fault}")

    def _wacz(self, source: Path, file: IO[bytes], size: int, done: Brought) -> Iterator[Claim]:
        try:
            with zipfile.ZipFile(file) as archive:
                names = [one for one in archive.namelist() if one.lower().endswith(WARC_NAMES)]
                if not names:
                    raise UnreadableError(f"{source}: a zip file without a WARC in it is no WACZ", hint=MEND)
                for name in names[:MOST_FILES]:
                    with archive.open(name) as member:
                        yield from self._warc(f"{source.name}/{name}", member, size, done)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError) as error:
            if not done.captures:
                raise UnreadableError(f"{source}: {error}", hint=MEND) from error
            done.faults.append(f"{source.name}: {error}")

    def _folder(self, source: Path, url: str, done: Brought) -> Iterator[Claim]:
        """Its files by the time that they tell of; WARC files after them."""
        pages: list[tuple[datetime, Path]] = []
        archives: list[Path] = []
        for path in _files(source):
            if path.name.lower().endswith((*WARC_NAMES, ".wacz")):
                archives.append(path)
            elif path.name.lower().endswith(PAGE_NAMES) or not path.suffix:
                pages.append((_time(path, source), path))
            else:
                done.passed["no pages (pictures, styles, scripts …)"] += 1
        address = url or next(iter(self.site.mirrors), "")
        if pages and not address:
            raise UsageError(
                f"nobody says where the pages in {source} are from", hint="name their address: --url http://….onion/"
            )
        for number, (at, path) in enumerate(sorted(pages)):
            self.advance(number, len(pages))
            with path.open("rb") as file:
                body = file.read(self.max_body + 1)
            shown = path.relative_to(source).as_posix()
            exchange = brought.page(shown, body, address, at, source.name)
            wire = http.split(exchange.response)
            why = brought.not_a_page(address, 200, wire.headers, body, self.max_body) or ("" if body else "empty files")
            if why:
                done.passed[why] += 1
            else:
                yield Claim(exchange=exchange)
        for path in sorted(archives):
            yield from self._claims(path, url, done)


def _files(source: Path) -> Iterator[Path]:
    """The files in a folder and the folders below it; no link is followed."""
    count = 0
    for folder, below, names in os.walk(source):
        below.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            count += 1
            if count > MOST_FILES:
                raise UnreadableError(f"{source} holds more than {MOST_FILES} files", hint="bring them in by folder")
            yield path


def _time(path: Path, source: Path) -> datetime:
    """When a page was saved: as its name says, or that of a folder it is in, or else its file's time."""
    for part in reversed(path.relative_to(source).parts):
        if (found := brought.stamp(part)) is not None:
            return found
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _is_ours(desk: Desk, site: str, started: int) -> bool:
    """Whether a visit of ours to the site began then."""
    row = desk.db.execute(
        "SELECT 1 FROM capture c JOIN place p ON p.id = c.place JOIN site s ON s.id = p.site"
        " WHERE c.started = ?1 AND s.name = ?2 AND NOT p.claimed"
        " UNION SELECT 1 FROM underway u JOIN site s ON s.id = u.site WHERE u.started = ?1 AND s.name = ?2 LIMIT 1",
        (started, site),
    ).fetchone()
    return row is not None


def _body(desk: Desk, *, digest: str) -> bytes:
    return desk.ledger.body(digest)


def _take_reading(desk: Desk, *, hand: InHand, reading: Reading, at: datetime) -> None:
    desk.recorder.read_foreign(hand, spelled(reading), at)


@contextmanager
def _told(source: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreadableError(f"{error.filename or source}: {error.strerror}", hint=MEND) from error
    except UnreadableError as error:
        raise UnreadableError(
            f"{source}: {error}" if str(source) not in str(error) else str(error), hint=MEND
        ) from error
