"""What the decision remembers of a site between visits, beside the roster: JSON, bounded by the number of entries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import xxhash

from watcher.core.noise import Flutter

VERSION = 1
RUNS = 48
"""So many different sets of entries are remembered, to know an old page again."""
LOOKS = 12
"""So many of the last visits are remembered as good or bad."""
TAG = 11
"""Letters of a tag."""


class Run(msgspec.Struct, array_like=True):
    """Visits in a row that showed one set of entries."""

    set_print: str
    texts: list[str]
    """Digests of the visible text, the last few."""
    visits: int
    last: datetime
    """When the last visit of the run was made."""
    order: str = ""
    """Digest of the last page's order."""


class Lack(msgspec.Struct, array_like=True):
    """One mirror's complete snapshots in a row that lack an entry."""

    count: int = 0
    clean: int = 0
    """Those in which nothing looked like a fault."""
    agreed: int = 0
    """Those that lacked the very same entries as another mirror did at its last look."""


class Absence(msgspec.Struct, omit_defaults=True):
    """One entry's being missing, from the first complete snapshot that lacks it."""

    had: datetime | None
    """When the last complete snapshot that had it was taken; None if there was none."""
    had_in: str | None
    after: datetime
    """When the first one that lacks it was finished."""
    lacks_in: str | None
    began: int
    """Number of the visit that first lacked it: entries with the same one were lost together."""
    since: float = 0.0
    """``Notes.passed`` at the last snapshot that counted here."""
    count: int = 0
    """Complete snapshots in a row that lack it, on whatever mirror."""
    clean: int = 0
    """Those among them in which nothing looked like a fault."""
    elapsed: float = 0.0
    """Seconds that surely passed between the first and the last of them, however the clock was set."""
    total: float = 0.0
    """The same, from when a mirror first lacked it, though others have shown it since."""
    circuits: list[str] = []
    mirrors: dict[str, Lack] = {}
    """By mirror; one that shows it again is dropped."""
    shown: dict[str, int] = {}
    """Mirrors that showed it after another lacked it, and how often."""
    stale: dict[str, int] = {}
    """Mirrors that showed it on an old page, and how often since another lacked it; they hold nothing up."""
    first: tuple[datetime | None, str | None, datetime, str | None] | None = None
    """Had, had in, after, lacks in, as they were before another mirror showed it."""
    doubts: list[str] = []
    """Why the loss looks like a fault, as of the last snapshot."""
    gone: int = 0
    """Probes in a row of its own page that said so while a control answered."""
    answer: str = ""
    """Of the last probe that knew."""
    probes: int = 0
    cap: int = 0
    """It may have rolled off the end of a list that holds no more than this; 0: it did not."""
    empty: bool = False
    """The page that lacked it last was empty."""
    moving: bool = False
    """Many more were lost with the last page: whatever is the matter is not over."""
    room: int = 0
    """The most entries of a page that lacked it and did not look like a fault."""
    freed: bool = False
    """The list held more since: it did not roll off."""
    pushed: bool = False
    """Something came to a full list since it was there, before a page lacked it that did not look like a fault."""
    astray: bool = False
    """The order changed since it was there, in another way than by news at one end: its place is not known."""
    fewer_pages: bool = False
    """The listing had more pages when it was there."""
    shuffled: bool = False
    """The page on which it first lacked was shuffled."""
    resting: bool = False
    """Another mirror showed it last: it is listed, until a mirror lacks it again."""


class Flip(msgspec.Struct, omit_defaults=True):
    """Something that may come from an old page, or from a rule that is a guess: told only when it stays."""

    said: str
    """Digest of what was said; when something else is said, it begins anew."""
    after: datetime
    """When the first snapshot that said it was finished."""
    after_in: str | None
    visit: int
    """Number of the last visit that said it."""
    seen: int = 1
    since: float = 0.0
    """``Notes.passed`` when it was last said."""
    elapsed: float = 0.0
    had: datetime | None = None
    had_in: str | None = None
    circuits: list[str] = []


class Episode(msgspec.Struct, omit_defaults=True):
    """Something that is the matter with a site: told once, until it is over."""

    count: int = 0
    first: datetime | None = None
    """When the first visit that showed it was finished."""
    first_in: str | None = None
    last: datetime | None = None
    had: datetime | None = None
    """When the last visit before it was made that was well."""
    had_in: str | None = None
    mirrors: list[str] = []
    told: bool = False
    keys: list[str] = []
    verdict: str = ""
    good: int = 0
    """Good snapshots in a row since it was last the matter."""


