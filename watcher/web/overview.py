"""The first page: how every site stands, what happened since yesterday, and what needs a look."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from watcher.core import spark
from watcher.core.cadence import unchecked
from watcher.core.status import configured
from watcher.edge.ledger_sights import Look, WebLedger
from watcher.edge.ledger_web import EventsWanted
from watcher.records import SPEAKING, Event, TargetStatus
from watcher.web.ledgers import NothingKeptError
from watcher.web.room import Room, html, query, room

DAYS = 30
LOOKS = 38
"""Visits of which the health is drawn."""
A_DAY = timedelta(days=1)
MOST_NEWS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One site."""

    status: TargetStatus
    is_configured: bool
    good_mirrors: int
    line: str
    line_told: str
    bars: dict[str, str]
    bars_told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the page shows."""

    rows: tuple[Row, ...] = ()
    news: tuple[Event, ...] = ()
    kinds: dict[str, int]
    missing: int = 0
    leaves: int = 0
    stamped: int | None = None
    asks_authorities: bool = False


async def overview(request: web.Request) -> web.Response:
    """The page."""
    about, now = room(request), room(request).now()
    asked = query(request)
    refresh = asked.number("refresh", 0, least=10, most=86400)
    try:
        view = await about.ledgers.ask(lambda ledger: look(about, ledger, now))
    except NothingKeptError:
        targets = configured(about.settings.sites, ())
        view = View(rows=tuple(_row(target, True, (), ()) for target in targets), kinds={})
    late = unchecked(about.settings.sites, [row.status for row in view.rows], now)
    response = html(
        request,
        "overview.html",
        view=view,
        late=[row.status for row in view.rows if row.status.site in late],
        late_names=late,
        total=sum(row.status.listed for row in view.rows),
        days=DAYS,
        looks=LOOKS,
        refresh=refresh,
    )
    if refresh:
        response.headers["Refresh"] = str(refresh)
    return response


def look(about: Room, ledger: WebLedger, now: datetime) -> View:
    """Everything the page shows; made anew whenever something was written, the configuration is another, or a minute
    went by."""
    mark = (ledger.serial, ledger.version(), about.revision, now.replace(second=0, microsecond=0))
    return about.summary(f"overview {threading.get_ident()}", mark, lambda: _look(about, ledger, now), share=0)


def _look(about: Room, ledger: WebLedger, now: datetime) -> View:
    levels = listed(about, ledger, now)
    recent = ledger.recent_looks(LOOKS)
    found = ledger.status()
    sites = {site.name: site for site in about.settings.sites}
    targets = configured(about.settings.sites, found, others=True)
    return View(
        rows=tuple(_row(one, one.site in sites, levels.get(one.site, ()), recent.get(one.site, ())) for one in targets),
        news=tuple(event for _, event in ledger.events_page(EventsWanted(since=now - A_DAY), limit=MOST_NEWS).rows),
        kinds=ledger.kinds_since(now - A_DAY),
        missing=ledger.count("missing"),
        leaves=ledger.log.size,
        stamped=ledger.last_stamped(),
        asks_authorities=bool(about.settings.timestamp.authorities),
    )


def listed(about: Room, ledger: WebLedger, now: datetime) -> Mapping[str, tuple[int | None, ...]]:
    """How many entries each site listed, day by day."""
    ends = [now - A_DAY * (DAYS - day) for day in range(DAYS + 1)]
    return about.summary("listed", (ledger.newest(), now.date()), lambda: ledger.listed_over(ends))


def _row(target: TargetStatus, is_configured: bool, levels: tuple[int | None, ...], looks: tuple[Look, ...]) -> Row:
    kinds = [kind_of(look) for look in looks]
    good = kinds.count("good")
    return Row(
        status=target,
        is_configured=is_configured,
        good_mirrors=sum(mirror.verdict in SPEAKING for mirror in target.mirrors),
        line=spark.line(levels),
        line_told=spark.told(levels, f"{DAYS} days"),
        bars=spark.bars(kinds),
        bars_told=f"of the last {len(kinds)} visits {good} saw the whole listing" if kinds else "no visits yet",
    )


def kind_of(look: Look) -> str:
    """How a visit is drawn: it saw the whole listing, a part of it, or nothing."""
    if look.verdict in SPEAKING:
        return "good" if look.complete else "part"
    return "part" if look.verdict in {"partial", "redesigned"} else "none"
