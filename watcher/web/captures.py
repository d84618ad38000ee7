"""Captures and misses; one capture whole; and its page, made harmless, as text, as source, as a picture."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from watcher.core.blocks import text_blocks
from watcher.core.charset import decode
from watcher.core.escape import block
from watcher.core.inert import POLICY, plain
from watcher.core.rule_tables import to_toml
from watcher.edge import render
from watcher.edge.apart import made_inert
from watcher.edge.gather import is_erased
from watcher.edge.ledger_lists import Cursor, Sheet
from watcher.edge.ledger_sights import WebLedger
from watcher.edge.ledger_web import Visit
from watcher.edge.rows import visit_started
from watcher.records import Capture, Page
from watcher.web.door import HEADERS
from watcher.web.questions import BusyError, NotFoundError, place
from watcher.web.room import Room, html, query, room

A_PAGE = 50
MOST_SHOWN = 1_000_000
"""Characters of a text or a source that one page shows."""
MOST_ENTRIES = 200
MOST_PICTURES = 12
FRAME_POLICY = f"{POLICY}; frame-ancestors 'self'; sandbox"
WAIT_SECONDS = 30.0


async def captures(request: web.Request) -> web.Response:
    """Captures of all sites; or the visits to one, with what each brought."""
    about, asked = room(request), query(request)
    site = asked.text("site", 64)
    cursor = asked.cursor(1 if site else 2)

    def work(ledger: WebLedger) -> tuple[Sheet[Visit] | None, Sheet[Capture] | None, list[str]]:
        if not site:
            return None, ledger.captures_page(cursor, A_PAGE), about.sites(ledger)
        about.known_site(ledger, site)
        return ledger.visits_page(site, cursor, A_PAGE), None, about.sites(ledger)

    visits, single, sites = await about.ledgers.ask(work)
    sheet: Sheet[Any] = visits or single or Sheet()
    return html(
        request,
        "captures.html",
        site=site,
        visits=visits.rows if visits else (),
        captures=single.rows if single else (),
        newer=place(sheet.newer),
        older=place(sheet.older),
        sites=sites,
    )


async def capture(request: web.Request) -> web.Response:
    """One capture: facts, verdict, reading, sizes, leaf, and its page in a frame that may do nothing."""
    about, name = room(request), request.match_info["id"]
    whole = await about.ledgers.ask(lambda ledger: _whole(ledger, name))
    reading = whole["reading"]
    return html(
        request,
        "capture.html",
        whole=whole,
        capture=whole["capture"],
        reading=reading,
        entries=reading.entries[:MOST_ENTRIES] if reading else (),
        rule=to_toml(reading.rule) if reading and reading.rule else "",
        can_draw=render.program() is not None,
    )


def _known(ledger: WebLedger, name: str) -> Capture:
    found = ledger.capture(name)
    if found is None:
        raise NotFoundError("there is no such capture", hint="the site's visits list them")
    return found


def _whole(ledger: WebLedger, name: str) -> dict[str, Any]:
    """A capture and all that is known of it."""
    found = _known(ledger, name)
    kept = ledger.kept(name)
    assert kept is not None
    erased = is_erased(ledger, name)
    response = None if erased else ledger.wire(name)[1]
    before = ledger.visits_page(found.site, Cursor("older", (visit_started(found.visit),)), 1).rows
    earlier = [one.id for visit in before for one in visit.captures if one.target == found.target and not one.is_miss]
    return {
        "capture": found,
        "reading": ledger.reading(name),
        "request_bytes": len(kept.pack.request),
        "response_bytes": None if response is None else len(response),  # its body was erased
        "request": _readable(kept.pack.request),
        "head": _readable(kept.pack.head),
        "earlier": earlier[0] if earlier and not found.is_miss else "",  # of the visit before
        "signed": None if found.leaf is None else ledger.checkpoint_over(found.leaf),
    }


def _readable(wire: bytes) -> str:
    return block(wire.decode("utf-8", "replace").replace("\r\n", "\n"), 20_000).rstrip("\n")


# ------------------------------------------------------------------------------------------------------- its page


def _page(ledger: WebLedger, name: str) -> Page:
    found = _known(ledger, name)
    if found.is_miss:
        raise NotFoundError("this is a miss: it brought no page")
    if is_erased(ledger, name):
        raise NotFoundError("the body was erased by `watcher prune`", hint="its digest and its proofs stay")
    return ledger.page(name)


async def _markup(request: web.Request) -> tuple[Page, str]:
    about, name = room(request), request.match_info["id"]
    found = await about.ledgers.ask(lambda ledger: _page(ledger, name))
    return found, await asyncio.to_thread(decode, found.body, found.content_type)


@asynccontextmanager
async def one_of_few(about: Room) -> AsyncIterator[None]:
    """Waits until there is room for one more piece of heavy work, but not for ever."""
    try:
        await asyncio.wait_for(about.heavy.acquire(), WAIT_SECONDS)
    except TimeoutError:
        raise BusyError("too much is being worked on", hint="try again in a minute") from None
    try:
        yield
    finally:
        about.heavy.release()


async def page(request: web.Request) -> web.Response:
    """The page for the frame: nothing in it runs, loads, submits or leads out, and it has no rights at all."""
    about = room(request)
    found, markup = await _markup(request)
    if is_markup(found, markup):
        async with one_of_few(about):
            made = await asyncio.to_thread(made_inert, [markup])
        shown = made[0] if made else plain("This page kills its parser and cannot be shown; its text and source can.")
    else:
        shown = plain(markup)
    response = web.Response(body=shown.encode("utf-8", "replace"), content_type="text/html", charset="utf-8")
    response.headers.update(HEADERS | {"Content-Security-Policy": FRAME_POLICY, "X-Frame-Options": "SAMEORIGIN"})
    return response


def is_markup(found: Page, markup: str) -> bool:
    """Whether a browser would draw it; JSON and plain text are shown as they are."""
    kind = found.content_type.lower()
    return "json" not in kind and not kind.startswith("text/plain") and markup.lstrip("\ufeff \t\r\n")[:1] not in "{["


async def text(request: web.Request) -> web.Response:
    """What a reader of the page would read."""
    found, markup = await _markup(request)
    lines = await asyncio.to_thread(text_blocks, markup) if is_markup(found, markup) else (markup,)
    return _written(request, "Text", "\n".join(lines))


async def source(request: web.Request) -> web.Response:
    """The page as it was sent, its coding taken off."""
    _, markup = await _markup(request)
    return _written(request, "Source", markup)


def _written(request: web.Request, what: str, shown: str) -> web.Response:
    return html(
        request,
        "written.html",
        name=request.match_info["id"],
        what=what,
        text=block(shown, MOST_SHOWN),
        length=len(shown),
        is_cut=len(shown) > MOST_SHOWN,
    )


async def picture(request: web.Request) -> web.Response:
    """The page as a browser without scripts and without a network draws it, from the stored bytes."""
    about, name = room(request), request.match_info["id"]
    drawn = about.pictures.get(name)
    if drawn is None:
        response = await about.ledgers.ask(lambda ledger: (_page(ledger, name), ledger.wire(name)[1])[1])
        async with one_of_few(about):
            drawn = await asyncio.to_thread(render.picture, [response])
        if not drawn:
            raise NotFoundError(
                "no picture could be drawn", hint="install the program that draws: apt-get install chromium"
            )
        while len(about.pictures) >= MOST_PICTURES:
            about.pictures.pop(next(iter(about.pictures)))
        about.pictures[name] = drawn
    return web.Response(body=drawn, content_type="image/png")
