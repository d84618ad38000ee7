"""A store as years of watching leave it: invented sites, entries and events; every table filled, every row readable.

    python -m benchmarks.big_store FOLDER [--sites 200] [--captures 1000000] [--entries 100000] [--events 50000]

Written straight into the ledger's tables, in the forms that the store itself writes: visiting so often would take days.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from watcher.core import custody
from watcher.edge import schema
from watcher.edge.custody_log import Kind
from watcher.edge.ledger import Ledger
from watcher.edge.rows import Pack, capture_id, deflate, encode_pack, micros
from watcher.edge.sayings import Said, encode, encode_why
from watcher.records import Entry, Event, Reading, RosterEntry, Rule, Selector

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPAN = timedelta(days=90)
VERSIONS = 12
"""Different states that a site's listing was seen in."""
SHOWN = 120
"""Entries that one state shows."""
TURN = 25
"""Visits after which the next state is seen."""
SILENT = (("unreachable", "socks:F2"), ("blocked", "heading-says:queue"), ("error", "http:502"))
FIRST = tuple(
    "Ard Bel Cor Dun Elm Fen Gar Hol Iver Jor Kel Lor Mor Nor Orm Pel Quin Ros Sel Tor Ulm Vel Wen Yor Zel".split()  # noqa: SIM905 - a list of words reads better so
)
LAST = tuple(
    "aco bryn cast dale enna field gate holm ith jord kirk land mora nex ost pont ria stead tane vale wick".split()  # noqa: SIM905 - a list of words reads better so
)
KIND = tuple(
    "Logistics Systems Foods Mining Health Legal Dental Steel Textiles Freight Optics Energy Housing Schools".split()  # noqa: SIM905 - a list of words reads better so
)
RULE = Rule(entry=("div.card",), fields={"title": (Selector(css="h3"),), "link": (Selector(css="a", attr="href"),)})


def main() -> None:
    """Build one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, most in (("sites", 200), ("captures", 1_000_000), ("entries", 100_000), ("events", 50_000)):
        parser.add_argument(f"--{name}", type=int, default=most)
    given = parser.parse_args()
    build(given.folder, sites=given.sites, captures=given.captures, entries=given.entries, events=given.events)


def build(folder: Path, *, sites: int, captures: int, entries: int, events: int) -> None:
    """The store in ``folder``."""
    folder.mkdir(parents=True)
    (folder / "bodies").mkdir()
    connection = schema.open_owned(folder).conn
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    with Ledger(connection, folder) as ledger:
        names = [f"site-{number:03d}" for number in range(sites)]
        connection.executemany("INSERT INTO site (id, name) VALUES (?, ?)", list(enumerate(names, start=1)))
        chance = random.Random(5)
        for number, name in enumerate(names, start=1):
            share = _share(number, sites)
            made = _Site(ledger, chance, number, name)
            made.roster(max(SHOWN, round(entries * share)))
            made.visits(round(captures * share))
        _events(ledger, chance, names, events)
        connection.execute("COMMIT")
        connection.execute("PRAGMA optimize")


def _share(number: int, sites: int) -> float:
    """One site has a tenth of everything; the others share the rest."""
    return 0.1 if number == 1 else 0.9 / (sites - 1)


def name_of(number: int) -> str:
    """An invented company's name; the same number, the same name."""
    rest, first = divmod(number, len(FIRST))
    rest, last = divmod(rest, len(LAST))
    rest, kind = divmod(rest, len(KIND))
    return f"{FIRST[first]}{LAST[last]} {KIND[kind]}{f' {rest}' if rest else ''}"


