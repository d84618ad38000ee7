"""Two captures side by side: by entries, by text, by source."""

from __future__ import annotations

import asyncio
from typing import cast, get_args

from aiohttp import web
from markupsafe import Markup

from watcher.core import diff_html
from watcher.core.comparison import By, Comparison, Side, compared
from watcher.core.moments import parse_moment
from watcher.edge.ledger_sights import WebLedger
from watcher.edge.sides import side_of
from watcher.records import Capture
from watcher.web.captures import one_of_few
from watcher.web.questions import BadRequestError, NotFoundError
from watcher.web.room import Room, html, query, room

WAYS = get_args(By)


async def diff(request: web.Request) -> web.Response:
    """The comparison; without two captures, the form that asks for them."""
    about, asked = room(request), query(request)
    old, new = asked.text("old"), asked.text("new")
    by = cast("By", asked.choice("by", WAYS) or "entries")
    found: Comparison | None = None
    table = Markup("")
    if old and new:
        sides = await about.ledgers.ask(lambda ledger: (_side(about, ledger, old), _side(about, ledger, new)))
        async with one_of_few(about):
            found, table = await asyncio.to_thread(_compared, *sides, by)
    elif old or new:
        raise BadRequestError("two captures are compared", hint="name both")
    return html(
        request,
        "diff.html",
        old=old,
        new=new,
        by=by,
        ways=WAYS,
        found=found,
        table=table,
        sides=[("Before", found.old), ("After", found.new)] if found else [],
    )


def _compared(old: Side, new: Side, by: By) -> tuple[Comparison, Markup]:
    found = compared(old, new, by)
    return found, Markup(diff_html.table(found))  # every captured text in it went through core.escape


def _side(about: Room, ledger: WebLedger, name: str) -> Side:
    found = _capture(about, ledger, name)
    if found is None:
        raise NotFoundError(
            f"{name[:80]} is no capture", hint="an id, or SITE@TIME: the site's last capture at or before that time"
        )
    return side_of(ledger, found)


def _capture(about: Room, ledger: WebLedger, name: str) -> Capture | None:
    site, at, time = name.rpartition("@")
    if not at:
        return ledger.capture(name)
    about.known_site(ledger, site)
    try:
        return ledger.capture_at(site, parse_moment(time, about.now()))
    except ValueError as error:
        raise BadRequestError(str(error)) from None
