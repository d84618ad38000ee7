"""What the good pages of one site taught, as it is remembered: no parser is needed to ask it.

Opaque to everyone else: JSON, bounded, worth keeping but never needed (without it a site is learned anew).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from watcher.core.learned import Learned

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What several good pages have in common."""

    pages: int = 0
    marks: tuple[int, ...] = ()
    words: tuple[int, ...] = ()
    closing: tuple[int, ...] = ()
    ends: tuple[str, ...] = ()
    left_open: int | None = None
    """Containers left open on every page, if it is always the same number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number on the page that equalled the number of rows on every good page so far."""

    place: int
    named: bool = False
    """Words beside it say that it counts ("Total", "companies")."""
    hits: int = 1
    """Pages on which it did."""
    values: tuple[int, ...]
    """The different numbers it showed, at most four."""

    @property
    def proven(self) -> bool:
        """It followed the number of rows when that changed: no coincidence."""
        return len(self.values) >= 2

    @property
    def trusted(self) -> bool:
        """It may be held against a page."""
        return self.proven or (self.named and self.hits >= 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Captures in a row of one page of the listing that broke the frame in the same way."""

    number: int
    """Of the page."""
    shape: int
    """In which way, as a hash."""
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the good pages of one site taught about the frame; bounded; JSON by msgspec."""

    base: Marks = Marks()
    """In force: what a page must show."""
    coming: Marks = Marks()
    """What will be in force at the end of the epoch."""
    counts: tuple[Count, ...] = ()
    rows: int = 0
    """Entries on the last good first page."""
    tail: tuple[str, ...] = ()
    """The last three titles of the last good first page."""
    echo: int = 0
    """How often a title stands on a good page, if it stands outside the records too (a side bar): one that stands there
    less often proves little. 0: titles stand in the records alone."""
    echoed: tuple[int, ...] = ()
    """Digests of the titles of the last good first page that stood outside the records too, if only some did (a side
    bar of the latest) and the list is short: where they stand now proves nothing of the list."""
    kind: str = ""
    """Of the last good page: html, json …"""
    usual: tuple[str, ...] = ()
    """What seems to be missing from every page of a careless site (``elements-not-closed``)."""
    strikes: tuple[Strike, ...] = ()
    """By page of the listing: how it broke the frame lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the good pages of one site taught."""

    version: int = VERSION
    learned: Learned = field(default_factory=Learned)
    frame: Frame = field(default_factory=Frame)
    rule: str = ""
    """Digest of the rule that was given when they were read; empty: none."""
    counted: tuple[int, ...] = ()
    """The last good pages, as hashes: the same page again teaches nothing, and leaves the memory as it is."""


def recall(memory: bytes) -> Memory:
    """The memory, or an empty one if it is of another version or damaged."""
    try:
        remembered = msgspec.json.decode(memory, type=Memory) if memory else Memory()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Memory()
    return remembered if remembered.version == VERSION else Memory()


def taught_more(before: bytes, after: bytes) -> bool:
    """Whether a memory says more than that further pages were counted that are like those before."""
    return before != after and _but_for_counts(recall(before)) != _but_for_counts(recall(after))


def _but_for_counts(memory: Memory) -> tuple[Memory, object]:
    frame = memory.frame
    like = replace(
        memory,
        learned=replace(memory.learned, pages=0),
        frame=replace(
            frame,
            base=replace(frame.base, pages=min(frame.base.pages, 2)),
            coming=replace(frame.coming, pages=min(frame.coming.pages, 1)),
            counts=tuple([replace(count, hits=0) for count in frame.counts]),
        ),
        counted=(),
    )
    return like, [count.trusted for count in frame.counts]
