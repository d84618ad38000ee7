"""The custody log: its head, its checkpoints and time-stamps, and one leaf with its proof."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from watcher.core.contract import Json, dumps
from watcher.edge import tokens
from watcher.edge.ledger_log import Stamp
from watcher.edge.ledger_sights import WebLedger
from watcher.edge.sign import load_key
from watcher.errors import StoreError, UnreadableError
from watcher.web.questions import BadRequestError, NotFoundError, place
from watcher.web.room import Room, html, query, room

A_PAGE = 20


async def log(request: web.Request) -> web.Response:
    """Head, checkpoints and time-stamps, and how to check them."""
    about = room(request)
    cursor = query(request).cursor(1)
    before = cursor.place[0] if cursor else None

    def work(ledger: WebLedger) -> dict[str, Any]:
        heads = ledger.checkpoints_before(before, A_PAGE + 1)
        shown = heads[:A_PAGE]
        stamps = ledger.stamps_of([head.size for head in shown])
        return {
            "size": ledger.log.size,
            "root": ledger.log.root().hex(),
            "heads": shown,
            "stamps": {size: [{"stamp": one, "time": _time(one)} for one in some] for size, some in stamps.items()},
            "last_stamped": ledger.last_stamped(),
            "older": place((shown[-1].size,)) if len(heads) > A_PAGE else "",
        }

    return html(
        request,
        "log.html",
        view=await about.ledgers.ask(work),
        is_past=before is not None,
        vkey=public_key(about),
        asks_authorities=bool(about.settings.timestamp.authorities),
    )


def _time(stamp: Stamp) -> datetime | None:
    if not stamp.token:
        return None
    try:
        return tokens.claimed_time(stamp.token)
    except (ValueError, UnreadableError):
        return None


def public_key(about: Room) -> str:
    """The verifier key; empty if there is no key here."""
    try:
        return load_key(about.settings.key).vkey
    except StoreError:
        return ""


async def leaf(request: web.Request) -> web.Response:
    """One leaf: its record, its hash, and its path to the checkpoint that covers it."""
    about, given = room(request), request.match_info["leaf"]
    if given == "find":  # the form's way to a leaf
        raise web.HTTPSeeOther(f"/log/{query(request).number('leaf', 0, least=0, most=999_999_999)}")
    if not given.isascii() or not given.isdigit() or len(given) > 12:
        raise BadRequestError("a leaf goes by its number, from 0")
    index = int(given)
    found = await about.ledgers.ask(lambda ledger: proof(ledger, index))
    return html(request, "leaf.html", leaf=found, record=dumps_lines(found["record"]))


def proof(ledger: WebLedger, index: int) -> Json:
    """A leaf, its record, and its path to the first checkpoint that covers it, or to the log as it stands."""
    if index >= ledger.log.size:
        raise NotFoundError(f"there is no leaf {index}", hint=f"the log has {ledger.log.size}")
    head = ledger.checkpoint_over(index)
    return {**ledger.proof(index, head), "signed_at": head.signed_at if head else None}


def dumps_lines(record: dict[str, Any]) -> str:
    """The record, a key a line."""
    return "\n".join(f"{name}: {value if isinstance(value, str) else dumps(value)}" for name, value in record.items())
