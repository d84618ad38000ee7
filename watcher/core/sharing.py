"""Events in the forms that programs of others take: STIX 2.1, MISP, and tables for spreadsheets (CSV).

The same events give the same bytes: identifiers follow from contents, and no time is taken from a clock.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable, Iterator, Mapping

from watcher.core import stix
from watcher.core.contract import Json, dumps, event_object, published
from watcher.core.escape import block, csv_cell, line
from watcher.core.moments import rfc3339
from watcher.core.reasons import KINDS, reason
from watcher.core.redact import Redactor
from watcher.records import Capture, Event

SINCE = "2026-01-01T00:00:00.000000Z"
"""When observers and sites were first said to exist: they never change, and so must not be dated anew."""
NAMESPACE = uuid.UUID("8f1c3b1e-6d5a-5e0b-9a57-3f2b6a0d4c11")
"""What MISP's identifiers are derived in."""
COLUMNS = ("id", "kind", "site", "title", "key", "url", "not_before", "not_after", "confirmed_at", "before", "after",
           "watchlist", "why", "was", "changes", "vantage")  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- STIX


def to_stix(events: Iterable[Event], captures: Mapping[str, Capture], *, vantage: str, operator: str = "") -> bytes:
    """A STIX 2.1 bundle: who observed, the sites, what was captured, what was concluded and why."""
    open_to_all = Redactor(())
    observer = stix.domain_object("identity", SINCE, name=f"watcher {vantage}", identity_class="system")
    if operator:
        observer["contact_information"] = operator
    objects: list[stix.Json] = [observer]
    name = str(observer["id"])
    sites: dict[str, stix.Json] = {}
    for event in events:
        if event.site not in sites:
            sites[event.site] = stix.leak_site(event.site, SINCE, name)
            objects.append(sites[event.site])
        seen: dict[str, str] = {}
        for capture in (captures.get(one or "") for one in (event.before, event.after)):
            if capture is None:
                continue
            found = list(stix.observed(capture, rfc3339(capture.finished_at), name))
            seen[capture.id] = str(found[-1]["id"])
            objects += found
        for one in stix.conclusion(event, rfc3339(event.confirmed_at), name, open_to_all, sites=sites, seen=seen):
            if one["type"] == "identity":  # the same whenever it is named
                one |= {"created": SINCE, "modified": SINCE}
            objects.append(one)
    return stix.packed(objects)


# ---------------------------------------------------------------------------------------------------------- MISP


def to_misp(events: Iterable[Event], *, vantage: str) -> str:
    """Events for MISP, as its REST interface and its import take them: nothing in them is an indicator to block."""
    return dumps({"response": [{"Event": _misp(event, vantage)} for event in events]})


def _misp(event: Event, vantage: str) -> Json:
    what = KINDS[event.kind]
    title = line(event.entry.title, 500) if event.entry else ""
    at = str(int(event.confirmed_at.timestamp()))
    return {
        "uuid": _uuid("event", event.id),
        "info": f"{what}: {title or event.site}" + (f" ({event.site})" if title else ""),
        "date": f"{event.confirmed_at:%Y-%m-%d}",
        "timestamp": at,
        "published": False,
        "analysis": "2",
        "threat_level_id": "4",
        "distribution": "0",
        "Orgc": {"name": f"watcher {vantage}", "uuid": _uuid("observer", vantage)},
        "Tag": [
            {"name": f'watcher:kind="{event.kind}"'},
            {"name": f'watcher:site="{event.site}"'},
            *({"name": f'watcher:watchlist="{line(name, 100)}"'} for name in event.watchlist),
        ],
        "Attribute": [
            {
                "uuid": _uuid("attribute", event.id, kind, value, comment),
                "type": kind,
                "category": category,
                "value": value,
                "comment": comment,
                "to_ids": False,
                "timestamp": at,
                "distribution": "5",
            }
            for kind, category, value, comment in _attributes(event)
        ],
    }


def _attributes(event: Event) -> Iterator[tuple[str, str, str, str]]:
    """Type, category, value and comment; never an empty value, which MISP refuses."""
    if event.entry and event.entry.title.strip():
        yield "target-org", "Targeting data", line(event.entry.title, 2000), stix.CLAIM
    if event.entry and event.entry.url:
        yield "url", "External analysis", line(event.entry.url, 2000), "The entry's own page on the leak site"
    if event.was:
        yield "text", "Other", line(event.was, 2000), "What the entry was called before"
    for name, (old, new) in event.changes.items():
        yield "text", "Other", f"{line(name, 100)}: {line(old, 1000)} → {line(new, 1000)}", "Changed"
    if event.not_before is not None:
        yield "datetime", "Other", rfc3339(event.not_before), "It happened after this"
    yield "datetime", "Other", rfc3339(event.not_after), "It happened no later than this"
    words = "; ".join(reason(word) or word for word in event.why)
    if words.strip():
        yield "comment", "Internal reference", block(words, 5000), "Why this was concluded"
    for name, capture in (("before", event.before), ("after", event.after)):
        if capture:
            yield "text", "Internal reference", capture, f"The capture that shows the state {name}"
    yield "text", "Internal reference", event.id, f"The event, as the watcher {event.vantage} calls it"


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "\n".join(line(part, 4000) for part in parts)))


# ----------------------------------------------------------------------------------------------------------- CSV


def to_csv(events: Iterable[Event]) -> Iterator[str]:
    """Lines of a table (RFC 4180); no cell is ever a formula."""
    yield _row(COLUMNS)
    for event in events:
        changes = [f"{name}: {old} → {new}" for name, (old, new) in event.changes.items()]
        value = {**(published(event.entry) if event.entry else {}), **event_object(event), "changes": changes}
        yield _row(value.get(name) for name in COLUMNS)


def _row(cells: Iterable[str | list[str] | None]) -> str:
    out = io.StringIO()
    told = ["; ".join(cell) if isinstance(cell, list) else cell or "" for cell in cells]
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(map(csv_cell, told))
    return out.getvalue()
