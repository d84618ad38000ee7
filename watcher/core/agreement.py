"""What a fleet decides with: the rule, one arrival and what follows from it, and events of the index's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from watcher.core.identity import fold_title, own_path
from watcher.core.tell import as_entry, event_id
from watcher.core.voices import Notes, Voice
from watcher.core.watchlist import Watch, watched
from watcher.records import Event, EventKind, Policy, RosterEntry, Snapshot

AGREES = "agrees:"
"""Stands before the name of a vantage among the reasons of an event that it agrees to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """When the vantages of a fleet agree."""

    index: str
    """Who concludes: the name that its own events bear."""
    agree: int = 1
    """How many vantages a withdrawal needs, each on its own captures."""
    policy: Policy = field(default_factory=Policy)
    watchlist: tuple[Watch, ...] = ()


@dataclass(slots=True, kw_only=True)
class Table:
    """One arrival, and what follows from it."""

    snapshot: Snapshot
    rule: Agreement
    notes: Notes
    entries: dict[str, RosterEntry]
    told: list[Event] = field(default_factory=list)

    @property
    def voice(self) -> Voice:
        return self.notes.voices[self.snapshot.vantage]

    def speaking(self) -> dict[str, Voice]:
        """The vantages that still look."""
        hold = self.rule.policy.structural_after
        return {
            name: voice
            for name, voice in sorted(self.notes.voices.items())
            if voice.looked is not None and self.notes.now - voice.looked <= hold
        }

    def stand(self, key: str, **changes: Any) -> None:
        """Change what is believed of an entry."""
        self.entries[key] = replace(self.entries[key], **changes)


def tell(table: Table, event: Event, key: str) -> None:
    table.notes.told[key] = event.kind
    table.told.append(event)


def own(table: Table, event: Event, kind: EventKind) -> Event:
    """A vantage's event, told as one of another kind."""
    own = replace(event, kind=kind, why=(f"told-as:{event.kind}", *event.why), vantage=table.rule.index)
    return replace(own, id=event_id(own))


def made(
    table: Table,
    kind: EventKind,
    key: str | None,
    *,
    window: tuple[datetime | None, datetime],
    sides: tuple[str | None, str | None],
    why: tuple[str, ...],
    named: Sequence[str] = (),
) -> Event:
    """An event of the index's own."""
    concerned = [table.entries[one] for one in ([key] if key is not None else named)]
    names = [
        name for held in concerned for name in watched(table.rule.watchlist, held.title, held.fields, held.url)
    ] if table.rule.watchlist else []  # fmt: skip
    event = Event(
        id="",
        kind=kind,
        site=table.snapshot.site,
        entry=None if key is None else as_entry(table.entries[key]),
        not_before=window[0],
        not_after=window[1],
        confirmed_at=table.notes.now,
        before=sides[0],
        after=sides[1],
        why=why,
        watchlist=tuple(dict.fromkeys(names)),
        vantage=table.rule.index,
    )
    return replace(event, id=event_id(event))


def key_of(entries: Mapping[str, RosterEntry], event: Event) -> str | None:
    """The roster key that the entry of a vantage's event goes by here: vantages may have met it under other names."""
    entry = event.entry
    if entry is None:
        return None
    if entry.key in entries:
        return entry.key
    path = own_path(entry.url)
    titles = {fold_title(title)[0] for title in (entry.title, event.was) if title}
    for fits in (
        [key for key, held in entries.items() if path and own_path(held.url) == path],
        [key for key, held in entries.items() if titles & {fold_title(t)[0] for t in (held.title, *held.aliases)}],
    ):
        if len(fits) == 1:
            return fits[0]
    return None


def same_entry(event: Event, other: Event) -> bool:
    """Whether both events are about one entry, whatever names it goes by."""
    entry = other.entry
    if entry is None:
        return False
    at = other.not_after
    held = RosterEntry(key=entry.key, title=entry.title, url=entry.url, first_seen=at, last_seen=at, seen_in="")
    return key_of({entry.key: held}, event) is not None


def agreeing(why: Iterable[str]) -> list[str]:
    """The vantages that agree, by an event's reasons."""
    return [word.removeprefix(AGREES) for word in why if word.startswith(AGREES)]
