"""What every handler works with, and how it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiohttp import web

from watcher import config
from watcher.config import Settings
from watcher.core.contract import Json, dumps
from watcher.edge.ledger_sights import WebLedger
from watcher.errors import ConfigError
from watcher.web import show
from watcher.web.door import Door
from watcher.web.ledgers import Ledgers
from watcher.web.questions import NotFoundError, Query

T = TypeVar("T")
MOST_HEAVY = 2
"""Comparisons, pages made harmless and bundles that are worked on at a time."""
LOOK_AGAIN_SECONDS = 2.0
"""How often the configuration is looked at for changes."""
SHARE = 20
"""A summary that took one second is taken anew after so many."""


@dataclass(slots=True, kw_only=True)
class Room:
    """The settings, the ledgers, and what was worked out lately."""

    started_with: Settings
    ledgers: Ledgers
    door: Door
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    heavy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_HEAVY))
    pictures: dict[str, bytes] = field(default_factory=dict)
    revision: int = 0
    """How often the configuration was read again."""
    _current: Settings | None = None
    _read: tuple[float, object] = (0.0, None)
    """When the file was last looked at, and what it was then."""
    _summaries: dict[str, tuple[Any, float, float]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """What the file says now: sites and watchlist come and go while this is served. A wrong file changes nothing;
        store, key and address are those of the start."""
        seen, was = self._read
        if time.monotonic() - seen > LOOK_AGAIN_SECONDS:
            try:
                about = self.started_with.path.stat()
                now: object = (about.st_mtime_ns, about.st_size, about.st_ino)
            except OSError:
                now = was
            self._read = (time.monotonic(), now)
            if now != was and was is not None:
                with suppress(ConfigError):
                    fixed = {name: getattr(self.started_with, name) for name in ("store", "key", "web", "vantage")}
                    self._current = replace(config.load(self.started_with.path, secrets=False), **fixed)
                    self.revision += 1
        return self._current or self.started_with

    def summary(self, name: str, mark: object, work: Callable[[], T], *, share: float = SHARE) -> T:
        """What ``work`` gives; the last answer while ``mark`` is the same, or while working it out anew would take
        more than a small share of the time (``share=0``: whenever the mark is another)."""
        known = self._summaries.get(name)
        began = time.monotonic()
        if known is not None and (known[0][0] == mark or began < known[2] + share * known[1]):
            value: T = known[0][1]
            return value
        value = work()
        done = time.monotonic()
        self._summaries[name] = ((mark, value), done - began, done)
        return value

    def sites(self, ledger: WebLedger) -> list[str]:
        """The names of the sites that are configured, or known from before."""
        return sorted({*ledger.sites(), *(site.name for site in self.settings.sites)})

    def known_site(self, ledger: WebLedger, name: str) -> None:
        """NotFoundError if a site is named and is none of these."""
        if name and name not in self.sites(ledger):
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
