"""How a reading and a snapshot are spelled in the ledger: what their captures already say is not said again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from watcher.edge.rows import decoder, moment, sayable
from watcher.records import Capture, Entry, Event, Reading, Snapshot

T = TypeVar("T")
Ordinal = int | str
"""A capture: which of its visit's captures it is, or, from another visit, its identifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A snapshot without what differs between two visits to an unchanged page: times and identifiers."""

    mirror: str
    vantage: str
    verdict: str
    why: tuple[str, ...]
    complete: bool
    entries: tuple[Entry, ...] | None
    """None: those of its readings, each key once."""
    text: str | None
    """As a digest; None: that of its one reading."""
    captures: tuple[Ordinal, ...]
    seen_in: Mapping[str, Ordinal]
    isolation: str | None
    """None: that of its first capture."""
    rule_digest: str
    provisional: bool
    backfill: bool


decode_event = decoder(Event)
decode_reading = decoder(Reading)
decode_said = decoder(Said)
_decode_why = decoder(tuple[str, ...])


encode = msgspec.json.Encoder().encode
"""A record as JSON. Raises UnicodeEncodeError for lone surrogates, which no file can hold: ``spelled`` is the mend."""


def spelled(value: T) -> T:
    """The record without lone surrogates: they become U+FFFD, and pairs of them the characters that they stand for."""
    return msgspec.convert(_spelled(msgspec.to_builtins(value)), type(value))


def _spelled(value: Any) -> Any:
    if isinstance(value, str):
        return sayable(value)
    if isinstance(value, dict):
        return {_spelled(key): _spelled(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(item) for item in value]
    return value


def encode_why(why: Sequence[str]) -> str:
    return encode(why).decode() if why else ""


def decode_why(text: str) -> tuple[str, ...]:
    return _decode_why(text) if text else ()


def merged(readings: Sequence[Reading]) -> tuple[Entry, ...]:
    """The entries of several pages in order, each key once."""
    if len(readings) == 1:
        return readings[0].entries
    entries: dict[str, Entry] = {}
    for reading in readings:
        for entry in reading.entries:
            entries.setdefault(entry.key, entry)
    return tuple(entries.values())


def said(snapshot: Snapshot, readings: Sequence[Reading], ids: Sequence[str], isolation: str) -> Said:
    """The snapshot (with its text as a digest), spelled beside its readings (likewise), its visit's captures ``ids``
    and the first capture's isolation."""
    place: dict[str, Ordinal] = {name: index for index, name in enumerate(ids)}
    return Said(
        mirror=snapshot.mirror,
        vantage=snapshot.vantage,
        verdict=snapshot.verdict,
        why=snapshot.why,
        complete=snapshot.complete,
        entries=None if snapshot.entries == merged(readings) else snapshot.entries,
        text=None if len(readings) == 1 and snapshot.text == readings[0].text else snapshot.text,
        captures=tuple(place.get(name, name) for name in snapshot.captures),
        seen_in={key: place.get(name, name) for key, name in snapshot.seen_in.items()},
        isolation=None if snapshot.isolation == isolation else snapshot.isolation,
        rule_digest=snapshot.rule_digest,
        provisional=snapshot.provisional,
        backfill=snapshot.backfill,
    )


def snapshot_of(
    form: Said,
    readings: Mapping[str, Reading],
    kept: Sequence[Capture],
    *,
    site: str,
    visit: str,
    times: tuple[int, int],
) -> Snapshot:
    """The snapshot again; ``readings`` by capture, ``kept`` of its visit, and when it was taken and finished."""
    ids = [one.id for one in kept]
    captures = tuple(_identifier(one, ids) for one in form.captures)
    first = next((one for one in form.captures if isinstance(one, int)), None)
    isolation = "" if first is None else kept[first].isolation
    of_pages = [readings[one] for one in captures if one in readings]
    text = form.text
    if text is None:
        text = of_pages[0].text if of_pages else ""
    return Snapshot(
        site=site,
        visit=visit,
        mirror=form.mirror,
        vantage=form.vantage,
        taken_at=moment(times[0]),
        finished_at=moment(times[1]),
        verdict=form.verdict,
        why=form.why,
        complete=form.complete,
        entries=merged(of_pages) if form.entries is None else form.entries,
        text=text,
        captures=captures,
        seen_in={key: _identifier(one, ids) for key, one in form.seen_in.items()},
        isolation=isolation if form.isolation is None else form.isolation,
        rule_digest=form.rule_digest,
        provisional=form.provisional,
        backfill=form.backfill,
    )


def _identifier(one: Ordinal, ids: Sequence[str]) -> str:
    return ids[one] if isinstance(one, int) else one
