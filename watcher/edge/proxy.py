"""A SOCKS5 proxy: where it is, whether it takes us, and what it answers (RFC 1928, RFC 1929).

python-socks' protocol underneath (pinned), with what it leaves out: numeric reply codes, Tor's extended ones too; a
deadline for what the proxy answers by itself; not one byte read beyond the handshake; and only errors that mean
something: ``ProxyError`` for the proxy, ``Unreached`` for the site.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import time
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from python_socks._protocols import socks5
from python_socks._protocols.errors import ReplyError

from watcher.edge.tap import Line
from watcher.errors import ProxyError

PATIENCE_SECONDS = 2.5
"""What a proxy may take to say who it is. It answers that by itself, without the network."""
PATIENCE_WHEN_BUSY_SECONDS = 30.0
"""The same of a proxy that answered others within this time: it is alive, and busy."""

REPLIES = {
    0x01: "the proxy could not reach it (general failure)",
    0x02: "the proxy's rules forbid it",
    0x03: "the network is unreachable from the proxy",
    0x04: "the host is unreachable from the proxy",
    0x05: "the connection was refused",
    0x06: "the proxy gave up waiting (TTL expired)",
    0x07: "the proxy cannot do that",
    0x08: "the proxy does not know this kind of address",
    # Tor's: tor(1) ExtendedErrors, and proposal 304
    0xF0: "the onion's descriptor was not found: it is withdrawn, or down for long",
    0xF1: "the onion's descriptor is not valid",
    0xF2: "the introduction failed: the onion is down",
    0xF3: "the rendezvous failed",
    0xF4: "the onion asks for client authorization",
    0xF5: "the onion refuses our client authorization",
    0xF6: "the onion address is not valid",
    0xF7: "the introduction timed out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A SOCKS5 proxy."""

    host: str
    port: int
    username: str = ""
    """The operator's own credentials; they take the place of isolation tokens."""
    password: str = ""

    @property
    def name(self) -> str:
        """For people: without credentials."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Health:
    """When a proxy last answered."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._answered = -PATIENCE_WHEN_BUSY_SECONDS

    def answered(self) -> None:
        self._answered = time.monotonic()

    def patience(self) -> float:
        """How long it may take to answer now."""
        is_alive = time.monotonic() - self._answered < PATIENCE_WHEN_BUSY_SECONDS
        return max(self._patience, PATIENCE_WHEN_BUSY_SECONDS) if is_alive else self._patience


