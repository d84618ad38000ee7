"""Who comes in: the Host is asked (DNS rebinding), the token where one is set, and the Origin of whoever acts.

Every answer, errors too, leaves with the headers that keep it where it belongs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from aiohttp import web

from watcher.core.addresses import is_loopback
from watcher.web.questions import WebError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "watcher"
STAYS = timedelta(days=7)
SAFE = frozenset({"GET", "HEAD"})
OPEN_PATHS = frozenset({"/login", "/static/watcher.css"})
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""What a browser may do on our own pages: nothing from anywhere else, and no script at all."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=(), browsing-topics=()",
    "X-Robots-Tag": "noindex, nofollow",
    "X-DNS-Prefetch-Control": "off",
    "Cache-Control": "no-store",
}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?", re.ASCII)
_HERE = re.compile(r"/(?![/\\])[\x21-\x7e]*", re.ASCII)


class DeniedError(WebError):
    """Whoever asks may not; the message says why."""

    status = 403
    mend = "open the page by the address that `watcher serve` printed"


class LoginNeededError(DeniedError):
    """A token is needed, and none, or a wrong one, was shown."""

    status = 401


@dataclass(frozen=True, slots=True)
class Door:
    """Lets in who may come in."""

    port: int
    token: str = ""

    def check(self, request: web.Request, now: datetime) -> None:
        """Nothing, if the request may come in; else DeniedError."""
        self.check_host(request)
        self.check_token(request, now)
        self.check_origin(request)

    def check_host(self, request: web.Request) -> None:
        """Nothing, if the browser was asked for this machine by a name that nobody else can give it; with a token, by
        any name. Else DeniedError."""
        given = request.headers.getall("Host", [])
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is None:
            raise DeniedError("there is no single Host in the request")
        if self.token:
            return
        port = int(match[2]) if match[2] else 80
        if not is_loopback(match[1].lower().strip("[]").removesuffix(".")) or port != self.port:
            raise DeniedError(
                "this page answers to this machine's own names and port alone",
                hint=f"open http://127.0.0.1:{self.port}/; for a tunnel or a proxy, use the same port or set a token",
            )

    def check_token(self, request: web.Request, now: datetime) -> None:
        """Nothing, if no token is set, or it is shown; else LoginNeededError."""
        if not self.token or request.path in OPEN_PATHS:
            return
        if not (self._shown(request) or self.is_ours(request.cookies.get(COOKIE, ""), now)):
            raise LoginNeededError("a token is needed", hint="Authorization: Bearer TOKEN, or log in")

    def check_origin(self, request: web.Request) -> None:
        """Nothing, if a request that acts comes from a page of our own, or from no page at all; else DeniedError."""
        if request.method in SAFE:
            return
        origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
        came_from = request.headers.get("Sec-Fetch-Site", "same-origin")
        if origin not in {None, f"http://{host}", f"https://{host}"} or came_from not in {"same-origin", "none"}:
            raise DeniedError("another page asked for this", hint="open the page itself, and press the button there")

    def _shown(self, request: web.Request) -> bool:
        """Whether the token is in the header: as a bearer's, or, for feed readers, as the password."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        value = value.strip()
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
            except ValueError:  # no base64, or not even ASCII
                return False
        elif scheme.lower() != "bearer":
            return False
        return self.is_token(value)

    def is_token(self, value: str) -> bool:
        """Whether this is the token; takes the same time whatever it is."""
        return hmac.compare_digest(_digest(value), _digest(self.token)) and bool(self.token)

    def pass_until(self, end: datetime) -> str:
        """A cookie that lets in until then; it is worth nothing once the token is changed."""
        until = str(int(end.timestamp()))
        return f"{until}.{self._seal(until)}"

    def is_ours(self, cookie: str, now: datetime) -> bool:
        """Whether we gave the cookie, and it still holds."""
        if not cookie.isascii():
            return False
        until, _, seal = cookie.partition(".")
        good = hmac.compare_digest(seal.encode(), self._seal(until).encode())
        return good and until.isdigit() and int(until) > now.timestamp()

    def _seal(self, text: str) -> str:
        return hmac.new(_digest(self.token), b"watcher web pass " + text.encode(), hashlib.sha256).hexdigest()


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def local(path: str) -> str:
    """The path, if it leads to a page of ours; else the first page."""
    return path if _HERE.fullmatch(path) else "/"


def login_path(request: web.Request) -> str:
    """Where to log in, and to come back from."""
    return f"/login?next={quote(request.path_qs, safe='')}" if request.method in SAFE else "/login"


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """The headers of every answer; what a handler set itself stays."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "watcher"
