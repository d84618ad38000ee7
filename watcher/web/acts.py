"""What is done from the page: a bundle is made, somebody logs in or out. Always by POST, from a page of our own."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from watcher.edge import acts
from watcher.edge.export import Exported
from watcher.edge.export_fleet import export_with
from watcher.edge.gather import Selection
from watcher.edge.sign import SigningKey, load_key
from watcher.errors import StoreError
from watcher.web.captures import one_of_few
from watcher.web.door import COOKIE, STAYS, local
from watcher.web.questions import NotFoundError
from watcher.web.room import Room, html, room

CHUNK = 256 * 1024
MEDIA_TYPE = "application/wacz"
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


async def bundle(request: web.Request) -> web.StreamResponse:
    """The evidence bundle of an event, made, verified, logged, and sent."""
    about, name = room(request), request.match_info["id"]
    form = await request.post()
    draw = form.get("pictures") == "1"
    if await about.ledgers.ask(lambda ledger: ledger.event(name)) is None or not _NAME.fullmatch(name):
        raise NotFoundError("there is no such event", hint="the timeline lists them")
    key = await asyncio.to_thread(load_key, about.settings.key)
    async with one_of_few(about):
        with tempfile.TemporaryDirectory(prefix="watcher-bundle-") as folder:
            path = Path(folder) / f"{name}.wacz"
            made = await about.ledgers.ask(
                lambda ledger: export_with(about.settings, ledger, Selection(events=(name,)), path, key=key, draw=draw)
            )
            await _log(about, key, made)
            return await _sent(request, path, made.size)


async def _log(about: Room, key: SigningKey, made: Exported) -> None:
    """The act, in the custody log: at once, or, where a watcher is running, as soon as it takes it in. A store that
    cannot be written does not take back what was asked for: it is left to the log of the next export."""
    record = made.record(about.now(), about.settings.vantage)
    try:
        await acts.log(about.settings.store, record, key, vantage=about.settings.vantage)
    except StoreError as error:
        import structlog

        structlog.get_logger("watcher").error("the log does not tell of a bundle that was made", error=str(error))


async def _sent(request: web.Request, path: Path, size: int) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Disposition": f'attachment; filename="{path.name}"', "Content-Length": str(size)}
    )
    response.content_type = MEDIA_TYPE
    await response.prepare(request)
    handle = await asyncio.to_thread(os.open, path, os.O_RDONLY)
    try:
        while chunk := await asyncio.to_thread(os.read, handle, CHUNK):
            await response.write(chunk)
    finally:
        os.close(handle)
    await response.write_eof()
    return response


# ------------------------------------------------------------------------------------------------------ logging in


async def login_form(request: web.Request) -> web.Response:
    """Where the token is typed in."""
    return _form(request, local(request.query.get("next", "/")))


def _form(request: web.Request, back: str, *, is_wrong: bool = False) -> web.Response:
    if not room(request).door.token:
        raise NotFoundError("no token is set, so there is nothing to log in to", hint='add token = "…" below [web]')
    response = html(request, "login.html", back=back, is_wrong=is_wrong, status=401 if is_wrong else 200)
    response.headers["Referrer-Policy"] = "same-origin"  # as on the event page: else the form has no origin
    return response


async def login(request: web.Request) -> web.StreamResponse:
    """A cookie for who knows the token."""
    about = room(request)
    form = await request.post()
    back, given = local(str(form.get("next", "/"))), form.get("token", "")
    if not about.door.token or not isinstance(given, str) or not about.door.is_token(given):
        return _form(request, back, is_wrong=True)
    answer = web.HTTPSeeOther(back)
    answer.set_cookie(
        COOKIE,
        about.door.pass_until(about.now() + STAYS),
        max_age=int(STAYS / timedelta(seconds=1)),
        httponly=True,
        samesite="Strict",
        secure=request.headers.get("Origin", "").startswith("https:"),
    )
    raise answer


async def logout(request: web.Request) -> web.StreamResponse:
    """The cookie, taken back."""
    del request
    answer = web.HTTPSeeOther("/login")
    answer.del_cookie(COOKIE, httponly=True, samesite="Strict")
    raise answer
