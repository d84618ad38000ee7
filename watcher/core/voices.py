"""What a fleet remembers of a site between visits: what each vantage last showed, lacked, and concluded.

It is kept in the roster's ``notes``, as JSON, as a lone watcher keeps its own memory there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from watcher.records import Event, Snapshot

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Lack:
    """A known entry that a vantage's last complete copy lacks, and since when."""

    since: datetime
    """When the first copy in the row that lacks it was there."""
    lacks_in: str
    """That copy's first capture."""
    last: datetime
    count: int = 0
    """Complete copies in a row."""
    had: bool = False
    """The vantage showed the entry before."""


@dataclass(slots=True, kw_only=True)
class Loss:
    """A vantage's own withdrawal of an entry."""

    event: str
    not_before: datetime | None
    not_after: datetime
    confirmed_at: datetime
    before: str | None
    after: str | None
    why: tuple[str, ...]

    @classmethod
    def of(cls, event: Event) -> Loss:
        return cls(
            event=event.id,
            not_before=event.not_before,
            not_after=event.not_after,
            confirmed_at=event.confirmed_at,
            before=event.before,
            after=event.after,
            why=event.why,
        )


@dataclass(slots=True, kw_only=True)
class Voice:
    """One vantage, as far as it speaks of this site."""

    looked: datetime | None = None
    """When its last complete copy was asked for."""
    looked_in: str = ""
    looks: int = 0
    lacks: dict[str, Lack] = field(default_factory=dict)
    """By roster key; a known entry that is not here stood on the last complete copy."""
    lost: dict[str, Loss] = field(default_factory=dict)
    """By roster key."""
    fresh: dict[str, int] = field(default_factory=dict)
    """Page key of an entry that nobody told of yet to complete copies that show it."""
    trouble: str = ""
    """The site event that it told last, and has not taken back."""

    def lack(self, key: str, snapshot: Snapshot, capture: str, *, had: bool) -> None:
        """Adds a complete copy that lacks the entry."""
        lack = self.lacks.get(key)
        if lack is None:
            since = snapshot.finished_at
            lack = self.lacks[key] = Lack(since=since, lacks_in=capture, last=snapshot.taken_at, had=had)
        lack.count += 1
        lack.last = max(lack.last, snapshot.taken_at)


@dataclass(slots=True, kw_only=True)
class Notes:
    """All vantages that ever spoke of a site."""

    voices: dict[str, Voice] = field(default_factory=dict)
    now: datetime = NEVER
    """The latest time that any of them named."""
    told: dict[str, str] = field(default_factory=dict)
    """Roster key to the kind of the last event told of it."""
    said: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Kind of site event to the vantage that told it last, and when."""
    trouble: str = ""
    """What the site itself is told to have."""
    disputed: dict[str, datetime] = field(default_factory=dict)
    """Roster keys of which vantages are told to disagree, and since when."""

    @property
    def looked(self) -> datetime:
        """When the last complete copy of them all was asked for."""
        return max((voice.looked for voice in self.voices.values() if voice.looked is not None), default=NEVER)


_decode = msgspec.json.Decoder(Notes).decode
_encode = msgspec.json.Encoder().encode


def load(data: bytes) -> Notes:
    """The notes; empty at first."""
    return _decode(data) if data else Notes()


def save(notes: Notes) -> bytes:
    return _encode(notes)
