"""Records as the JSON objects that people script against (``interfaces.md``; ``docs/reference-json.md``).

Keys are never renamed nor taken away; times are RFC 3339 in UTC with microseconds; sizes are bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watcher.core.escape import json_text
from watcher.core.moments import rfc3339
from watcher.records import Capture, Entry, Event, MirrorStatus, Reading, RosterEntry, TargetStatus

Json = dict[str, Any]


def dumps(value: Json) -> str:
    """One line of JSON: UTF-8, no hidden character raw, lone surrogates written out."""
    return json_text(json.dumps(value, ensure_ascii=False, separators=(", ", ": "), allow_nan=False))


_AS_IS = frozenset({str, int, bool})
EVENT = (
    "id", "kind", "site", "entry", "not_before", "not_after", "confirmed_at", "before", "after", "why", "watchlist",
    "vantage",
)  # fmt: skip
PUBLISHED = ("key", "title", "url", "fields")
ENTRY = (
    *PUBLISHED, "standing", "first_seen", "last_seen", "missing_since", "withdrawn_at", "aliases",
)  # fmt: skip
CAPTURE = (
    "id", "site", "target", "url", "mirror", "requested_at", "finished_at", "status", "verdict", "why", "complete",
    "body_digest", "body_bytes", "stored_bytes", "leaf", "vantage", "visit", "cut", "foreign",
)  # fmt: skip
STATUS = (
    "site", "target", "verdict", "last_visit", "last_complete", "next_visit", "listed", "misses_in_a_row",
    "every_seconds", "because", "paused_until", "paused_by", "mirrors",
)  # fmt: skip
MIRROR = ("url", "verdict", "last_visit")
READING = ("verdict", "why", "complete", "entries")


def event_object(event: Event) -> Json:
    """**event**; ``changes`` only if something changed, ``was`` only if it was renamed."""
    value = as_object(event, EVENT)
    if event.changes or event.kind == "changed":
        value["changes"] = _plain(event.changes)
    if event.was or event.kind == "renamed":
        value["was"] = event.was
    return value


def published(entry: Entry) -> Json:
    """What a page says of an entry: the part that events and readings share."""
    return as_object(entry, PUBLISHED)


def entry_object(site: str, entry: RosterEntry) -> Json:
    """**entry**: its standing on the roster of the site."""
    return {"site": site, **as_object(entry, ENTRY)}


def capture_object(capture: Capture) -> Json:
    """**capture**, or a miss: then ``status`` and ``body_digest`` are null."""
    return as_object(capture, CAPTURE)


def status_object(target: TargetStatus) -> Json:
    """**status** of one target."""
    every = None if target.every is None else round(target.every.total_seconds())
    return as_object(target, STATUS, every_seconds=every)


def reading_object(reading: Reading) -> Json:
    """**read**: what a page says, and the rule that read it."""
    from watcher.core.rule_tables import to_table  # and the parsers: for who asks for readings

    return {**as_object(reading, READING), "rule": None if reading.rule is None else to_table(reading.rule)}


def check_object(check: str, ok: bool, detail: str) -> Json:
    """**verify**: one check of a bundle or a store."""
    return {"check": check, "ok": ok, "detail": detail}


def as_object(record: object, names: Sequence[str], **made: Any) -> Json:
    """These fields of a record, in this order; those that are ``made`` are not the record's own."""
    return {name: _plain(made[name] if name in made else getattr(record, name)) for name in names}


def _plain(value: Any) -> Any:
    """A field as JSON has it."""
    if value is None or value.__class__ in _AS_IS:
        return value
    match value:
        case datetime():
            return rfc3339(value)
        case tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case Entry():
            return published(value)
        case MirrorStatus():
            return as_object(value, MIRROR)
        case _:
            return value
