"""What a bundle is to hold, fetched from the ledger: round each event the visits before, between and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

import watcher
from watcher.core import merkle, note
from watcher.core.material import Descriptor, Head, Kept, Leaf, Material, Seen, Token, Told
from watcher.edge import tokens
from watcher.edge.ledger import Ledger, SignedHead
from watcher.edge.rows import capture_number, moment, visit_started
from watcher.edge.sign import KnownKey, SigningKey
from watcher.errors import EvidenceError, StoreDamaged, UsageError
from watcher.records import Capture, Event, Snapshot

CONFIRMING = 8
"""Complete copies after an event that go in whole; further ones by their commitments and proofs."""
MOST_BYTES = 512 << 20
DESCRIPTORS = "descriptors"
DAY = timedelta(days=1)
MOST_DESCRIPTORS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is asked for: events, or captures, or a site within a span of time."""

    events: tuple[str, ...] = ()
    captures: tuple[str, ...] = ()
    site: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class _Basket:
    """What was found so far."""

    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    """By visit."""
    whole: set[str] = field(default_factory=set)
    """Visits whose bytes and entries go in."""
    captures: dict[str, Capture] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    """Captures whose bytes go in, beside those of whole visits."""
    events: dict[str, Event] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the bundle says of who made it, and what it leaves out."""

    operator: str = ""
    vantage: str
    software: str = f"watcher/{watcher.__version__}"
    tsa_roots: bytes = b""
    hidden: tuple[str, ...] = ()
    packer: str = ""
    """The verifier key of who packs it, if not the vantage itself."""


def gather(ledger: Ledger, selection: Selection, key: SigningKey | KnownKey, about: Provenance) -> Material:
    """The material of what is selected; ``UsageError`` if there is nothing, or it is not ours to vouch for."""
    basket = _Basket()
    for name in selection.events:
        _take_event(ledger, basket, _event(ledger, name))
    for name in selection.captures:
        _take_capture(ledger, basket, name)
    if selection.site is not None:
        _take_site(ledger, basket, selection)
    if not basket.captures:
        raise UsageError("there is nothing to export", hint="watcher events and watcher captures show what there is")
    kept = _kept(ledger, basket)
    told = tuple(
        Told(event=event, leaf=_leaf(ledger.leaf_of_event(name), f"event {name}"))
        for name, event in basket.events.items()
    )
    material = Material(
        vkey=key.vkey,
        packer=about.packer,
        vantage=about.vantage,
        operator=about.operator,
        software=about.software,
        heads=(),
        node_at=ledger.log.node_at,
        events=told,
        snapshots=_seen(ledger, basket),
        kept=kept,
        descriptors=_descriptors(ledger, kept),
        tsa_roots=about.tsa_roots,
        hidden=about.hidden,
    )
    return replace(material, heads=_heads(ledger, key, [*material.leaves()], [one.leaf for one in told]))


# -------------------------------------------------------------------------------------------------- what is selected


def _event(ledger: Ledger, name: str) -> Event:
    event = ledger.event(_named(ledger, "event", name))
    assert event is not None
    return event


def _named(ledger: Ledger, what: str, name: str) -> str:
    """The id of the one event or capture that is meant by its beginning."""
    found = [one.id for one in ledger.find(name) if one.what == what]
    exact = [one for one in found if one == name] or found
    if not exact:
        raise UsageError(f"there is no {what} {name}", hint=f"watcher {what}s shows them")
    if len(exact) > 1:
        raise UsageError(f"{name} may be {', '.join(exact[:6])}", hint="write more of it")
    return exact[0]


def _take_event(ledger: Ledger, basket: _Basket, event: Event) -> None:
    """The visits from the copy before to the moment when it was sure, and all that they brought."""
    basket.events[event.id] = event
    ends = [one for one in (_of(ledger, event.before), _of(ledger, event.after)) if one is not None]
    since = min([event.not_before or event.not_after, *(one.requested_at for one in ends)])
    _take_span(ledger, basket, event.site, _begin(ends, since), event.confirmed_at)
    for visit in {one.visit for one in ends} - basket.snapshots.keys():  # a clock set back put it outside of the span
        _take_visit(ledger, basket, visit, ledger.snapshot(visit))
    basket.whole |= {one.visit for one in ends}
    lacking = event.not_after
    if lacking > event.confirmed_at:  # a clock set back made the span wider
        lacking = min((one.requested_at for one in ends if one.id == event.after), default=lacking)
    after = [
        snapshot.visit
        for snapshot in basket.snapshots.values()
        if snapshot.site == event.site and snapshot.complete and lacking <= snapshot.taken_at <= event.confirmed_at
    ]
    basket.whole |= set(after[: CONFIRMING - 1] + after[-1:])


def _begin(ends: Sequence[Capture], since: datetime) -> datetime:
    """When the first of the visits concerned began: its pages were asked for some time after."""
    return min([since, *(moment(visit_started(one.visit)) for one in ends)])


def _of(ledger: Ledger, name: str | None) -> Capture | None:
    return None if name is None else ledger.capture(name)


def _take_capture(ledger: Ledger, basket: _Basket, name: str) -> None:
    capture = ledger.capture(_named(ledger, "capture", name))
    assert capture is not None
    basket.captures[capture.id] = capture
    basket.shown.add(capture.id)
    snapshot = ledger.snapshot(capture.visit)
    if snapshot is not None:
        basket.snapshots[snapshot.visit] = snapshot


def _take_site(ledger: Ledger, basket: _Basket, selection: Selection) -> None:
    """All events of the span with their visits; of the captures, the bytes of each version once."""
    assert selection.site is not None
    if selection.site not in ledger.sites():
        raise UsageError(f"there is no site {selection.site}", hint="watcher status shows them")
    for event in ledger.events(site=selection.site, since=selection.since):
        if selection.until is None or event.confirmed_at <= selection.until:
            _take_event(ledger, basket, event)
    _take_span(ledger, basket, selection.site, selection.since, selection.until)
    last: dict[str, str | None] = {}
    for capture in basket.captures.values():
        if last.get(capture.url, "") != capture.body_digest and not capture.is_miss:
            basket.shown.add(capture.id)
            last[capture.url] = capture.body_digest


def _take_span(ledger: Ledger, basket: _Basket, site: str, since: datetime | None, until: datetime | None) -> None:
    for snapshot in ledger.snapshots(site, since, until):
        _take_visit(ledger, basket, snapshot.visit, snapshot)
    for capture in ledger.captures(site=site, since=since):
        if until is not None and capture.requested_at > until:
            break
        basket.captures[capture.id] = capture


def _take_visit(ledger: Ledger, basket: _Basket, visit: str, snapshot: Snapshot | None) -> None:
    if snapshot is not None:
        basket.snapshots[visit] = snapshot
    for capture in ledger.captures_of(visit):
        basket.captures[capture.id] = capture


# ------------------------------------------------------------------------------------------------ what goes with it


def _kept(ledger: Ledger, basket: _Basket) -> tuple[Kept, ...]:
    found, total = [], 0
    for capture in sorted(basket.captures.values(), key=lambda one: (one.requested_at, one.leaf or 0)):
        if capture.foreign:
            if capture.id in basket.shown:
                raise UsageError(
                    f"capture {capture.id} was made by others: this watcher cannot vouch for it",
                    hint="hand on the file that it came from",
                )
            continue
        leaf = _leaf(ledger.leaf_of_capture(capture.id), f"capture {capture.id}")
        shown = capture.visit in basket.whole or capture.id in basket.shown
        request, response, shown = _bytes(ledger, capture, shown)
        total += len(request) + len(response)
        if total > MOST_BYTES:
            raise UsageError("that is more than fits into one bundle", hint="choose a shorter span, or single events")
        kept = Kept(capture=capture, leaf=leaf, request=request, response=response, bytes_included=shown)
        found.append(_with_reading(ledger, kept))
    return tuple(found)


def _bytes(ledger: Ledger, capture: Capture, shown: bool) -> tuple[bytes, bytes, bool]:
    """The bytes of a capture, if they are to be shown and are still there; digests stay when they were pruned."""
    if not shown or is_erased(ledger, capture.id):
        return b"", b"", False
    return (*ledger.wire(capture.id), True)


def is_erased(ledger: Ledger, capture: str) -> bool:
    """Whether the body of a capture was pruned."""
    row = ledger.connection.execute(
        "SELECT b.erased FROM capture c JOIN body b ON b.id = c.body WHERE c.id = ?", (capture_number(capture),)
    ).fetchone()
    return row is not None and row[0] is not None


def _with_reading(ledger: Ledger, kept: Kept) -> Kept:
    reading = ledger.reading(kept.capture.id)
    if reading is None:
        return kept
    return replace(kept, reading=reading, reading_leaf=ledger.leaf_of_reading(kept.capture.id))


def _seen(ledger: Ledger, basket: _Basket) -> tuple[Seen, ...]:
    def make() -> Iterator[Seen]:
        for visit, snapshot in basket.snapshots.items():
            leaf = _leaf(ledger.leaf_of_snapshot(visit), f"visit {visit}")
            yield Seen(snapshot=snapshot, leaf=leaf, whole=visit in basket.whole)

    return tuple(sorted(make(), key=lambda seen: (seen.snapshot.taken_at, seen.leaf.index)))


def _descriptors(ledger: Ledger, kept: Sequence[Kept]) -> tuple[Descriptor, ...]:
    """The descriptors of the onions concerned that were fetched within a day of the captures, the nearest first."""
    found: list[Descriptor] = []
    first, last = kept[0].capture.requested_at, kept[-1].capture.requested_at
    hosts = dict.fromkeys(urlsplit(one.capture.url).hostname or "" for one in kept if one.bytes_included)
    wanted = {sha256(host.encode()).hexdigest(): host for host in hosts if host.endswith(".onion")}
    for index, record in ledger.acts("descriptor"):
        at, host = datetime.fromisoformat(str(record["at"])), wanted.get(str(record["onion"]))
        path = ledger.folder / DESCRIPTORS / f"{record['descriptor']}.hsdesc"
        if host and first - DAY <= at <= last + DAY and path.is_file():
            found.append(Descriptor(onion=host, text=path.read_bytes(), leaf=Leaf(index=index, record=record)))
    return tuple(found[-MOST_DESCRIPTORS:])


def _leaf(leaf: Leaf | None, what: str) -> Leaf:
    if leaf is None:
        raise StoreDamaged(f"{what} has no leaf in the custody log", hint="watcher verify says what is lost")
    return leaf


# ------------------------------------------------------------------------------------------------------- the heads


def _heads(
    ledger: Ledger, key: SigningKey | KnownKey, leaves: Sequence[Leaf], told: Sequence[Leaf]
) -> tuple[Head, ...]:
    """The heads that prove most: the first that covers all, the first time-stamped one that does, and for the
    first capture and each event the first over it (which went out with the alert) and the first time-stamped."""
    last = max(leaf.index for leaf in leaves)
    stamped = {stamp.size for stamp in ledger.stamps() if stamp.state == "stamped"}
    every = [head for signed in ledger.checkpoints() if (head := _own(signed, key)) is not None]
    found: dict[int, Head] = {}
    for index in {min(leaf.index for leaf in leaves), last, *(leaf.index for leaf in told)}:
        over = [head for head in every if head.size > index]
        found |= {head.size: head for head in over[:1]}
        found |= {head.size: head for head in [head for head in over if head.size in stamped][:1]}
    if not any(size > last for size in found):
        found[last + 1] = _fresh(ledger, key, last)
    return tuple(_with_stamps(ledger, found[size]) for size in sorted(found))


def _own(head: SignedHead, key: SigningKey | KnownKey) -> Head | None:
    """The head as it was first signed, cosignatures apart; None if another key signed it."""
    signed = note.parse(head.note.encode())
    mine = signed.by(key.verifier)
    if not mine:
        return None
    others = [s for s in signed.signatures if s not in mine]
    return Head(
        size=head.size,
        root=note.parse_checkpoint(signed).root,
        note=note.Note(text=signed.text, signatures=mine).encode(),
        made_at=head.signed_at,
        cosignatures="".join(note.signature_line(s) for s in others).encode(),
    )


def _fresh(ledger: Ledger, key: SigningKey | KnownKey, last: int) -> Head:
    """A head signed now, where none covers what is asked for: a watcher that was stopped before it signed."""
    root = merkle.root(last + 1, ledger.log.node_at)
    made = ledger.record_of(last)["at"]
    if not isinstance(made, str):
        raise EvidenceError(f"the record of leaf {last} has no time")
    signed = key.checkpoint(last + 1, root).encode()
    return Head(size=last + 1, root=root, note=signed, made_at=datetime.fromisoformat(made))


def _with_stamps(ledger: Ledger, head: Head) -> Head:
    found = tuple(
        Token(authority=stamp.authority, token=stamp.token, time=tokens.claimed_time(stamp.token))
        for stamp in ledger.stamps(head.size)
        if stamp.state == "stamped"
    )
    return replace(head, tokens=found)
