"""Where a name or phrase ever stood, on any version of any page that was kept."""

from __future__ import annotations

from aiohttp import web

from watcher.edge.ledger_sights import WebLedger
from watcher.edge.search import Answer, search, waiting
from watcher.web.questions import Query
from watcher.web.room import html, query, room

MOST_SHOWN = 200


async def page(request: web.Request) -> web.Response:
    """The form, and what was found."""
    about, asked = room(request), query(request)
    text, site = asked.text("text"), asked.text("site", 64)
    since = asked.moment("since")

    def work(ledger: WebLedger) -> tuple[Answer | None, int, list[str]]:
        about.known_site(ledger, site)
        found = search(ledger, text, site=site or None, since=since) if text else None
        return found, waiting(ledger.connection), about.sites(ledger)

    answer, left, sites = await about.ledgers.ask(work)
    return html(
        request,
        "search.html",
        text=text,
        site=site,
        since=request.query.get("since", "").strip(),
        sites=sites,
        answer=answer,
        hits=answer.hits[:MOST_SHOWN] if answer else (),
        left=left,
    )


async def found(request: web.Request, asked: Query) -> list[dict[str, object]]:
    """The spans of time in which it stood somewhere, as objects."""
    about = room(request)
    asked.only("text", "site", "since", "format")
    text, site, since = asked.needed("text"), asked.text("site", 64), asked.moment("since")

    def work(ledger: WebLedger) -> Answer:
        about.known_site(ledger, site)
        return search(ledger, text, site=site or None, since=since)

    answer = await about.ledgers.ask(work)
    return [hit.object() for hit in answer.hits]
