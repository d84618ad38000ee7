"""Exchanges and outcomes for tests of the store, and a process that keeps and records until it is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watcher.edge.store import LedgerStore
from watcher.ports import Origin, Outcome
from watcher.records import (
    Capture,
    Decision,
    Entry,
    Event,
    Exchange,
    Reading,
    Roster,
    RosterEntry,
    Rule,
    Selector,
    Snapshot,
)

START = datetime(2026, 11, 22, 15, 4, 5, 123456, tzinfo=UTC)
MIRROR = "http://abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh.onion/"
RULE = Rule(entry=("li",), fields={"title": (Selector(css="h3"),)})
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: abc.onion\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101"
    b" Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language:"
    b" en-US,en;q=0.5\r\nAccept-Encoding: identity\r\nSec-GPC: 1\r\nConnection: keep-alive\r\n\r\n"
)


def visit_at(number: int, site: str = "alpha", minutes: float = 15) -> tuple[str, datetime]:
    """The name and the time of a site's visit number so and so."""
    at = START + timedelta(minutes=minutes * number)
    return f"{site}@{at:%Y-%m-%dT%H:%M:%S.%fZ}", at


def response(body: bytes, at: datetime = START, extra: str = "") -> bytes:
    head = (
        f"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: {at:%a, %d %b %Y %H:%M:%S} GMT\r\n"
        "Content-Type: text/html; charset=utf-8\r\nConnection: keep-alive\r\n"
        f"Content-Length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode() + body


def exchange(body: bytes = b"<li>Acme</li>", at: datetime = START, **other: object) -> Exchange:
    """An answer with status 200, or what ``other`` makes of it."""
    chance = random.Random(at.timestamp())
    known: dict[str, object] = {
        "url": MIRROR,
        "mirror": MIRROR,
        "request": REQUEST,
        "response": response(body, at),
        "requested_at": at,
        "finished_at": at + timedelta(microseconds=chance.randint(300_000, 3_000_000)),
        "status": 200,
        "isolation": "alpha-0-5f3e21aa",
        "facts": {
            "boot_id": "1c2d3e4f-aaaa-4bbb-8ccc-1234567890ab",
            "clock_state": "synchronised",
            "monotonic_start": chance.random() * 1e6,
            "socks_reply": 0,
            "tool": "watcher 0.1.0",
        },
    }
    return Exchange(**{**known, **other})  # type: ignore[arg-type]


def miss(at: datetime = START, **other: object) -> Exchange:
    gone: dict[str, object] = {
        "response": b"", "status": None, "verdict": "unreachable", "why": ("socks:F2", "the onion does not answer"),
    }  # fmt: skip
    return exchange(at=at, **{**gone, **other})


def entries(count: int, prefix: str = "victim") -> tuple[Entry, ...]:
    return tuple(
        Entry(
            key=f"{prefix}-{number}",
            title=f"Victim {number}",
            url=f"{MIRROR}{prefix}/{number}",
            fields={"description": f"Makes things of kind {number}, and sells them", "status": "published"},
        )
        for number in range(count)
    )


def reading(found: Sequence[Entry] = (), **other: object) -> Reading:
    known: dict[str, object] = {
        "verdict": "listing",
        "complete": True,
        "entries": tuple(found),
        "text": " ".join(one.title for one in found),
        "rule": RULE,
        "rule_digest": "ab" * 32,
    }
    return Reading(**{**known, **other})  # type: ignore[arg-type]


def roster(site: str, found: Sequence[Entry], seen: datetime, capture: str) -> Roster:
    return Roster(
        site=site,
        entries={
            one.key: RosterEntry(
                key=one.key,
                title=one.title,
                url=one.url,
                fields=one.fields,
                first_seen=START,
                last_seen=seen,
                seen_in=capture,
            )
            for one in found
        },
        notes=b'{"baseline":true}',
    )


def event(number: int, site: str = "alpha", **other: object) -> Event:
    known: dict[str, object] = {
        "id": f"e{number:015x}",
        "kind": "listed",
        "site": site,
        "entry": entries(1)[0],
        "not_before": START,
        "not_after": START + timedelta(minutes=number),
        "confirmed_at": START + timedelta(minutes=number),
        "before": None,
        "after": None,
        "why": ("new-on-listing", "it was not there before"),
        "vantage": "local",
    }
    return Event(**{**known, **other})  # type: ignore[arg-type]


def outcome(
    visit: str,
    captures: Sequence[Capture],
    readings: Mapping[str, Reading],
    *,
    events: Sequence[Event] = (),
    memory: bytes = b"learned",
    beliefs: Roster | None = None,
    **other: object,
) -> Outcome:
    """What a visit concludes from readings of some of its captures."""
    site = visit.rpartition("@")[0]
    read = [readings[one.id] for one in captures if one.id in readings]
    found = {entry.key: entry for one in read for entry in one.entries}
    known: dict[str, object] = {
        "site": site,
        "visit": visit,
        "mirror": captures[0].mirror,
        "vantage": "local",
        "taken_at": captures[0].requested_at,
        "finished_at": captures[-1].finished_at,
        "verdict": read[0].verdict if read else captures[0].verdict,
        "complete": bool(read) and all(one.complete for one in read),
        "entries": tuple(found.values()),
        "text": " ".join(one.text for one in read),
        "captures": tuple(one.id for one in captures),
        "isolation": captures[0].isolation,
        "rule_digest": read[0].rule_digest if read else "",
    }
    snapshot = Snapshot(**{**known, **other})  # type: ignore[arg-type]
    held = beliefs or roster(site, snapshot.entries, captures[0].requested_at, captures[0].id)
    return Outcome(
        visit=visit,
        site=site,
        readings=readings,
        snapshot=snapshot,
        decision=Decision(roster=held, events=tuple(events)),
        memory=memory,
    )


async def keep(store: LedgerStore, number: int, *exchanges: Exchange, site: str = "alpha") -> tuple[Capture, ...]:
    """Keep exchanges as those of the site's visit number so and so."""
    visit, at = visit_at(number, site)
    return await store.keep(Origin(site=site, target="listing", visit=visit), exchanges or [exchange(at=at)])


async def whole_visit(
    store: LedgerStore, number: int, body: bytes, found: Sequence[Entry], site: str = "alpha"
) -> Capture:
    """A visit from keeping to recording; it tells one event."""
    visit, at = visit_at(number, site)
    (capture,) = await keep(store, number, exchange(body, at), site=site)
    read = {capture.id: reading(found, text=body.decode())}
    await store.record(outcome(visit, [capture], read, events=[event(number, site)]))
    return capture


# ----------------------------------------------------------------------------------------- processes to be killed


def body_of(number: int) -> bytes:
    """The body of visit ``number`` of the processes below: moving counters, and now and then something large."""
    chance = random.Random(number)
    page = "".join(f"<li><h3>Victim {place}</h3>views: {chance.randint(1, 10**6)}</li>" for place in range(60))
    if number % 5 == 4:
        page += chance.randbytes(40_000).hex()
    return page.encode()


async def visits(folder: Path, most: int) -> None:
    """Visits one after another from where the store ends, each act named on stdout once it is acknowledged."""
    async with LedgerStore.open(folder, vantage="local") as store:
        start = await store.do(lambda desk: sum(1 for _ in desk.ledger.captures()))
        for number in range(start, start + most):
            visit, at = visit_at(number)
            (capture,) = await keep(store, number, exchange(body_of(number), at))
            print(f"kept {capture.id} {number} .", flush=True)
            told = [event(number // 3)]  # the same conclusion comes more than once
            await store.record(outcome(visit, [capture], {capture.id: reading(entries(5))}, events=told))
            print(f"told {told[0].id} {number} .", flush=True)


def nursery() -> None:
    """Forks, for each line ``FOLDER MOST ACKNOWLEDGED STOPPED`` on stdin, a process that makes visits and writes to
    the file ACKNOWLEDGED, stopped at first if so wished; says its number, and later how it ended. So Python is started
    once."""
    for line in sys.stdin:
        folder, most, acknowledged, stopped = line.split("\t")
        child = os.fork()
        if child == 0:
            os.dup2(os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
            print(flush=True)  # a kill may have torn the last line there
            if stopped.strip() == "stopped":
                os.kill(os.getpid(), signal.SIGSTOP)
            asyncio.run(visits(Path(folder), int(most)))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    import watcher.edge.schema

    watcher.edge.schema.migrations()  # what is imported late, too
    nursery()
