"""What a bundle is made of: captures, snapshots, events, their leaves in the custody log, and the log's heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from watcher.core.custody import Record
from watcher.core.merkle import NodeAt
from watcher.records import Capture, Entry, Event, Reading, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One act in the custody log."""

    index: int
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A capture or miss, and all that is kept of it."""

    capture: Capture
    leaf: Leaf
    request: bytes = b""
    response: bytes = b""
    bytes_included: bool = False
    """Whether its bytes go into the archive; else its digests alone are shown."""
    reading: Reading | None = None
    reading_leaf: Leaf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A snapshot: what one visit to a listing showed."""

    snapshot: Snapshot
    leaf: Leaf
    """Its own, or that of its only reading, where that says the same."""
    whole: bool = True
    """Whether its entries go into the bundle; else only the commitment to them, with proofs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event and its leaf."""

    event: Event
    leaf: Leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One authority's word (RFC 3161) that a checkpoint existed."""

    authority: str
    token: bytes
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A checkpoint of the log, with what others say of it."""

    size: int
    root: bytes
    note: bytes
    """The signed note as it was made: what is stamped."""
    made_at: datetime
    tokens: tuple[Token, ...] = ()
    cosignatures: bytes = b""
    """Witnesses' signature lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """An onion service's own signed descriptor, as fetched."""

    onion: str
    text: bytes
    leaf: Leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that goes into one bundle, and the log to prove it by."""

    vkey: str
    vantage: str
    operator: str
    software: str
    heads: tuple[Head, ...]
    """By size, rising; the last covers every leaf."""
    node_at: NodeAt
    events: tuple[Told, ...] = ()
    snapshots: tuple[Seen, ...] = ()
    """By time."""
    kept: tuple[Kept, ...] = ()
    """By time."""
    descriptors: tuple[Descriptor, ...] = ()
    tsa_roots: bytes = b""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """Event id to a PNG of the pages before and after it, side by side, drawn without scripts or network."""
    hidden: tuple[str, ...] = ()
    """Names to be hidden."""
    packer: str = ""
    """The verifier key of who packed and signed the bundle, if not the vantage whose log it is."""

    def leaves(self) -> Iterator[Leaf]:
        """Every leaf that the bundle shows."""
        for kept in self.kept:
            yield kept.leaf
            if kept.reading_leaf:
                yield kept.reading_leaf
        for seen in self.snapshots:
            yield seen.leaf
        for told in self.events:
            yield told.leaf
        for descriptor in self.descriptors:
            yield descriptor.leaf

    def capture(self, name: str | None) -> Kept | None:
        """The capture with this id, if the bundle has it."""
        return next((kept for kept in self.kept if kept.capture.id == name), None)

    def snapshot_with(self, capture: str | None) -> Seen | None:
        """The snapshot that this capture is part of, if the bundle has it."""
        return next(
            (seen for seen in self.snapshots if capture is not None and capture in seen.snapshot.captures), None
        )


ONLY_AFTER = frozenset({"listed", "relisted"})
"""Kinds of which the copy before does not show the entry."""
ONLY_BEFORE = frozenset({"withdrawn", "vantages-disagree"})
"""Kinds of which the copy after does not show it."""


def keys_of(event: Event, material: Material) -> tuple[str, ...]:
    """The keys under which the event's entry stands on the pages that show it: before it went, since it came, or both.

    A key is looked for where the entry must be, and nowhere else: another entry may bear the same name."""
    if event.entry is None:
        return ()
    sides = [] if event.kind in ONLY_AFTER else [event.before]
    sides += [] if event.kind in ONLY_BEFORE else [event.after]
    found = [
        entry.key
        for seen in map(material.snapshot_with, sides)
        if seen is not None and (entry := locate(event, seen.snapshot)) is not None
    ]
    return tuple(dict.fromkeys(found)) or (event.entry.key,)


def entry_with(keys: tuple[str, ...], snapshot: Snapshot) -> Entry | None:
    """The entry that stands in the snapshot under one of these keys."""
    return next((entry for entry in snapshot.entries if entry.key in keys), None)


def locate(event: Event, snapshot: Snapshot) -> Entry | None:
    """The event's entry as the snapshot shows it: under its key, or, after a rename, by its page or its title, if only
    one entry has that."""
    wanted = event.entry
    if wanted is None:
        return None
    page = _path(wanted.url)
    for fits in (
        [entry for entry in snapshot.entries if entry.key == wanted.key],
        [entry for entry in snapshot.entries if page and _path(entry.url) == page],
        [entry for entry in snapshot.entries if entry.title == wanted.title],
        [entry for entry in snapshot.entries if event.was and entry.title == event.was],
    ):
        if len(fits) == 1:
            return fits[0]
    return None


def _path(url: str) -> str:
    """What of an address is the same on every mirror."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.netloc else ""
