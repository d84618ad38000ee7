"""One site: its mirrors, roster, visits, events, and the rule by which its pages are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from watcher.core import spark
from watcher.core.cadence import unchecked
from watcher.core.rule_tables import to_toml
from watcher.core.status import unseen
from watcher.edge.ledger_entries import EntriesWanted
from watcher.edge.ledger_lists import Cursor, Sheet
from watcher.edge.ledger_sights import Look, WebLedger
from watcher.edge.ledger_web import EventsWanted, Visit
from watcher.records import Event, RosterEntry, Rule, TargetStatus
from watcher.web.entries import STANDINGS
from watcher.web.ledgers import NothingKeptError
from watcher.web.overview import DAYS, kind_of, listed
from watcher.web.questions import place
from watcher.web.room import Room, html, query, room

ENTRIES, VISITS, EVENTS = 25, 12, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the page shows."""

    status: TargetStatus
    entries: Sheet[tuple[str, RosterEntry]] = field(default_factory=Sheet)
    visits: Sheet[Visit] = field(default_factory=Sheet)
    events: tuple[Event, ...] = ()
    rule: Rule | None = None
    line: str = ""
    line_told: str = ""
    bars: dict[str, str]


async def site(request: web.Request) -> web.Response:
    """The page."""
    about, asked, name = room(request), query(request), request.match_info["site"]
    wanted = EntriesWanted(site=name, standing=asked.choice("standing", STANDINGS), text=asked.text("text"))
    cursor = asked.cursor(2)
    configured = next((one for one in about.settings.sites if one.name == name), None)
    try:
        view = await about.ledgers.ask(lambda ledger: _look(about, ledger, wanted, cursor))
    except NothingKeptError:
        if configured is None:
            raise
        view = View(status=unseen(name), bars={})
    seen = {mirror.url: mirror for mirror in view.status.mirrors}
    urls = dict.fromkeys((*(configured.mirrors if configured else ()), *seen))
    return html(
        request,
        "site.html",
        name=name,
        site=configured,
        view=view,
        target=view.status,
        mirrors=[(url, seen.get(url)) for url in urls],
        wanted=wanted,
        standings=STANDINGS,
        newer=place(view.entries.newer),
        older=place(view.entries.older),
        given_rule=to_toml(configured.rule) if configured and configured.rule else "",
        learned_rule=to_toml(view.rule) if view.rule else "",
        late=configured is not None and unchecked([configured], [view.status], about.now()),
        days=DAYS,
        every=configured.every if configured and isinstance(configured.every, timedelta) else None,
    )


def _look(about: Room, ledger: WebLedger, wanted: EntriesWanted, cursor: Cursor | None) -> View:
    name = wanted.site
    about.known_site(ledger, name)
    found = next((one for one in ledger.status() if one.site == name), None)
    visits = ledger.visits_page(name, limit=VISITS)
    levels = listed(about, ledger, about.now()).get(name, ())
    return View(
        status=found or unseen(name),
        entries=ledger.entries_page(wanted, cursor, ENTRIES),
        visits=visits,
        events=tuple(event for _, event in ledger.events_page(EventsWanted(site=name), limit=EVENTS).rows),
        rule=_rule(ledger, visits.rows),
        line=spark.line(levels),
        line_told=spark.told(levels, f"{DAYS} days"),
        bars=spark.bars([kind_of(Look(visit.verdict, visit.complete)) for visit in reversed(visits.rows)]),
    )


def _rule(ledger: WebLedger, visits: tuple[Visit, ...]) -> Rule | None:
    """The rule that read the last whole listing."""
    for visit in visits:
        for capture in visit.captures:
            if visit.complete and capture.target == "listing" and not capture.is_miss:
                reading = ledger.reading(capture.id)
                if reading is not None and reading.rule is not None:
                    return reading.rule
    return None
