"""The contract's JSON objects over HTTP: a JSON array, or, if it is asked for, one object a line.

Lists come oldest first and whole, as the command line gives them; with ``limit`` a part of them, and where the next
part begins in the ``Link`` header.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from watcher.core import contract
from watcher.core.contract import Json, dumps
from watcher.core.status import configured
from watcher.edge.ledger_entries import EntriesWanted
from watcher.edge.ledger_lists import BEGINNING, upward
from watcher.edge.ledger_sights import WebLedger
from watcher.web import finds, openapi
from watcher.web.entries import LONGEST_KEY
from watcher.web.entries import wanted_of as entries_wanted
from watcher.web.events import FILTERS
from watcher.web.events import wanted_of as events_wanted
from watcher.web.ledgers import NothingKeptError
from watcher.web.questions import NotFoundError, Query
from watcher.web.room import Room, json, query, room

LINES = "application/x-ndjson"
LINE_TYPES = (LINES, "application/jsonl", "application/jsonlines")
MOST = 10_000
LONGEST_SECONDS = 300.0
"""For one list: its reader sees the ledger as of one moment, and what is written meanwhile must be kept apart."""
PAGING = ("limit", "after", "format")
Rows = Callable[[WebLedger], Iterator[tuple[str, Json]]]
"""Objects, each with the cursor that names it."""


def routes() -> list[web.RouteDef]:
    """Every path below ``/api``."""
    get = web.get
    return [
        get("/api/status", status),
        get("/api/entries", entries),
        get("/api/entries/{site}/{key:.*}", entry),
        get("/api/events", events),
        get("/api/events/{id}", event),
        get("/api/captures", captures),
        get("/api/captures/{id}", capture),
        get("/api/captures/{id}/reading", reading),
        get("/api/search", search),
        get("/api/openapi.json", description),
        get("/api/{rest:.*}", _nothing),
    ]


async def _nothing(request: web.Request) -> web.Response:
    raise NotFoundError(f"there is no {request.path[:80]}", hint="/api/openapi.json lists what there is")


async def description(request: web.Request) -> web.Response:
    """The API as an OpenAPI document."""
    query(request).only()
    return json(openapi.document())


async def status(request: web.Request) -> web.StreamResponse:
    """**status** of every target."""
    about, asked = room(request), query(request)
    asked.only("format")
    adaptive = [site.name for site in about.settings.sites if site.every == "adaptive"]
    try:
        found, watched = await about.ledgers.ask(
            lambda ledger: (ledger.status(), ledger.watched(adaptive, datetime.now(UTC)))
        )
    except NothingKeptError:
        found, watched = (), {}
    targets = configured(about.settings.sites, found, watched, others=about.settings.is_index)
    objects = [contract.status_object(target) for target in targets]
    return await _send(request, _at_once(objects))


async def search(request: web.Request) -> web.StreamResponse:
    """Where a name or phrase ever stood."""
    try:
        objects = await finds.found(request, query(request))
    except NothingKeptError:
        objects = []
    return await _send(request, _at_once(objects))


# ---------------------------------------------------------------------------------------------------------- lists


async def events(request: web.Request) -> web.StreamResponse:
    """**event** objects in the order in which they were recorded."""
    about, asked = room(request), query(request)
    asked.only(*FILTERS, *PAGING)
    wanted, after = events_wanted(asked), asked.text("after")

    def rows(ledger: WebLedger) -> Iterator[tuple[str, Json]]:
        about.known_site(ledger, wanted.site)
        last = 0
        if after:
            number = ledger.event_number(after)
            if number is None:
                raise NotFoundError("after names no event")
            last = number
        found = upward(partial(ledger.events_page, wanted), (last,))
        return ((event.id, contract.event_object(event)) for _, event in found)

    return await _list(request, asked, rows)


async def entries(request: web.Request) -> web.StreamResponse:
    """**entry** objects by site, in the order in which they were first seen."""
    about, asked = room(request), query(request)
    asked.only("site", "standing", "text", *PAGING)
    wanted, after = entries_wanted(asked), asked.text("after", LONGEST_KEY + 65)

    def rows(ledger: WebLedger) -> Iterator[tuple[str, Json]]:
        about.known_site(ledger, wanted.site)
        site, _, key = after.partition("/")
        place = ledger.place_of(site, key) if after else None
        if after and place is None:
            raise NotFoundError("after names no entry", hint="write SITE/KEY")
        return _entries(ledger, wanted, site, place)

    return await _list(request, asked, rows)


def _entries(
    ledger: WebLedger, wanted: EntriesWanted, first: str, place: tuple[int, ...] | None
) -> Iterator[tuple[str, Json]]:
    for site in ledger.sites():
        if site < first or wanted.site not in {"", site}:
            continue
        start = place if place and site == first else BEGINNING
        for _, entry in upward(partial(ledger.entries_page, replace(wanted, site=site)), start):
            yield f"{site}/{entry.key}", contract.entry_object(site, entry)


async def captures(request: web.Request) -> web.StreamResponse:
    """**capture** objects, captures and misses, oldest first."""
    about, asked = room(request), query(request)
    asked.only("site", "since", *PAGING)
    site, since, after = asked.text("site", 64), asked.moment("since"), asked.text("after", 40)

    def rows(ledger: WebLedger) -> Iterator[tuple[str, Json]]:
        about.known_site(ledger, site)
        if after and ledger.capture(after) is None:
            raise NotFoundError("after names no capture")
        found = ledger.captures(site or None, since, after or None)
        return ((one.id, contract.capture_object(one)) for one in found)

    return await _list(request, asked, rows)


# ------------------------------------------------------------------------------------------------------ single ones


async def event(request: web.Request) -> web.Response:
    """One **event**."""
    found = await _one(request, lambda ledger: ledger.event(request.match_info["id"]))
    return json(contract.event_object(found))


async def entry(request: web.Request) -> web.Response:
    """One **entry**."""
    site, key = request.match_info["site"], request.match_info["key"]
    return json(contract.entry_object(site, await _one(request, lambda ledger: ledger.entry(site, key))))


async def capture(request: web.Request) -> web.Response:
    """One **capture**, or miss."""
    return json(contract.capture_object(await _one(request, lambda ledger: ledger.capture(request.match_info["id"]))))


async def reading(request: web.Request) -> web.Response:
    """What a capture was read to say: **read**."""
    return json(contract.reading_object(await _one(request, lambda ledger: ledger.reading(request.match_info["id"]))))


async def _one(request: web.Request, question: Callable[[WebLedger], Any]) -> Any:
    query(request).only()
    found = await room(request).ledgers.ask(question)
    if found is None:
        raise NotFoundError("there is no such thing")
    return found


# --------------------------------------------------------------------------------------------------------- sending


async def _list(request: web.Request, asked: Query, rows: Rows) -> web.StreamResponse:
    limit = asked.number("limit", 0, most=MOST)
    about: Room = room(request)
    try:
        few = (lambda ledger: islice(rows(ledger), limit + 1)) if limit else rows
        async with about.ledgers.stream(few) as batches:
            if limit:
                return await _part(request, [row async for batch in batches for row in batch], limit)
            return await _send(request, ([value for _, value in batch] async for batch in batches))
    except NothingKeptError:
        return await _send(request, _at_once([]))


async def _part(request: web.Request, found: list[tuple[str, Json]], limit: int) -> web.StreamResponse:
    headers = {}
    if len(found) > limit:
        parameters = {**request.query, "after": found[limit - 1][0]}
        headers["Link"] = f'<{request.path}?{urlencode(parameters)}>; rel="next"'
    return await _send(request, _at_once([value for _, value in found[:limit]]), headers)


async def _at_once(objects: list[Json]) -> AsyncIterator[list[Json]]:
    yield objects


async def _send(
    request: web.Request, batches: AsyncIterator[list[Json]], headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """The objects as they come: an array, or lines."""
    lines = wants_lines(request)
    response = web.StreamResponse(headers=headers)
    response.content_type = LINES if lines else "application/json"
    response.charset = "utf-8"
    await response.prepare(request)
    if request.method == "HEAD":  # nobody would read more, and it would stand before the next answer
        return response
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await _write(response, batches, lines)
    except TimeoutError:
        # whoever reads so slowly holds up the ledger; and what was sent must not pass for the whole
        if request.transport is not None:
            request.transport.abort()
    return response


async def _write(response: web.StreamResponse, batches: AsyncIterator[list[Json]], lines: bool) -> None:
    if not lines:
        await response.write(b"[")
    first = True
    async for batch in batches:
        texts = [dumps(value) for value in batch]
        if lines:
            await response.write("".join(f"{text}\n" for text in texts).encode())
        elif texts:
            await response.write((("" if first else ",\n") + ",\n".join(texts)).encode())
            first = False
    if not lines:
        await response.write(b"]\n")
    await response.write_eof()


def wants_lines(request: web.Request) -> bool:
    """Whether one object a line was asked for, by ``format=jsonl`` or by ``Accept``."""
    form = query(request).choice("format", ("json", "jsonl"))
    if form:
        return form == "jsonl"
    accepted = request.headers.get("Accept", "")
    return any(kind in accepted for kind in LINE_TYPES)