class _Site:
    """One site's rows."""

    def __init__(self, ledger: Ledger, chance: random.Random, number: int, name: str) -> None:
        self.ledger, self.connection, self.chance = ledger, ledger.connection, chance
        self.number, self.name = number, name
        self.mirrors = [f"http://{name}-{letter}.example/" for letter in "ab"]
        self.entries: list[Entry] = []

    def roster(self, count: int) -> None:
        """Entries: most listed, some withdrawn, a few missing."""
        rows = []
        for index in range(count):
            title = name_of(self.number * 7919 + index * 31)
            key = f"{title.lower().replace(' ', '-')}-{index}"
            entry = Entry(
                key=key,
                title=title,
                url=f"{self.mirrors[0]}{key}",
                fields={
                    "description": f"{title} lost invoices, contracts and mail to carelessness. " * 2,
                    "date": "2026-10-01",
                    "status": "published",
                },
            )
            self.entries.append(entry)
            first = NOW - SPAN * (1 - index / count)
            standing = self.chance.choices(("listed", "withdrawn", "missing"), (90, 9, 1))[0]
            gone = None if standing == "listed" else first + (NOW - first) / 2
            known = RosterEntry(
                key=key,
                title=title,
                url=entry.url,
                fields=entry.fields,
                standing=standing,  # type: ignore[arg-type] - one of the three names
                first_seen=first,
                last_seen=gone or NOW,
                seen_in=capture_id(index),
                missing_since=gone,
                missing_in=None if gone is None else capture_id(index + 1),
                withdrawn_at=gone if standing == "withdrawn" else None,
            )
            rows.append((self.number, key, standing, micros(first), None, encode(known)))
        self.connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)

    def visits(self, captures: int) -> None:
        """Visits at even distances, each with one capture or miss."""
        number = self.connection.execute("SELECT coalesce(max(n), 0) FROM capture").fetchone()[0]
        versions = [self._version(at) for at in range(VERSIONS)]
        misses = [self._miss(verdict, why) for verdict, why in SILENT]
        pack, rest = self._pack(Pack(b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"", "a", "", (), {}), 200)
        gone, no_rest = self._pack(Pack(b"", b"", b"", "a", "", ("socks:F2",), {}), 0)
        step = SPAN / captures
        kept, read, seen = [], [], []
        for at in range(captures):
            number += 1
            started = micros(NOW - SPAN + step * at) + self.number
            silent = at % 40 > 36
            verdict, body, reading, said = misses[at // 40 % 3] if silent else versions[at // TURN % VERSIONS]
            leaf = self.ledger.log.append(Kind.CAPTURE, number, b"")
            is_miss = verdict == "unreachable"
            identifier = int.from_bytes(sha256(f"{number}".encode()).digest()[:8], "big", signed=True)
            place = self.place if at % 3 else self.other_place
            row = (number, identifier, started, place, 0, 900_000)
            rest_of = (
                (None, verdict, None, 0, leaf, gone, no_rest) if is_miss else (200, None, body, 0, leaf, pack, rest)
            )
            kept.append((*row, *rest_of))
            if not is_miss:
                read.append((number, reading, 1_000_000, None))
            seen.append((self.number, started, 0, 900_000, said, 1_000_000, leaf))
        self.connection.executemany(f"INSERT INTO capture VALUES ({', '.join('?' * 13)})", kept)
        self.connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?)", read)
        self.connection.executemany("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?)", seen)
        self._status(kept[-1], step)

    def _version(self, at: int) -> tuple[str, int, int, int]:
        """One state of the listing: its body, what it was read to say, and what the visit says."""
        if at == 0:
            self._places()
        shown = tuple(self.entries[-SHOWN - at * 3 :][:SHOWN])
        page = "".join(f'<div class="card"><h3>{one.title}</h3><a href="/{one.key}">more</a></div>\n' for one in shown)
        payload = f"<!doctype html><title>{self.name}</title><body>{page}</body>".encode()
        body = self.ledger.bodies.put(sha256(payload).digest(), payload, None).number
        reading = Reading(verdict="listing", complete=True, entries=shown, rule=RULE, rule_digest="r")
        content = self.ledger.contents.put(encode(reading), "listing", "", True, self.last)
        self.last = content
        return "listing", body, content, self._said("listing", "", True)

    def _miss(self, verdict: str, why: str) -> tuple[str, int, int, int]:
        payload = f"<!doctype html><h1>{verdict}</h1>".encode()
        body = self.ledger.bodies.put(sha256(payload).digest(), payload, None).number
        reading = Reading(verdict=verdict, why=(why,))
        content = self.ledger.contents.put(encode(reading), verdict, encode_why((why,)), False, None)
        return verdict, body, content, self._said(verdict, why, False)

    def _said(self, verdict: str, why: str, complete: bool) -> int:
        said = Said(
            mirror=self.mirrors[0],
            vantage="bench",
            verdict=verdict,
            why=(why,) if why else (),
            complete=complete,
            entries=None,
            text=None,
            captures=(0,),
            seen_in={},
            isolation=None,
            rule_digest="r",
            provisional=False,
            backfill=False,
        )
        return self.ledger.contents.put(encode(said), verdict, encode_why(said.why), complete, None)

    def _places(self) -> None:
        self.last: int | None = None
        rows = [(self.number, "listing", url, url, "bench", 0) for url in self.mirrors]
        insert = "INSERT INTO place (site, target, url, mirror, vantage, claimed) VALUES (?, ?, ?, ?, ?, ?)"
        self.place, self.other_place = (self.connection.execute(insert, row).lastrowid for row in rows)

    def _pack(self, pack: Pack, status: int) -> tuple[int, bytes]:
        data = encode_pack(pack)
        row = self.connection.execute(
            "INSERT INTO pack (site, mirror, status, data) VALUES (?, ?, ?, ?)",
            (self.number, self.mirrors[0], status, deflate(data)),
        )
        assert row.lastrowid is not None
        return row.lastrowid, deflate(data, data)

    def _status(self, last: tuple[object, ...], step: timedelta) -> None:
        visited = last[2]
        assert isinstance(visited, int)
        verdict = last[7] or "listing"
        listed = self.connection.execute(
            "SELECT count(*) FROM entry WHERE site = ? AND standing = 'listed'", (self.number,)
        ).fetchone()[0]
        due = visited + step // timedelta(microseconds=1)
        self.connection.execute(
            "INSERT INTO target VALUES (?, 'listing', ?, ?, ?, ?, ?, ?)",
            (self.number, verdict, visited, visited, due, listed, 0),
        )
        self.connection.executemany(
            "INSERT INTO mirror VALUES (?, ?, 'listing', ?)", [(self.number, url, visited) for url in self.mirrors]
        )


