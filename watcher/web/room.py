"""What every handler works with, and how it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiohttp import web

from watcher.config import Settings
from watcher.core.contract import Json, dumps
from watcher.edge.ledger_sights import WebLedger
from watcher.web import show
from watcher.web.door import Door
from watcher.web.ledgers import Ledgers
from watcher.web.questions import NotFoundError, Query

T = TypeVar("T")
MOST_HEAVY = 2
"""Comparisons, pages made harmless and bundles that are worked on at a time."""
SHARE = 20
"""A summary that took one second is taken anew after so many."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Room:
    """The settings, the ledgers, and what was worked out lately."""

    settings: Settings
    ledgers: Ledgers
    door: Door
    now: Callable[[], datetime] = _now
    heavy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_HEAVY))
    pictures: dict[str, bytes] = field(default_factory=dict)
    _summaries: dict[str, tuple[Any, float, float]] = field(default_factory=dict)

    def summary(self, name: str, mark: object, work: Callable[[], T]) -> T:
        """What ``work`` gives; the last answer while ``mark`` is the same, or while working it out anew would take
        more than a small share of the time."""
        known = self._summaries.get(name)
        began = time.monotonic()
        if known is not None and (known[0][0] == mark or began < known[2] + SHARE * known[1]):
            value: T = known[0][1]
            return value
        value = work()
        done = time.monotonic()
        self._summaries[name] = ((mark, value), done - began, done)
        return value

    def known_site(self, ledger: WebLedger, name: str) -> None:
        """Nothing, if the site is configured, or known from before; else NotFoundError."""
        if name not in {site.name for site in self.settings.sites} and name not in ledger.sites():
            raise NotFoundError("there is no such site", hint="the overview lists them")


ROOM: web.AppKey[Room] = web.AppKey("room", Room)


def room(request: web.Request) -> Room:
    """The room that the request came to."""
    return request.app[ROOM]


def query(request: web.Request) -> Query:
    """The request's parameters."""
    return Query(request.query, room(request).now())


def html(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page, with what every page shows."""
    about = room(request)
    text = show.page(
        template,
        path=request.path,
        now=about.now(),
        vantage=about.settings.vantage,
        is_guarded=bool(about.door.token),
        **values,
    )
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


def json(value: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """One JSON object."""
    return web.Response(
        text=dumps(value) + "\n", content_type="application/json", charset="utf-8", status=status, headers=headers
    )
