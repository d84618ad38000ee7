"""The web server: routes, errors, and how it is started and stopped."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from aiohttp import web

from watcher.config import Settings, WebSettings
from watcher.core.escape import block, line
from watcher.errors import StoreDamaged, StoreError, UsageError, WatcherError
from watcher.web import acts, api, captures, diffs, entries, events, feeds, finds, log, overview, sites
from watcher.web.door import Door, Handler, LoginNeededError, harden, login_path
from watcher.web.ledgers import Ledgers
from watcher.web.questions import WebError
from watcher.web.room import ROOM, Room, html, json
from watcher.web.show import STYLE

LARGEST_POST = 64 * 1024
SECONDS_TO_STOP = 1.0
TEXTS = {404: "there is no such page", 405: "this page is only looked at", 413: "that is too much"}


@asynccontextmanager
async def serve(settings: Settings, *, now: Callable[[], datetime] | None = None) -> AsyncIterator[str]:
    """The web page, served as ``[web]`` says until the block ends; gives its address. Raises WatcherError if the
    address cannot be listened on."""
    about = settings.web or WebSettings()
    app, room = make(settings, about, now=now)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SECONDS_TO_STOP, max_line_size=16 * 1024)
    await runner.setup()
    try:
        site = web.TCPSite(runner, about.host, about.port)
        try:
            await site.start()
        except OSError as error:
            raise WatcherError(
                f"{about.host}:{about.port} cannot be listened on: {error.strerror or error}",
                hint="another program may be there; write another port in [web] listen",
            ) from error
        port = runner.addresses[0][1]
        room.door = Door(port, about.token)
        yield f"http://{f'[{about.host}]' if ':' in about.host else about.host}:{port}/"
    finally:
        await runner.cleanup()


def make(
    settings: Settings, about: WebSettings, *, now: Callable[[], datetime] | None = None
) -> tuple[web.Application, Room]:
    """The application and its room."""
    room = Room(started_with=settings, ledgers=Ledgers(settings.store), door=Door(about.port, about.token))
    if now is not None:
        room.now = now
    app = web.Application(middlewares=[_never_bare, _told, _at_the_door], client_max_size=LARGEST_POST)
    app[ROOM] = room
    app.on_response_prepare.append(harden)
    app.on_cleanup.append(_close)
    app.add_routes(routes())
    return app, room


def routes() -> list[web.RouteDef]:
    """Every page, and who answers for it."""
    get = web.get
    return [
        get("/", overview.overview),
        get("/events", events.timeline),
        get("/events/{id}", events.event),
        web.post("/events/{id}/bundle", acts.bundle),
        get("/entries", entries.roster),
        get("/sites/{site}", sites.site),
        get("/sites/{site}/entry", entries.life),
        get("/captures", captures.captures),
        get("/captures/{id}", captures.capture),
        get("/captures/{id}/page", captures.page),
        get("/captures/{id}/text", captures.text),
        get("/captures/{id}/source", captures.source),
        get("/captures/{id}/picture.png", captures.picture),
        get("/diff", diffs.diff),
        get("/search", finds.page),
        get("/log", log.log),
        get("/log/{leaf}", log.leaf),
        get("/login", acts.login_form),
        web.post("/login", acts.login),
        web.post("/logout", acts.logout),
        get("/feed.atom", feeds.atom),
        get("/metrics", feeds.metrics),
        get("/static/watcher.css", _style),
        *api.routes(),
    ]


async def _style(request: web.Request) -> web.StreamResponse:
    del request
    return web.FileResponse(STYLE, headers={"Cache-Control": "max-age=3600"})


async def _close(app: web.Application) -> None:
    app[ROOM].ledgers.close()


@web.middleware
async def _at_the_door(request: web.Request, handler: Handler) -> web.StreamResponse:
    request.app[ROOM].door.check(request, request.app[ROOM].now())
    return await handler(request)


# --------------------------------------------------------------------------------------------------------- errors


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as pages, or under ``/api`` as JSON: what is wrong, and what would be right."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        allow = {"Allow": answer.headers["Allow"]} if "Allow" in answer.headers else {}
        return _error(request, answer.status, TEXTS.get(answer.status, answer.reason.lower()), "", allow)
    except LoginNeededError as error:
        if _wants_page(request):
            raise web.HTTPSeeOther(login_path(request)) from None
        return _error(request, 401, str(error), error.hint, {"WWW-Authenticate": 'Bearer realm="watcher", Basic'})
    except WatcherError as error:
        return _error(request, _status_of(error), str(error), error.hint)
    except sqlite3.Error as error:
        return _error(request, 503, str(error), "watcher verify says whether the store is damaged")


def _status_of(error: WatcherError) -> int:
    match error:
        case WebError():
            return error.status
        case UsageError():
            return 400
        case StoreError() if not isinstance(error, StoreDamaged):
            return 503
    return 500


@web.middleware
async def _never_bare(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A fault of the program is a page, too, and a line in the log; the other pages go on."""
    (outcome,) = await asyncio.gather(handler(request), return_exceptions=True)
    if not isinstance(outcome, BaseException):
        return outcome
    begun = request.writer.output_size > 0
    if isinstance(outcome, web.HTTPException | ConnectionError) or not isinstance(outcome, Exception) or begun:
        raise outcome
    structlog.get_logger("watcher").error("a page failed", path=line(request.path_qs, 200), exc_info=outcome)
    return _error(
        request,
        500,
        f"this page failed by a fault of the program ({type(outcome).__name__})",
        "nothing that was kept is harmed; the log on stderr says where it failed: please report that",
    )


def _wants_page(request: web.Request) -> bool:
    return not request.path.startswith(("/api", "/feed.atom", "/metrics", "/captures/")) or (
        request.path.startswith("/captures/") and request.path.count("/") == 2
    )


def _error(
    request: web.Request, status: int, message: str, hint: str, headers: dict[str, str] | None = None
) -> web.Response:
    if request.path.startswith("/api"):
        return json({"error": block(message), "hint": block(hint)}, status=status, headers=headers)
    response = html(request, "error.html", status=status, message=message, hint=hint)
    response.headers.update(headers or {})
    return response