def _events(ledger: Ledger, chance: random.Random, names: list[str], count: int) -> None:
    for seq, event in enumerate(_conclusions(ledger.connection, chance, names, count), start=1):
        at = micros(event.confirmed_at)
        leaf = ledger.log.append(Kind.EVENT, seq, custody.leaf_data(custody.event_record(event, at=event.confirmed_at)))
        ledger.connection.execute(
            "INSERT INTO event (seq, id, site, kind, confirmed, recorded, leaf, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, event.id, names.index(event.site) + 1, event.kind, at, at, leaf, encode(event)),
        )


def _conclusions(
    connection: sqlite3.Connection, chance: random.Random, names: list[str], count: int
) -> Iterator[Event]:
    kinds = ("listed", "changed", "withdrawn", "relisted", "unreachable", "recovered")
    weights = [_share(number, len(names)) for number in range(1, len(names) + 1)]
    for at in range(count):
        site = chance.choices(range(len(names)), weights)[0]
        kind = chance.choices(kinds, (60, 20, 10, 4, 3, 3))[0]
        title = name_of(chance.randrange(7000))
        entry = None
        if kind not in {"unreachable", "recovered"}:
            entry = Entry(
                key=title.lower().replace(" ", "-"), title=title, fields={"description": f"{title}, all of it"}
            )
        when = NOW - SPAN * (1 - at / count)
        captures = connection.execute(
            "SELECT id FROM capture WHERE started >= ? AND place IN (SELECT id FROM place WHERE site = ?) LIMIT 2",
            (micros(when - timedelta(hours=12)), site + 1),
        ).fetchall()
        before, after = [capture_id(number) for (number,) in captures] if len(captures) == 2 else (None, None)
        yield Event(
            id=f"e{sha256(str(at).encode()).hexdigest()[:16]}",
            kind=kind,  # type: ignore[arg-type] - one of the kinds
            site=names[site],
            entry=entry,
            not_before=when - timedelta(minutes=30),
            not_after=when - timedelta(minutes=15),
            confirmed_at=when,
            before=before,
            after=after,
            why=("absent-from-listing:3", "detail-offline", "control-majority", "The entry is not there any more."),
            changes={"status": ("new", "published")} if kind == "changed" else {},
            watchlist=("Acme",) if at % 500 == 0 else (),
            vantage="bench",
        )


if __name__ == "__main__":
    main()
