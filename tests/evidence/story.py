"""A small story with everything in it that a bundle may hold: real bytes, a real log, real signatures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watcher.core import custody, http, merkle
from watcher.core.material import Head, Kept, Leaf, Material, Seen, Told
from watcher.core.rule_tables import rule_digest
from watcher.edge.sign import SigningKey
from watcher.records import Capture, Entry, Event, Reading, Rule, Selector, Snapshot

START = datetime(2025, 11, 20, 8, 0, tzinfo=UTC)
ONION = "http://examplexamplexamplexamplexamplexamplexamplexamplexamplead.onion/"
KEY = SigningKey(origin="vantage.example/story", secret=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
RULE = Rule(entry=("li.item",), fields={"title": (Selector(css="a"),), "link": (Selector(css="a", attr="href"),)})
OTHERS = (
    "Qarn & Hale", "Istrin Ferries", "Dovemark Dental", "Ölberg Papier", "Tasq Insurance", "Ubo Foods", "Nerrin Steel",
)  # fmt: skip
SUBJECT = "Velmora Logistics"
HEAD = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html; charset=utf-8\r\n"
Record = custody.Record


def slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def entry(title: str) -> Entry:
    return Entry(
        key=f"/company/{slug(title)}",
        title=title,
        url=f"{ONION}company/{slug(title)}",
        fields={"status": "published"},
    )


def page(titles: tuple[str, ...], *, size: int = 0) -> bytes:
    from html import escape

    items = "".join(f'<li class="item"><a href="/company/{slug(t)}">{escape(t)}</a></li>\n' for t in titles)
    filler = "<!-- " + "x" * size + " -->" if size else ""
    return (
        f"<!doctype html><title>Leaks</title><h1>Our clients</h1><ul>{items}</ul>{filler}<footer>end</footer>".encode()
    )


def chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = b"".join(b"%X;ext=1\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\nX-Trailer: t\r\n\r\n"


def plain(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


@dataclass
class Story:
    """Plays visits into a log, and gives the material of what was seen."""

    key: SigningKey = KEY
    now: datetime = START
    leaves: list[bytes] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    """What captures say beside what all say."""

    def log(self, record: Record) -> Leaf:
        self.records.append(record)
        self.leaves.append(merkle.leaf_hash(custody.leaf_data(record)))
        return Leaf(index=len(self.leaves) - 1, record=record)

    def visit(
        self, titles: tuple[str, ...], *, wire: bytes | None = None, after: timedelta, complete: bool = True
    ) -> Seen:
        """A visit that brought a listing."""
        self.now += after
        response = plain(page(titles)) if wire is None else wire
        entries = tuple(entry(title) for title in titles)
        kept = self._keep(response, status=200)
        reading = Reading(
            verdict="listing" if complete else "partial",
            complete=complete,
            entries=entries,
            rule=RULE,
            rule_digest=rule_digest(RULE),
        )
        silent = complete  # the snapshot's leaf says all that its one reading would; so both ways occur
        record = custody.reading_record(kept.capture.id, reading, at=kept.capture.finished_at, vantage="local")
        leaf = None if silent else self.log(record)
        capture = replace(kept.capture, verdict=reading.verdict, complete=complete)
        self.kept[-1] = replace(kept, capture=capture, reading=reading, reading_leaf=leaf, bytes_included=True)
        snapshot = Snapshot(
            site="gang",
            visit=kept.capture.visit,
            mirror=ONION,
            vantage="local",
            taken_at=kept.capture.requested_at,
            finished_at=kept.capture.finished_at,
            verdict=reading.verdict,
            complete=complete,
            entries=entries,
            captures=(kept.capture.id,),
            rule_digest=reading.rule_digest,
        )
        self.seen.append(Seen(snapshot=snapshot, leaf=self.log(custody.snapshot_record(snapshot, at=self.now))))
        self.sign()
        return self.seen[-1]

    def miss(self, verdict: str, why: tuple[str, ...], *, after: timedelta) -> Kept:
        self.now += after
        kept = self._keep(b"", status=None, verdict=verdict, why=why)
        self.sign()
        return kept

    def _keep(self, response: bytes, *, status: int | None, verdict: str = "", why: tuple[str, ...] = ()) -> Kept:
        request = b"GET / HTTP/1.1\r\nHost: " + ONION[7:-1].encode() + b"\r\nAccept-Encoding: identity\r\n\r\n"
        wire = http.split(response)
        from hashlib import sha256

        capture = Capture(
            id=f"c{len(self.kept):016x}",
            site="gang",
            target="listing",
            visit=f"gang@{self.now.isoformat()}",
            url=ONION,
            mirror=ONION,
            requested_at=self.now,
            finished_at=self.now + timedelta(seconds=3),
            status=status,
            verdict=verdict,
            why=why,
            cut="",
            isolation="gang-1",
            body_digest=sha256(wire.payload).hexdigest() if status else None,
            body_bytes=len(wire.payload) if status else 0,
            stored_bytes=0,
            leaf=len(self.leaves),
            vantage="local",
            facts={"socks_reply": 0, "monotonic_start": 12345.678901, "clock_state": "synchronised"} | self.facts,
        )
        leaf = self.log(custody.capture_record(capture, request=request, response=response))
        self.kept.append(Kept(capture=capture, leaf=leaf, request=request, response=response))
        return self.kept[-1]

    def tell(self, kind: str, title: str, *, before: Seen | None, after: Seen, why: tuple[str, ...]) -> Event:
        event = Event(
            id=f"e-{kind}-{len(self.told)}",
            kind=kind,  # type: ignore[arg-type]
            site="gang",
            entry=entry(title) if title else None,
            not_before=before.snapshot.finished_at if before else None,
            not_after=after.snapshot.taken_at,
            confirmed_at=self.now,
            before=before.snapshot.captures[0] if before else None,
            after=after.snapshot.captures[0],
            why=why,
            vantage="local",
        )
        self.told.append(Told(event=event, leaf=self.log(custody.event_record(event, at=self.now))))
        self.sign()
        return event

    def sign(self) -> None:
        """A checkpoint of what is in the log now."""
        size = len(self.leaves)
        root = merkle.root(size, merkle.nodes_of(self.leaves))
        note = self.key.checkpoint(size, root).encode()
        self.heads.append(Head(size=size, root=root, note=note, made_at=self.now + timedelta(seconds=4)))

    def material(self, **changes: object) -> Material:
        made = Material(
            vkey=self.key.vkey,
            vantage="local",
            operator="Example CERT",
            software="watcher/0.1.0",
            heads=(self.heads[0], self.heads[-1]),
            node_at=merkle.nodes_of(self.leaves),
            events=tuple(self.told),
            snapshots=tuple(self.seen),
            kept=tuple(self.kept),
        )
        return replace(made, **changes)  # type: ignore[arg-type]


def withdrawal(key: SigningKey = KEY, *, size: int = 0, times: int = 3) -> Story:
    """Listed, then an outage, a cut page, and so many complete copies without the entry."""
    story = Story(key=key)
    everyone = (*OTHERS[:4], SUBJECT, *OTHERS[4:])
    body = page(everyone, size=size)
    story.visit(everyone, after=timedelta(), wire=chunked(body))
    before = story.visit(everyone, after=timedelta(minutes=15), wire=chunked(body))
    story.miss(
        "unreachable",
        ("socks:F2", "the onion's descriptor was found, but no introduction"),
        after=timedelta(minutes=15),
    )
    story.visit(OTHERS[:2], after=timedelta(minutes=15), complete=False, wire=plain(page(OTHERS[:2]))[:-30])
    after = story.visit(OTHERS, after=timedelta(minutes=15), wire=plain(page(OTHERS, size=size)))
    for _ in range(times - 1):
        story.visit(OTHERS, after=timedelta(minutes=15))
    story.tell("withdrawn", SUBJECT, before=before, after=after, why=("absent-from-listing:3", "detail-offline"))
    return story
