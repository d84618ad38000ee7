"""Events made of conclusions: named by their contents, their windows never backwards, reasons in words and in prose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from watcher.core.watchlist import Watch, watched
from watcher.records import ENTRY_KINDS, Entry, Event, EventKind, RosterEntry, Snapshot

STEPPED_BACK = "clock-stepped-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When it happened, and the captures that show the state before and after."""

    not_before: datetime | None
    not_after: datetime
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What some kinds of event say besides."""

    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    was: str = ""


def as_entry(held: RosterEntry) -> Entry:
    """The entry as the roster knows it, under the roster's key."""
    return Entry(key=held.key, title=held.title, url=held.url, fields=held.fields)


def tell(
    kind: EventKind,
    snapshot: Snapshot,
    held: RosterEntry | None,
    window: Window,
    why: Sequence[str],
    *,
    watchlist: Sequence[Watch] = (),
    details: Details | None = None,
) -> Event:
    """The event, with an id from what it says (not from when or why it was concluded)."""
    details = details or Details()
    not_before, not_after, words = window.not_before, window.not_after, tuple(why)
    if not_before is not None and not_before > not_after:
        not_before, not_after = not_after, not_before
        words = (*words[:-1], STEPPED_BACK, words[-1]) if words else (STEPPED_BACK,)
    event = Event(
        id="",
        kind=kind,
        site=snapshot.site,
        entry=as_entry(held) if held is not None and kind in ENTRY_KINDS else None,
        not_before=not_before,
        not_after=not_after,
        confirmed_at=snapshot.finished_at,
        before=window.before,
        after=window.after,
        why=words,
        changes=details.changes,
        was=details.was,
        watchlist=_watched(watchlist, held, details.was),
        vantage=snapshot.vantage,
    )
    return replace(event, id=event_id(event))


def _watched(watchlist: Sequence[Watch], held: RosterEntry | None, was: str) -> tuple[str, ...]:
    if held is None or not watchlist:
        return ()
    names = watched(watchlist, held.title, held.fields, held.url)
    for former in {was, *held.aliases} - {""}:
        names += tuple(name for name in watched(watchlist, former, {}) if name not in names)
    return names


def event_id(event: Event) -> str:
    """``e`` and 16 hex digits of the SHA-256 of what the event says happened."""
    said = [
        event.kind,
        event.site,
        event.vantage,
        None if event.entry is None else [event.entry.key, event.entry.title],
        _moment(event.not_before),
        _moment(event.not_after),
        event.before,
        event.after,
        sorted([name, *values] for name, values in event.changes.items()),
        event.was,
    ]
    return "e" + sha256(msgspec.json.encode(said)).hexdigest()[:16]


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


# --------------------------------------------------------------------------------------------------------- prose


def withdrawn_prose(words: Sequence[str], captures: int) -> str:
    """One sentence on a withdrawal, from its machine words."""
    said = set(words)
    plural = "captures" if captures != 1 else "capture"
    sentence = (
        f"The name is gone from the listing (the page's list or header menu) in {captures} complete {plural} in a row"
    )
    if "detail-offline" in said:
        sentence += ", and its own page is offline while the page of another entry answers"
    elif "detail-still-up" in said:
        sentence += ", but its own page is still up"
    if any(word.startswith("mirrors-agree") for word in said):
        sentence += ", on more than one mirror"
    if any(word.startswith("mirror-still-shows") for word in said):
        sentence += "; another mirror still shows it"
    if "site-says-empty" in said:
        sentence += "; the site itself says that its list is empty"
    if "control-majority" in said:
        sentence += "; most of the other entries were there each time"
    if "sure-by:lasted" in said:
        sentence += "; it looked like a fault at first, and outlasted the wait for one"
    return sentence + "."