class Unreached(Exception):  # noqa: N818 - an outcome of an exchange, no fault of ours
    """The site was not reached: ``word`` for machines, the message for people."""

    def __init__(self, word: str, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.word = word
        self.code = code
        """The proxy's reply, if there was one."""


# --------------------------------------------------------------------------------------------------------- proxies


def proxy_of(url: str) -> Proxy:
    """The proxy that an address names (``socks5h://`` and ``socks5://`` mean the same here); ProxyError if none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in {"socks5", "socks5h"}:
        raise ProxyError("the proxy's address is none of a SOCKS5 proxy", hint='write "socks5://127.0.0.1:9050"')
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Proxy(host=host, port=port, username=username, password=password)


async def resolve(proxy: Proxy) -> Proxy:
    """The proxy with a numeric host. A name other than ``localhost`` is looked up by this machine's resolver, once in
    the life of the process: the only name that ever is. Do it before the guard is armed."""
    try:
        ip_address(proxy.host)
    except ValueError:
        if proxy.host not in _NUMBERS:
            _NUMBERS[proxy.host] = await _look_up(proxy)
        return replace(proxy, host=_NUMBERS[proxy.host])
    return proxy


_NUMBERS = {"localhost": "127.0.0.1"}


async def _look_up(proxy: Proxy) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ProxyError(
            f"the proxy's name {proxy.host} cannot be looked up: {error.strerror}",
            hint="write its address in place of its name under [proxy] url",
        ) from None
    return str(found[0][4][0])


async def check_proxy(url: str) -> None:
    """Nothing, if a SOCKS5 proxy answers there and takes us; else ProxyError. Nothing is asked of the network."""
    await check(await resolve(proxy_of(url)), Health())


async def check(proxy: Proxy, health: Health) -> None:
    """The same of a resolved proxy."""
    greeted = await greet(proxy, credentials_for(proxy, "watcher"), health)
    greeted.line.transport.close()


def credentials_for(proxy: Proxy, token: str) -> tuple[str, str]:
    """User name and password for an isolation token; both empty: none are to be sent.

    The password is never empty where there is a name: python-socks drops both then, and the circuit is shared.
    """
    if proxy.username:
        return proxy.username, proxy.password or "-"
    if not token:
        return "", ""
    plain = token.isascii() and token.isprintable() and len(token) <= 200
    return (token if plain else hashlib.sha256(token.encode()).hexdigest()), "watcher"


# ------------------------------------------------------------------------------------------------------- handshake


class Greeted(NamedTuple):
    """A connection to a proxy that is ready for a request."""

    line: Line
    talk: socks5.Connection
    authenticated: bool
    """Whether the proxy took the credentials; if not, circuits are shared."""


async def greet(proxy: Proxy, credentials: tuple[str, str], health: Health) -> Greeted:
    """A connection to the proxy; ProxyError if it is not there, is no SOCKS5 proxy, or refuses us."""
    username, password = credentials
    talk = socks5.Connection()
    try:
        sock = socket.socket(socket.AF_INET6 if ":" in proxy.host else socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise ProxyError(
            f"no more connections can be opened: {error.strerror}", hint="raise the limit of open files (ulimit -n)"
        ) from None
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(sock.close)
        try:
            async with asyncio.timeout(health.patience()):
                sock.setblocking(False)
                await loop.sock_connect(sock, (proxy.host, proxy.port))
                _, line = await loop.create_connection(lambda: Line(loop), sock=sock)
                on_failure.callback(line.transport.abort)
                answer = await _say(line, talk, socks5.AuthMethodsRequest(username, password), 2)
                authenticated = answer.method == socks5.AuthMethod.USERNAME_PASSWORD
                if authenticated:
                    await _say(line, talk, socks5.AuthRequest(username, password), 2)
        except (ReplyError, EOFError, OSError) as error:
            raise _proxy_fault(proxy, error) from None
        on_failure.pop_all()
    health.answered()
    return Greeted(line, talk, authenticated)


async def _say(line: Line, talk: socks5.Connection, request: socks5.Request, size: int) -> Any:
    """The proxy's answer to a request."""
    line.say(talk.send(request))
    return talk.receive(await line.hear(size))


def _proxy_fault(proxy: Proxy, error: ReplyError | EOFError | OSError) -> ProxyError:
    """What to tell the operator."""
    match error:
        case TimeoutError():
            what, hint = "does not answer", "is it running, and is it a SOCKS5 proxy? Tor listens on 9050"
        case ReplyError() if "version" in str(error) or "Invalid" in str(error):
            what, hint = "is no SOCKS5 proxy", "Tor's SOCKS port is 9050 (Tor Browser: 9150), not its control port"
        case ReplyError():
            what, hint = f"refuses us: {error}", "put its user name and password into [proxy] url"
        case EOFError():
            what, hint = "hangs up on us", "is it a SOCKS5 proxy? Tor's SOCKS port is 9050 (Tor Browser: 9150)"
        case _:
            what = f"does not answer: {error.strerror or type(error).__name__}"
            hint = (
                "start tor (apt-get install tor), or write under [proxy] url where it listens (Tor Browser: 9150), "
                'or url = "tor": then the watcher starts one of its own'
            )
    return ProxyError(f"the proxy {proxy.name} {what}", hint=hint)


async def request(greeted: Greeted, proxy: Proxy, host: str, port: int) -> None:
    """Nothing, once the proxy has reached the site; else Unreached with its reply (RFC 1928 section 6)."""
    line, talk, _ = greeted
    try:
        line.say(talk.send(socks5.ConnectRequest(host, port)))
        reply = await line.hear(2)
        if reply[0] == socks5.SOCKS_VER and (code := reply[1]):
            raise Unreached(f"socks:{code:02X}", REPLIES.get(code, f"the proxy answered {code:02X}"), code)
        reply += await line.hear(3)
        talk.receive(reply + await line.hear(_address_rest(reply) + 2))
    except (ReplyError, ValueError) as error:
        message = f"the proxy {proxy.name} answers what SOCKS5 does not know: {error}"
        raise ProxyError(message, hint="is it a SOCKS5 proxy?") from None
    except (EOFError, ConnectionError):
        raise Unreached("socks:closed", "the proxy hung up before it answered") from None


def _address_rest(reply: bytes) -> int:
    """How much of the bound address follows its first byte."""
    match reply[3]:
        case socks5.AddressType.IPV4:
            return 3
        case socks5.AddressType.IPV6:
            return 15
        case socks5.AddressType.DOMAIN:
            return reply[4]
    raise ReplyError(f"address type {reply[3]}")
