"""The report in a bundle: what was observed, when, how sure, for a person who knows none of this."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from watcher.core import clock, escape, timeline
from watcher.core.material import Head, Kept, Material, Seen, Told, entry_with, keys_of
from watcher.core.moments import rfc3339, words
from watcher.core.neighbours import NO_ROWS, Page, says
from watcher.core.reasons import KINDS, reason
from watcher.core.redact import Redactor
from watcher.records import Event

AROUND = 8
"""Entries shown above and below the one that matters."""
MOST_ROWS = 400
_TEMPLATES = Environment(
    loader=PackageLoader("watcher.core", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html(material: Material, redactor: Redactor) -> bytes:
    """The report as one self-contained page."""
    words_of = _Words(redactor)
    page = _TEMPLATES.get_template("report.html").render(
        title=words_of.line(title(material)),
        findings=[_finding(told, material, words_of) for told in material.events],
        captures=[_capture(kept, words_of) for kept in material.kept[:MOST_ROWS]],
        more_captures=max(0, len(material.kept) - MOST_ROWS),
        operator=words_of.line(material.operator or "not named"),
        vantage=words_of.line(material.vantage),
        software=material.software,
        vkey=material.vkey,
        heads=[_head(head) for head in material.heads],
        stamped=any(head.tokens for head in material.heads),
        witnessed=any(head.cosignatures for head in material.heads),
        hidden=bool(material.hidden),
        doubts=clock.doubts(_clocks(material)),
        unkept=clock.unkept(_clocks(material)),
        onions=list(dict.fromkeys(words_of.address(one.onion) for one in material.descriptors)),
        made=rfc3339(material.heads[-1].made_at),
    )
    return page.encode()


def _clocks(material: Material) -> list[clock.Reading]:
    """The vantage's clocks at each capture, in the log's order."""
    in_order = sorted(material.kept, key=lambda kept: kept.leaf.index)
    return [clock.reading(k.capture.id, k.capture.requested_at, k.capture.facts) for k in in_order]


def title(material: Material) -> str:
    """What the whole report is about, in one line."""
    if len(material.events) == 1:
        event = material.events[0].event
        about = f"“{event.entry.title}”, " if event.entry else ""
        return f"{KINDS[event.kind]}: {about}{event.site}"
    sites = ", ".join(dict.fromkeys(kept.capture.site for kept in material.kept))
    return f"{len(material.events)} events, {sites}" if material.events else f"Captures of {sites}"


def by_hand(material: Material, names: Sequence[str]) -> bytes:
    """``VERIFY.txt``: the same checks with common tools."""
    stamps = [(name, name.rpartition("-")[0] + ".txt") for name in names if name.endswith(".tsr")]
    text = _TEMPLATES.get_template("verify.txt").render(vkey=material.vkey, stamps=stamps, hidden=bool(material.hidden))
    return text.encode()


def said(at: datetime, brief: bool) -> str:
    """A time as people say it: to the second, or, where that would be too ``brief``, to the millisecond."""
    utc = at.astimezone(UTC)
    fraction = f".{utc.microsecond // 1000:03d}" if brief else ""
    return f"{utc:%-d %B %Y, %H:%M:%S}{fraction}"


class _Words:
    """Captured text made fit for a page: hidden names covered, odd characters shown, addresses that lead nowhere."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def line(self, text: str) -> str:
        return escape.line(self._redactor.hide(text))

    def prose(self, text: str) -> str:
        return escape.defang(escape.line(self._redactor.hide(text), 1000))

    def address(self, url: str) -> str:
        return escape.defang(escape.line(self._redactor.hide(url)))


# ------------------------------------------------------------------------------------------------ one conclusion


def _finding(told: Told, material: Material, shown: _Words) -> dict[str, object]:
    event = told.event
    marks = list(_marks(event, material))
    before, after = material.snapshot_with(event.before), material.snapshot_with(event.after)
    silent = sum(mark.shows == "nothing" for mark in marks)
    first = after.snapshot.taken_at if after else event.not_after
    brief = event.not_before is not None and event.not_after - event.not_before < timedelta(seconds=2)
    without = sum(mark.shows == "not there" and mark.at >= first for mark in marks)
    return {
        "kind": KINDS[event.kind],
        "entry": shown.line(event.entry.title) if event.entry else "",
        "was": shown.line(event.was),
        "page": shown.address(event.entry.url) if event.entry and event.entry.url else "",
        "site": shown.line(event.site),
        "fields": [(shown.line(k), shown.line(v)) for k, v in sorted(event.entry.fields.items())]
        if event.entry
        else [],
        "changes": [(shown.line(k), shown.line(a), shown.line(b)) for k, (a, b) in sorted(event.changes.items())],
        "not_before": rfc3339(event.not_before) if event.not_before else "",
        "then": said(event.not_before, brief) if event.not_before else "",
        "now": said(event.not_after, brief),
        "sure": said(event.confirmed_at, brief),
        "not_after": rfc3339(event.not_after),
        "window": words(event.not_after - event.not_before) if event.not_before else "",
        "confirmed": rfc3339(event.confirmed_at),
        "without": without,
        "silent": silent,
        "visits": len(marks),
        "reasons": [(shown.prose(one), shown.prose(reason(one))) for one in event.why],
        "picture": Markup(  # made of numbers, times and escaped labels
            timeline.svg(marks, not_before=event.not_before, not_after=event.not_after, confirmed=event.confirmed_at)
        ),
        "pages": _embedded(material.pictures.get(event.id, b"")),
        "sides": [
            _side("Before", event, material, shown, capture=event.before, here=before, there=after),
            _side("After", event, material, shown, capture=event.after, here=after, there=before),
        ],
        "rows": [_visit(mark, shown) for mark in marks[:MOST_ROWS]],
        "more": max(0, len(marks) - MOST_ROWS),
        "id": event.id,
        "leaf": told.leaf.index,
    }


