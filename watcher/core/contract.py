"""Records as the JSON objects that people script against (``interfaces.md``; ``docs/reference-json.md``).

Keys are never renamed nor taken away; times are RFC 3339 in UTC with microseconds; sizes are bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watcher.core.escape import json_text
from watcher.core.moments import rfc3339
from watcher.records import Capture, Entry, Event, MirrorStatus, Reading, RosterEntry, Rule, Selector, TargetStatus

Json = dict[str, Any]


def dumps(value: Json) -> str:
    """One line of JSON: UTF-8, no hidden character raw, lone surrogates written out."""
    return json_text(json.dumps(value, ensure_ascii=False, separators=(", ", ": "), allow_nan=False))


def event_object(event: Event) -> Json:
    """**event**; ``changes`` only if something changed, ``was`` only if it was renamed."""
    value: Json = {
        "id": event.id,
        "kind": event.kind,
        "site": event.site,
        "entry": None if event.entry is None else published(event.entry),
        "not_before": _moment(event.not_before),
        "not_after": _moment(event.not_after),
        "confirmed_at": _moment(event.confirmed_at),
        "before": event.before,
        "after": event.after,
        "why": list(event.why),
        "watchlist": list(event.watchlist),
        "vantage": event.vantage,
    }
    if event.changes or event.kind == "changed":
        value["changes"] = {name: list(pair) for name, pair in event.changes.items()}
    if event.was or event.kind == "renamed":
        value["was"] = event.was
    return value


def published(entry: Entry) -> Json:
    """What a page says of an entry: the part that events and readings share."""
    return {"key": entry.key, "title": entry.title, "url": entry.url, "fields": dict(entry.fields)}


def entry_object(site: str, entry: RosterEntry) -> Json:
    """**entry**: its standing on the roster of the site."""
    return {
        "site": site,
        "key": entry.key,
        "title": entry.title,
        "url": entry.url,
        "fields": dict(entry.fields),
        "standing": entry.standing,
        "first_seen": _moment(entry.first_seen),
        "last_seen": _moment(entry.last_seen),
        "missing_since": _moment(entry.missing_since),
        "withdrawn_at": _moment(entry.withdrawn_at),
        "aliases": list(entry.aliases),
    }


def capture_object(capture: Capture) -> Json:
    """**capture**, or a miss: then ``status`` and ``body_digest`` are null."""
    return {
        "id": capture.id,
        "site": capture.site,
        "target": capture.target,
        "url": capture.url,
        "mirror": capture.mirror,
        "requested_at": _moment(capture.requested_at),
        "finished_at": _moment(capture.finished_at),
        "status": capture.status,
        "verdict": capture.verdict,
        "why": list(capture.why),
        "complete": capture.complete,
        "body_digest": capture.body_digest,
        "body_bytes": capture.body_bytes,
        "stored_bytes": capture.stored_bytes,
        "leaf": capture.leaf,
        "vantage": capture.vantage,
        "visit": capture.visit,
        "cut": capture.cut,
        "foreign": capture.foreign,
    }


def status_object(target: TargetStatus) -> Json:
    """**status** of one target."""
    return {
        "site": target.site,
        "target": target.target,
        "verdict": target.verdict,
        "last_visit": _moment(target.last_visit),
        "last_complete": _moment(target.last_complete),
        "next_visit": _moment(target.next_visit),
        "listed": target.listed,
        "misses_in_a_row": target.misses_in_a_row,
        "every_seconds": None if target.every is None else round(target.every.total_seconds()),
        "because": target.because,
        "paused_until": _moment(target.paused_until),
        "paused_by": target.paused_by,
        "mirrors": [_mirror(mirror) for mirror in target.mirrors],
    }


def reading_object(reading: Reading) -> Json:
    """**read**: what a page says, and the rule that read it."""
    return {
        "verdict": reading.verdict,
        "why": list(reading.why),
        "complete": reading.complete,
        "entries": [published(entry) for entry in reading.entries],
        "rule": None if reading.rule is None else rule_object(reading.rule),
    }


def check_object(check: str, ok: bool, detail: str) -> Json:
    """**verify**: one check of a bundle or a store."""
    return {"check": check, "ok": ok, "detail": detail}


def rule_object(rule: Rule) -> Json:
    """A rule in the shape of a ``[site.rule]`` table; ``format`` only if it is not HTML."""
    value: Json = {"entry": rule.entry[0] if len(rule.entry) == 1 else list(rule.entry)}
    for name, selectors in rule.fields.items():
        value[name] = _selector(selectors[0]) if len(selectors) == 1 else [_selector(one) for one in selectors]
    if rule.skip:
        value["skip"] = list(rule.skip)
    if rule.format != "html":
        value["format"] = rule.format
    return value


def _selector(selector: Selector) -> str | Json:
    if selector.regex or selector.template or selector.nth:
        parts: Mapping[str, str | int] = {
            "css": selector.css,
            "attr": selector.attr,
            "regex": selector.regex,
            "template": selector.template,
            "nth": selector.nth,
        }
        return {name: part for name, part in parts.items() if part}
    return f"{selector.css}@{selector.attr}" if selector.attr else selector.css


def _mirror(mirror: MirrorStatus) -> Json:
    return {"url": mirror.url, "verdict": mirror.verdict, "last_visit": _moment(mirror.last_visit)}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
