"""The timeline of events, and one event with all that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args

from aiohttp import web
from markupsafe import Markup

from watcher.core import timeline as drawing
from watcher.core.material import locate
from watcher.core.neighbours import NO_ROWS, Column, Page, says
from watcher.edge.ledger_lists import Sheet
from watcher.edge.ledger_sights import WebLedger
from watcher.edge.ledger_web import ANY, EventsWanted
from watcher.records import Capture, Entry, Event, EventKind, Snapshot
from watcher.web.questions import NotFoundError, Query, place
from watcher.web.room import html, query, room
from watcher.web.show import title

KINDS = get_args(EventKind)
FILTERS = ("site", "kind", "since", "watchlist", "text")
A_PAGE = 50
AROUND = 6
"""Entries shown above and below the one that matters."""
MOST_MARKS = 400
SHOWS: dict[str, drawing.Shows] = {"seen": "there", "absent": "not there", "silent": "nothing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The copy before or after."""

    heading: str
    capture: Capture | None
    says: str
    column: Column = NO_ROWS


def wanted_of(asked: Query) -> EventsWanted:
    """The filters that timeline, feed and API share."""
    return EventsWanted(
        site=asked.text("site", 64),
        kind=asked.choice("kind", KINDS),
        since=asked.moment("since"),
        watchlist=asked.text("watchlist"),
        text=asked.text("text"),
    )


async def timeline(request: web.Request) -> web.Response:
    """Events, newest first."""
    about, asked = room(request), query(request)
    wanted, cursor = wanted_of(asked), asked.cursor(1)

    def work(ledger: WebLedger) -> tuple[Sheet[tuple[int, Event]], list[str]]:
        about.known_site(ledger, wanted.site)
        return ledger.events_page(wanted, cursor, A_PAGE), about.sites(ledger)

    sheet, sites = await about.ledgers.ask(work)
    rows = [event for _, event in sheet.rows]
    return html(
        request,
        "events.html",
        days=[(events[0].confirmed_at, events) for events in _by_day(rows)],
        filters={name: request.query.get(name, "").strip() for name in FILTERS},
        newer=place(sheet.newer),
        older=place(sheet.older),
        sites=sites,
        kinds=KINDS,
        watchlist=[watch.name for watch in about.settings.watchlist],
        any_name=ANY,
    )


def _by_day(events: Sequence[Event]) -> list[list[Event]]:
    return [list(some) for _, some in groupby(events, key=lambda event: event.confirmed_at.date())]


async def event(request: web.Request) -> web.Response:
    """One event: its window, why, the copies before and after."""
    about, name = room(request), request.match_info["id"]
    shown = await about.ledgers.ask(lambda ledger: _shown(ledger, name))
    response = html(request, "event.html", **shown)
    # under no-referrer a browser says of its own form that it comes from nowhere; nothing leaves this machine so either
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _shown(ledger: WebLedger, name: str) -> dict[str, Any]:
    """One event and what shows it."""
    found = ledger.event(name)
    if found is None:
        raise NotFoundError("there is no such event", hint="the timeline lists them")
    leaf = ledger.leaf_of_event(name)
    captures = [ledger.capture(one) if one else None for one in (found.before, found.after)]
    before, after = [ledger.snapshot(one.visit) if one else None for one in captures]
    return {
        "event": found,
        "sides": (
            _side("Before", found, captures[0], here=before, there=after),
            _side("After", found, captures[1], here=after, there=before),
        ),
        "picture": _picture(ledger, found, captures),
        "leaf": leaf.index if leaf else None,
        "head": ledger.checkpoint_over(leaf.index) if leaf else None,
        "alerts": ledger.alerts_of(name),
    }


def _picture(ledger: WebLedger, found: Event, captures: Sequence[Capture | None]) -> Markup:
    """The visits round the event, drawn."""
    moments = [one.requested_at for one in captures if one] + [found.not_before or found.not_after]
    visits = ledger.visits_between(found.site, min(moments), found.confirmed_at, MOST_MARKS)
    entry = found.entry
    names = {entry.title, *filter(None, (entry.url, found.was))} if entry else set[str]()
    marks = [
        drawing.Mark(
            at=mark.at,
            shows=SHOWS[mark.shown] if entry else "there" if visit.complete else "nothing",
            label=mark.verdict or "unread",
        )
        for mark, visit in zip(ledger.marks(found.site, visits, entry.key if entry else "", names), visits, strict=True)
    ]
    return Markup(  # numbers, times and escaped labels
        drawing.svg(marks, not_before=found.not_before, not_after=found.not_after, confirmed=found.confirmed_at)
    )


def _side(
    heading: str, found: Event, capture: Capture | None, *, here: Snapshot | None, there: Snapshot | None
) -> Side:
    if capture is None:
        nothing = "There is no earlier copy." if heading == "Before" else "There is no copy."
        return Side(heading=heading, capture=None, says=nothing)
    if here is None or capture.is_miss:
        return Side(heading=heading, capture=capture, says=says(capture, None, None, None))
    subject = _on(found, here, heading)
    page = Page(entries=here.entries, subject=subject)
    other = Page(entries=there.entries, subject=locate(found, there)) if there else None
    column = page.column(found.entry.title if found.entry else None, other, title, AROUND)
    return Side(heading=heading, capture=capture, says=says(capture, here, found.entry, subject), column=column)


def _on(found: Event, here: Snapshot, heading: str) -> Entry | None:
    """The event's entry on this page. Where it must be gone it goes by its key alone: another may bear its name."""
    if (found.kind == "withdrawn" and heading == "After") or (found.kind == "listed" and heading == "Before"):
        key = found.entry.key if found.entry else None
        return next((entry for entry in here.entries if entry.key == key), None)
    return locate(found, here)