class Clock(msgspec.Struct, array_like=True):
    """Both clocks at the last visit, and how long is surely waited."""

    at: datetime
    ran: float | None
    boot: str
    state: str
    passed: float = 0.0
    """Seconds that surely passed since something began to wait."""


class Growth(msgspec.Struct, array_like=True, frozen=True):
    """How the list grew since its order last changed in any other way than by news at one end."""

    begun: bool = False
    ahead: int = 0
    """New entries that came before all others; after all others, if negative."""
    rolls: bool = False
    """As they came, entries were lost from the other end of a full page."""


class Notes(msgspec.Struct, omit_defaults=True):
    """All of it."""

    version: int = VERSION
    visits: int = 0
    complete: int = 0
    settled: bool = False
    """There is a baseline: what is new from now on is told."""
    sure: bool = False
    """It was read by a rule that is no guess."""
    stable: int = 0
    """Complete snapshots in a row that one rule read."""
    order: str = ""
    """Tags of the roster keys on the last complete page, in order; those missing keep their places."""
    trusted: str = ""
    """Tags of what was on the last complete page that did not look faulty, in order."""
    alias: dict[str, str] = {}
    """Page key to roster key, where they differ."""
    mirrors: list[str] = []
    """Mirrors that ever showed a complete listing."""
    rolled: dict[str, tuple[int, int]] = {}
    """Roster key of what may have rolled off and was seen again: what the list held if it seemed so, and the visit. It
    may have been an old page."""
    behind: dict[str, list[str]] = {}
    """Roster key of what came lately to the mirrors that have shown it, until all have."""
    lost_on: dict[str, str] = {}
    """Mirror to a digest of what it lacked at its last complete look."""
    apart: int = 0
    """How often one mirror lacked an entry before and after another showed it: then they do not fail together."""
    clings: dict[str, list[str]] = {}
    """Roster key of what was withdrawn, to the mirrors that have lacked it: only they can say that it is back."""
    came: dict[str, datetime] = {}
    """Roster key to when it was listed again; every other entry came when it was first seen."""
    whole: dict[str, tuple[datetime, str]] = {}
    """Roster key to the last complete snapshot that had it, where the entry was seen since in an incomplete one."""
    absences: dict[str, Absence] = {}
    runs: list[Run] = []
    clock: Clock | None = None
    """While something waits for time to pass."""
    looks: str = ""
    """One letter a visit: ``g`` good, ``d`` doubtful, ``b`` bad."""
    rule: str = ""
    rule_since: datetime | None = None
    """When it first read the site."""
    at_front: int = 0
    """New entries that came before all others on the page …"""
    at_end: int = 0
    """… and after all others."""
    growth: Growth = Growth()
    longest: int = 0
    """The most entries that a complete snapshot ever had, since the design last changed."""
    pages: int = 0
    flutter: dict[str, Flutter] = {}
    former: dict[str, list[str]] = {}
    """Roster key to digests of what its fields said before."""
    flips: dict[str, Flip] = {}
    episodes: dict[str, Episode] = {}
    fresh: dict[str, int] = {}
    """Just listed: their own pages are still to be seen; how many visits had the chance."""
    since: datetime | None = None
    """When the last complete snapshot was taken."""
    since_in: str | None = None
    reached: datetime | None = None
    """When the site last answered with its list."""
    reached_in: str | None = None
    usual: int = 1
    """How often an entry's name stands on the page, for most entries."""
    names: dict[str, int] = {}
    """Roster key to how often its name stands there, where that is not as usual."""
    first_text: str = ""
    last_text: str = ""
    """While the rule is a guess: the folded text of the first and the last page, packed."""
    moving: int = 0
    """How often the same set came with another text, less how often with the same."""

    @property
    def passed(self) -> float:
        return self.clock.passed if self.clock is not None else 0.0


def load(notes: bytes) -> Notes:
    """The notes of a roster; empty ones for a new roster, or where they cannot be read."""
    if not notes:
        return Notes()
    try:
        found = msgspec.json.decode(notes, type=Notes)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Notes()
    return found if found.version == VERSION else Notes()


def save(notes: Notes) -> bytes:
    """The notes as JSON."""
    return msgspec.json.encode(notes)


def tag(text: str) -> str:
    """Eleven letters that stand for a text."""
    return xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))[:TAG]


def tags(order: str) -> list[str]:
    """The tags in a joined string of them."""
    return [order[at : at + TAG] for at in range(0, len(order), TAG)]


def set_print(keys: Sequence[str]) -> str:
    """One digest for a set of keys, whatever its order."""
    total = 0
    for key in keys:
        total ^= xxhash.xxh3_64_intdigest(key.encode("utf-8", "surrogatepass"), seed=7)
    return f"{total:016x}{len(keys)}"