def _embedded(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else ""


def _marks(event: Event, material: Material) -> Iterator[timeline.Mark]:
    """Each visit of the site that the bundle knows of, by time."""
    found, keys = [], keys_of(event, material)
    in_snapshots = {name for seen in material.snapshots for name in seen.snapshot.captures}
    for seen in material.snapshots:
        snapshot = seen.snapshot
        if snapshot.site != event.site:
            continue
        there = entry_with(keys, snapshot) is not None
        shows: timeline.Shows = "there" if there else "not there" if snapshot.complete else "nothing"
        if event.entry is None:
            shows = "there" if snapshot.complete else "nothing"
        found.append(timeline.Mark(at=snapshot.taken_at, shows=shows, label=snapshot.verdict or "unread"))
    for kept in material.kept:
        capture = kept.capture
        if (
            capture.site == event.site
            and capture.target == "listing"
            and capture.is_miss
            and capture.id not in in_snapshots
        ):
            label = ", ".join((capture.verdict, *capture.why[:1]))
            found.append(timeline.Mark(at=capture.requested_at, shows="nothing", label=label))
    yield from sorted(found, key=lambda mark: mark.at)


def _visit(mark: timeline.Mark, shown: _Words) -> tuple[str, str, str, str]:
    said = {
        "there": "the entry is there",
        "not there": "complete, and the entry is not there",
        "nothing": "says nothing",
    }
    return rfc3339(mark.at), shown.line(mark.label), said[mark.shows], mark.shows.replace(" ", "-")


def _side(
    heading: str,
    event: Event,
    material: Material,
    shown: _Words,
    *,
    capture: str | None,
    here: Seen | None,
    there: Seen | None,
) -> dict[str, object]:
    """One of the two pages."""
    kept = material.capture(capture)
    if kept is None:
        nothing = "There is no earlier copy: it was there when watching began." if heading == "Before" else "No copy."
        empty = dict.fromkeys(("at", "address", "answer", "digest", "capture"), "")
        return {"heading": heading, **empty, "says": nothing, "column": NO_ROWS}
    about = kept.capture
    keys = keys_of(event, material)
    copy, other = [
        Page(entries=seen.snapshot.entries, subject=entry_with(keys, seen.snapshot)) if seen else None
        for seen in (here, there)
    ]
    missing = event.entry.title if event.entry else None
    return {
        "heading": heading,
        "at": rfc3339(about.requested_at),
        "address": shown.address(about.url),
        "answer": f"HTTP status {about.status}" if about.status is not None else shown.line(about.verdict),
        "digest": about.body_digest or "",
        "capture": about.id,
        "says": says(about, here.snapshot if here else None, event.entry, copy.subject if copy else None),
        "column": copy.column(missing, other, shown.line, AROUND) if copy else NO_ROWS,
    }


# --------------------------------------------------------------------------------------------------- what proves


def _capture(kept: Kept, shown: _Words) -> dict[str, object]:
    capture = kept.capture
    return {
        "id": capture.id,
        "at": rfc3339(capture.requested_at),
        "address": shown.address(capture.url),
        "answer": str(capture.status) if capture.status is not None else shown.line(capture.verdict),
        "why": shown.line(", ".join(capture.why[:2])),
        "digest": capture.body_digest or "",
        "leaf": kept.leaf.index,
    }


def _head(head: Head) -> dict[str, object]:
    lines = head.cosignatures.decode("utf-8", "replace").splitlines()
    return {
        "size": head.size,
        "root": head.root.hex(),
        "made": rfc3339(head.made_at),
        "tokens": [(escape.defang(escape.line(token.authority)), rfc3339(token.time)) for token in head.tokens],
        "witnesses": [escape.line(line.split(" ")[1]) for line in lines],
    }
