"""A leak site that plays a script, on a loopback port, as hostile and as moody as the real ones.

    async with PracticeSite(script.opening, script.steps) as site:
        …                # GET http://127.0.0.1:{site.port}/
        site.advance()   # the script's next step
        site.do(Withdraw(("velmora",)), Break(Fault(kind="queue")))

With a ``clock`` the script goes on by itself, each step after the time that the one before lasts. The mirror that a
request means is its ``Host``. Stolen files are on offer, as on the real sites: ``archive_bytes`` tells whether anyone
took some.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from urllib.parse import unquote

from aiohttp import web

from watcher.ports import Clock
from watcher.testing import pages
from watcher.testing.scene import Act, Fault, Scene, Step, Victim, after

ARCHIVE_SIZE = 1 << 30
CHUNK = bytes(range(256)) * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRequest:
    """One request as the site saw it."""

    host: str
    path: str
    """With the query."""
    headers: tuple[tuple[str, str], ...]
    at: datetime
    fault: str
    """The kind of fault that was its answer, or empty."""


class PracticeSite:
    """A site on a loopback port of its own while its ``async with`` block lasts."""

    def __init__(
        self,
        opening: Scene,
        steps: Iterable[Step] = (),
        *,
        clock: Clock | None = None,
        title: str = "CL0P^_- LEAKS",
        seed: int = 1,
        delay_seconds: float = 0.0,
        port: int = 0,
    ) -> None:
        """``clock``: the steps follow it, else ``advance``. ``seed``: of what moves on its pages. ``delay_seconds``:
        before each answer. ``port`` 0: any free one."""
        self.scene = opening
        self.step = Step()
        """The one that came last; an empty one at first."""
        self.requests: deque[SiteRequest] = deque(maxlen=100_000)
        self.archive_bytes = 0
        """How much of the stolen files anyone was sent."""
        self.delay_seconds = delay_seconds
        self.before_answer: Callable[[SiteRequest], None] | None = None
        """Called before each answer is made: here a test may change the scene between two pages of one visit."""
        self.port = port
        self._steps: Iterator[Step] = iter(steps)
        self._history: deque[Scene] = deque([opening.content], maxlen=100)
        self._title, self._seed, self._clock = title, seed, clock
        self._due: datetime | None = None
        self._loads = 0
        self._failed: tuple[Fault | None, int] = (None, 0)
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; what a proxy's route leads to."""
        return ("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def __aenter__(self) -> PracticeSite:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_response_prepare.append(_dress_as_nginx)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=4096).start()
        self.port = self._runner.addresses[0][1]
        self.follow_clock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    # --------------------------------------------------------------------------------------------- the script

    def advance(self) -> Step | None:
        """The script's next step, taken; None when the script is over."""
        step = next(self._steps, None)
        if step is not None:
            self.do(*step.acts)
            self.step = step
        return step

    def do(self, *acts: Act) -> None:
        """Let something happen that is not in the script."""
        self.scene = after(self.scene, *acts)
        if self.scene.content != self._history[-1]:
            self._history.append(self.scene.content)

    def follow_clock(self) -> None:
        """Take the steps that are due by the clock; each request does so by itself."""
        if self._clock is None:
            return
        now = self._clock.now()
        self._due = self._due or now
        while self._due <= now:
            step = self.advance()
            if step is None:
                return
            self._due += timedelta(seconds=step.lasts_seconds)

    # --------------------------------------------------------------------------------------------- one request

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.follow_clock()
        self._loads += 1
        fault = self._fault(request)
        note = SiteRequest(
            host=request.host.partition(":")[0],
            path=request.path_qs,
            headers=tuple(request.headers.items()),
            at=datetime.now(UTC),
            fault=fault.kind if fault else "",
        )
        self.requests.append(note)
        if self.before_answer:
            self.before_answer(note)
        await asyncio.sleep(self.delay_seconds)
        moving = pages.Moving.of(self._seed, self._loads, self._clock.now() if self._clock else note.at)
        if request.path.startswith(("/files/", "/download")):
            return await self._offer_archive(request)
        if fault:
            return await self._fail(request, fault, moving)
        return self._page(self._scene_for(note.host), request, moving)

    def _fault(self, request: web.Request) -> Fault | None:
        """The fault that this request meets, if any."""
        fault, number = self.scene.fault, _page_number(request)
        if fault is None or (fault.hosts and request.host.partition(":")[0] not in fault.hosts):
            return None
        if (fault.pages and number not in fault.pages) if number else not fault.details:
            return None
        if self._loads % fault.every:
            return None
        self._failed = (fault, self._failed[1] + 1 if self._failed[0] is fault else 1)
        return fault if not fault.most or self._failed[1] <= fault.most else None

    def _scene_for(self, host: str, back: int = 0) -> Scene:
        back = max(back, self.scene.lags.get(host, 0))
        return self._history[max(0, len(self._history) - 1 - back)]

    def _page(self, scene: Scene, request: web.Request, moving: pages.Moving, *, empty: bool = False) -> web.Response:
        number = _page_number(request)
        if number and number <= pages.last_page(scene):
            text, kind = pages.listing(scene, number, self._title, moving, empty=empty)
            return web.Response(text=text, content_type=kind)
        victim = _own_page(scene, unquote(request.path).strip("/"))
        if victim:
            return _html(pages.detail(scene, victim, self._title, moving))
        if request.path in {"/how-to-download", "/contact", "/archive"}:
            return _html(pages.notice("note", moving, heading=self._title, text="Use a download manager. Be patient."))
        return _html(pages.notice("note", moving, heading="404 Not Found", text="nginx"), 404)

    async def _fail(self, request: web.Request, fault: Fault, moving: pages.Moving) -> web.StreamResponse:
        scene = self._scene_for(request.host.partition(":")[0])
        match fault.kind:
            case "status":
                heading = f"{fault.status} {web.Response(status=fault.status).reason}"
                return _html(pages.notice("note", moving, heading=heading, text="nginx"), fault.status)
            case "queue" | "captcha" | "login" | "seized":
                return _html(pages.notice(fault.kind, moving))
            case "script-shell":
                return _html(pages.shell(self._title, moving))
            case "empty":
                return self._page(scene, request, moving, empty=True)
            case "old":
                return self._page(self._scene_for("", fault.back), request, moving)
            case "cut":
                return await _cut(request, self._page(scene, request, moving), fault)
            case "silent":
                await asyncio.Event().wait()  # cancelled when the client gives up
            case "closed":
                pass
        return _drop(request)

    async def _offer_archive(self, request: web.Request) -> web.StreamResponse:
        """A file without end for whoever takes it; what is sent is counted."""
        response = web.StreamResponse()
        response.content_length = ARCHIVE_SIZE
        response.content_type = (
            "application/x-7z-compressed" if request.path.endswith(".7z") else "application/octet-stream"
        )
        response.headers["Content-Disposition"] = 'attachment; filename="files.7z"'
        await response.prepare(request)
        await asyncio.sleep(0.2)  # a client that hangs up at the headers has time to
        with contextlib.suppress(ConnectionError):
            for _ in range(ARCHIVE_SIZE // len(CHUNK)):
                await response.write(CHUNK)
                self.archive_bytes += len(CHUNK)
        return response


def _page_number(request: web.Request) -> int:
    """Which page of the listing is meant, from 1; 0: none."""
    parts = request.path.strip("/").split("/")
    number = request.query.get("page", "1") if parts == [""] else parts[1] if parts[0] == "page" and parts[1:] else "0"
    return int(number) if number.isdecimal() else 0


def _own_page(scene: Scene, slug: str) -> Victim | None:
    return next((v for v in scene.victims + scene.still_up if v.slug == slug and v.has_page), None)


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")


async def _cut(request: web.Request, whole: web.Response, fault: Fault) -> web.StreamResponse:
    """Part of a page, and framing that tells or does not."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    part = body[: int(len(body) * fault.share)]
    if fault.framing == "none":
        return web.Response(body=part, status=whole.status, headers={"Content-Type": whole.headers["Content-Type"]})
    response = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.headers["Content-Type"]})
    if fault.framing == "length":
        response.content_length = len(body)
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(part)
    if request.transport:
        request.transport.close()  # after what was written is sent
    return response


def _drop(request: web.Request) -> web.Response:
    """Hang up without a word."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _dress_as_nginx(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "nginx"
