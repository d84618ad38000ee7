"""The roster, and one entry's whole life."""

from __future__ import annotations

from typing import Any, get_args

from aiohttp import web

from watcher.core import spark
from watcher.core.decide import held
from watcher.core.reasons import waiting
from watcher.edge.ledger_entries import EntriesWanted
from watcher.edge.ledger_lists import Sheet
from watcher.edge.ledger_sights import Life, WebLedger
from watcher.records import Policy, RosterEntry, StandingName
from watcher.web.questions import BadRequestError, NotFoundError, Query, place
from watcher.web.room import html, query, room

STANDINGS = get_args(StandingName)
A_PAGE = 50
LONGEST_KEY = 4096
STRIP = 1000


def wanted_of(asked: Query) -> EntriesWanted:
    """The filters that roster and API share."""
    return EntriesWanted(
        site=asked.text("site", 64), standing=asked.choice("standing", STANDINGS), text=asked.text("text")
    )


async def roster(request: web.Request) -> web.Response:
    """Entries of all sites, those first seen last first."""
    about, asked = room(request), query(request)
    wanted, cursor = wanted_of(asked), asked.cursor(2)

    def work(ledger: WebLedger) -> tuple[Sheet[tuple[str, RosterEntry]], list[str]]:
        about.known_site(ledger, wanted.site)
        return ledger.entries_page(wanted, cursor, A_PAGE), about.sites(ledger)

    sheet, sites = await about.ledgers.ask(work)
    return html(
        request,
        "entries.html",
        rows=sheet.rows,
        wanted=wanted,
        newer=place(sheet.newer),
        older=place(sheet.older),
        sites=sites,
        standings=STANDINGS,
    )


async def life(request: web.Request) -> web.Response:
    """One entry: every run of sightings, every gap, what was concluded and why."""
    about, asked, site = room(request), query(request), request.match_info["site"]
    key = asked.text("key", LONGEST_KEY)
    before = asked.cursor(1)
    if before is not None and before.way != "older":
        raise BadRequestError("a life is turned back, not forward")

    def work(ledger: WebLedger) -> dict[str, Any]:
        about.known_site(ledger, site)
        entry = ledger.entry(site, key)
        if entry is None:
            raise NotFoundError("there is no such entry on this site", hint="its roster lists them")
        found = ledger.life(site, entry, before.place[0] if before else None)
        return {
            "entry": entry,
            "life": found,
            "events": ledger.events_of(site, key)[::-1],
            "strip": _strip(found),
            "waits": _waits(ledger, site, entry, about.settings.policy),
            "older": place((found.older,)) if found.older else "",
        }

    told = await about.ledgers.ask(work)
    return html(request, "entry.html", site=site, **told, is_past=before is not None, strip_width=STRIP)


def _waits(ledger: WebLedger, site: str, entry: RosterEntry, policy: Policy) -> str:
    """Why it is missing and not told yet; empty if it is not."""
    if entry.standing != "missing":
        return ""
    return waiting(held(ledger.notes(site), policy).get(entry.key, ()), entry.absences, policy)


def _strip(found: Life) -> dict[str, str]:
    if not found.marks:
        return {}
    first, last = found.marks[0].at, found.marks[-1].at
    span = (last - first).total_seconds() or 1.0
    return spark.strip([((mark.at - first).total_seconds() / span, mark.shown) for mark in found.marks], STRIP)
