"""The nouns: frozen records that every other module speaks in.

One word per idea; ``docs/glossary.md`` says what each word means. All times are aware datetimes in UTC. Durations say
their unit. Records are changed by ``dataclasses.replace``; ``msgspec`` turns them to JSON and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

StandingName = Literal["listed", "missing", "withdrawn"]
EventKind = Literal[
    "listed", "changed", "renamed", "withdrawn", "relisted",
    "unreachable", "blocked", "seized", "redesigned", "vanished", "recovered", "vantages-disagree",
]  # fmt: skip
ENTRY_KINDS: frozenset[str] = frozenset({"listed", "changed", "renamed", "withdrawn", "relisted"})
MISS_VERDICTS: frozenset[str] = frozenset({"unreachable", "timeout", "refused", "refused-content"})
SPEAKING: frozenset[str] = frozenset({"listing", "empty"})
"""Verdicts of pages that, where they are whole, speak of absence."""
PAGE_VERDICTS: frozenset[str] = frozenset(
    {"listing", "empty", "partial", "blocked", "login", "seized", "redesigned", "error", "unreadable", "detail"}
)


# ---------------------------------------------------------------------------------------------- what is watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """How one field is taken from a record."""

    css: str = ""
    """CSS below the record (or a JMESPath for ``format = "json"``); empty: the record itself."""
    attr: str = ""
    """The attribute to take; empty: the visible text."""
    regex: str = ""
    """Keep group 1 (or the whole match) of this; no match means no value."""
    template: str = ""
    """What to build from the value, ``{}`` standing for it, e.g. ``"/company/{}"``."""
    nth: int = 0
    """Which of several matches, from 0; negative counts from the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How entries are read from a page: given in ``[site.rule]`` or learned."""

    entry: tuple[str, ...]
    """CSS (or JMESPath), one match a record; alternatives, the first that matches counts."""
    fields: Mapping[str, tuple[Selector, ...]]
    """``title``, ``link`` and any other field; alternatives, the first that gives a value counts."""
    skip: tuple[str, ...] = ()
    """Titles that are no entries."""
    format: Literal["html", "json"] = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One publication kept by one operator, whatever address serves it."""

    name: str
    mirrors: tuple[str, ...]
    every: timedelta | Literal["adaptive"] = timedelta(minutes=15)
    detail: bool = True
    """Whether entries' own pages may be probed."""
    pages: str = ""
    """Pagination by address, ``{n}`` standing for the number: ``page/{n}/``."""
    next: str = ""
    """Pagination by link: ``CSS@attribute``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    rule: Rule | None = None
    vantages: int | None = None
    """How many vantages of a fleet look at it; None: as ``[fleet] each`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a conclusion may be drawn."""

    confirm_visits: int = 3
    confirm_after: timedelta = timedelta(minutes=30)
    confirm_gap: timedelta = timedelta(minutes=5)
    structural_after: timedelta = timedelta(hours=12)


# ------------------------------------------------------------------------------------- what came over the wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and everything that came back, byte for byte, or how it failed."""

    url: str
    mirror: str
    """The mirror this address belongs to (the redirecting address's, for a hop)."""
    request: bytes = b""
    """As written to the proxy's stream; empty if nothing was sent."""
    response: bytes = b""
    """As received, framing and interim responses included; empty if nothing came."""
    requested_at: datetime
    finished_at: datetime
    status: int | None = None
    """Of the final response; None for a miss."""
    verdict: str = ""
    """For a miss, one of ``MISS_VERDICTS``; else empty."""
    why: tuple[str, ...] = ()
    """Machine words first (``socks:F2``, ``read-timeout``), then prose."""
    cut: str = ""
    """Why the transfer did not finish (``length``, ``chunked``, ``reset``, ``limit``, ``deadline``); empty: it did."""
    isolation: str = ""
    """The SOCKS credential that chose the circuit."""
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    """Transport facts: ``socks_reply``, ``monotonic_start``, ``boot_id``, ``clock_state``, ``tls_chain_sha256`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Bytes and transport facts of one retrieval of one URI (ISO 28500 capture event); or, without a status, a miss."""

    id: str
    site: str
    target: str
    """``listing`` or ``detail``."""
    visit: str
    """The visit it belongs to: ``SITE@TIME``; sorts by time within a site."""
    url: str
    mirror: str
    requested_at: datetime
    finished_at: datetime
    status: int | None
    verdict: str
    """A miss's verdict; a reading's once it was read; empty between."""
    why: tuple[str, ...]
    complete: bool = False
    """Whether it was received and read whole."""
    cut: str
    isolation: str
    body_digest: str | None
    """SHA-256 (hex) of the body: the payload as received, transfer framing taken off, content coding left on."""
    body_bytes: int
    stored_bytes: int
    """New bytes that this capture cost on disk for its body."""
    leaf: int | None
    """Its index in the custody log."""
    vantage: str
    foreign: bool = False
    """Brought in from elsewhere: its time and origin are claims."""
    facts: Mapping[str, str | int | float] = field(default_factory=dict)

    @property
    def is_miss(self) -> bool:
        return self.status is None


# --------------------------------------------------------------------------------------------- what a page says


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One capture's decoded body, ready to be read."""

    body: bytes
    """Transfer and content coding taken off."""
    url: str
    status: int
    content_type: str = ""
    cut: str = ""
    """Why the transfer or the decoding did not finish; empty: it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the configuration says of a listing page, and where in the listing it is."""

    rule: Rule | None = None
    pages: str = ""
    """Pagination by address: ``page/{n}/``."""
    next: str = ""
    """Pagination by link: ``CSS@attribute``."""
    number: int = 1
    """Of the page in the listing, from 1."""
    mirror: str = ""
    """The address at which the listing begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item published on a site: a claim against a victim."""

    key: str
    """What stays the same between captures of it; unique on its page; never contains the host."""
    title: str
    url: str = ""
    """Absolute; empty if the entry has no page of its own."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """``description``, ``status``, ``date``, ``deadline``, ``domain`` …: visible words, white space folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one capture says."""

    verdict: str
    """One of ``PAGE_VERDICTS``."""
    why: tuple[str, ...] = ()
    complete: bool = False
    """This page was received and read whole, so that absence from it means something."""
    entries: tuple[Entry, ...] = ()
    next_urls: tuple[str, ...] = ()
    """Further pages of the same listing that this page names; absolute, in order, without itself."""
    text: str = ""
    """The visible text, white space folded: to see whether a name stands elsewhere on the page."""
    rule: Rule | None = None
    """The rule that read it, given or learned."""
    rule_digest: str = ""
    """SHA-256 (hex) of the canonical JSON of ``rule``; empty without one."""
    provisional: bool = False
    """The rule is a first guess: entries may be added or lost by a better one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the captures of one visit to one listing say together; can be made again from them."""

    site: str
    visit: str
    mirror: str
    vantage: str
    taken_at: datetime
    """When the first page was asked for."""
    finished_at: datetime
    verdict: str
    """The worst of its pages' verdicts, or the miss's."""
    why: tuple[str, ...] = ()
    complete: bool = False
    """All pages of the listing were captured whole: only then is absence meant."""
    entries: tuple[Entry, ...] = ()
    """In page order; keys are unique."""
    text: str = ""
    captures: tuple[str, ...] = ()
    """Ids, in page order."""
    seen_in: Mapping[str, str] = field(default_factory=dict)
    """Entry key to the id of the capture that shows it; an entry not named here is in the first capture."""
    isolation: str = ""
    rule_digest: str = ""
    provisional: bool = False
    backfill: bool = False
    """Read by a new or mended rule, or replayed: news in it is old and is not told."""


# ------------------------------------------------------------------------------------------- what is concluded


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterEntry:
    """The standing of one entry ever seen on a site."""

    key: str
    """The key under which it was first seen; kept through renames."""
    title: str
    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    standing: StandingName = "listed"
    first_seen: datetime
    last_seen: datetime
    seen_in: str
    """The last capture that shows it."""
    missing_since: datetime | None = None
    """When the first complete snapshot that lacks it was taken."""
    missing_in: str | None = None
    """The first capture that lacks it."""
    withdrawn_at: datetime | None = None
    aliases: tuple[str, ...] = ()
    """Titles it went by before."""
    absences: int = 0
    """Complete snapshots in a row that lack it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """What is believed of a site: every entry's standing, and what the decision remembers."""

    site: str
    entries: Mapping[str, RosterEntry] = field(default_factory=dict)
    notes: bytes = b""
    """The decision's own memory (baseline, open episodes, recent sets …), opaque to everyone else; JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a look at an entry's own page said."""

    key: str
    """Of the roster entry."""
    answer: Literal["alive", "gone", "unknown"]
    """``gone``: the site answered, and said that there is no such page. A failing site is ``unknown``."""
    control: bool = False
    """The page of an entry that is still listed, asked for to see whether detail pages answer at all."""
    capture: str
    at: datetime
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A dated conclusion. It happened after ``not_before`` and no later than ``not_after``."""

    id: str
    """From its contents, so that a conclusion drawn twice is one event."""
    kind: EventKind
    site: str
    entry: Entry | None
    """With the roster's key; None for what concerns the whole site."""
    not_before: datetime | None
    not_after: datetime
    confirmed_at: datetime
    before: str | None
    """The capture that shows the state before."""
    after: str | None
    """The capture that shows the state after."""
    why: tuple[str, ...]
    """Machine words first (``absent-from-listing:3``, ``detail-offline``), then prose."""
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For ``changed``: field to old and new value."""
    was: str = ""
    """For ``renamed``: the title before."""
    watchlist: tuple[str, ...] = ()
    vantage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from one snapshot."""

    roster: Roster
    events: tuple[Event, ...] = ()
    look_again: timedelta | None = None
    """Ask for a quick look after this long; None: the schedule will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorStatus:
    """How one address of a site did lately."""

    url: str
    verdict: str
    last_visit: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStatus:
    """How a target stands."""

    site: str
    target: str
    verdict: str
    """Of the last visit; empty before the first."""
    last_visit: datetime | None
    last_complete: datetime | None
    next_visit: datetime | None
    listed: int
    misses_in_a_row: int
    mirrors: tuple[MirrorStatus, ...]
    every: timedelta | None = None
    """How often it is looked at now; None: nobody asked."""
    because: str = ""
    """Why so often, for people."""
    paused_until: datetime | None = None
    """Nobody is to look at it until then; None: it is not paused."""
    paused_by: str = ""
    """Who says so."""
