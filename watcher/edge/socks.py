"""aiohttp's connections over SOCKS5 proxies that resolve every name themselves: each circuit with a pool of its own.

aiohttp-socks' connector underneath (pinned: ``_connect_via_proxy`` is private to it). A circuit is a proxy and an
isolation token. Connections are kept for a moment, so that the pages of one visit go over one connection; between
visits a circuit costs nothing here, and tor keeps it by its credentials.

``Unreached`` is raised for what a site or the network does, and ``ProxyError`` for the proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import hashlib
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp_socks import ProxyConnector

from watcher.edge.ceilings import Flow
from watcher.edge.proxy import Health, Proxy, Unreached, credentials_for, greet, request
from watcher.edge.tap import Handler, Line, Tape
from watcher.errors import LeakError

KEEP_ALIVE_SECONDS = 5.0
"""A connection left idle so long is closed: the next page of a visit is asked for at once."""
MOST_IDLE = 64
"""More connections than these are not kept; with all that belongs to it, each takes 16 KiB."""
OPENING = 50
"""Connections opened at the same time, a proxy: a circuit costs tor the more, the more of them are built together."""
OPENING_SECONDS = 10.0
"""What takes longer is waiting for the site, not for tor's processor, and is not counted."""
_NEVER_SECONDS = 86_400.0
"""The caller's deadline comes first."""

MayReach = Callable[[str], bool]


class Route(NamedTuple):
    """The way of one exchange: over which circuit, and on which tape."""

    proxy: Proxy
    health: Health
    token: str
    """Of isolation: what has the same one, shares a circuit."""
    tape: Tape


ROUTE: contextvars.ContextVar[Route] = contextvars.ContextVar("route")
"""Of the exchange that this task is about: aiohttp hands nothing through to its connector."""


@functools.cache
def no_questions() -> ssl.SSLContext:
    """TLS that takes any certificate: an onion's address vouches for itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without authorities: they take megabytes, and are not asked
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@functools.cache
def as_browsers_do() -> ssl.SSLContext:
    """TLS that checks certificates by the authorities that this machine trusts."""
    return ssl.create_default_context()


class CircuitRequest(aiohttp.ClientRequest):
    """A request that goes over a connection of its own circuit, and no other."""

    @property
    def connection_key(self) -> ConnectionKey:
        route = ROUTE.get()
        return super().connection_key._replace(proxy_headers_hash=hash((route.proxy, route.token)))


class SocksConnector(ProxyConnector):
    """aiohttp's pool of connections: each with a tap, each exchange with a tape."""

    def __init__(self, may_reach: MayReach, flow: Flow) -> None:
        super().__init__(
            host="", port=0, rdns=True, limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, use_dns_cache=False
        )  # where the proxy is, each route says for itself
        self._may_reach, self._flow = may_reach, flow
        self._gates: dict[Proxy, asyncio.Semaphore] = {}

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        """A connection for the exchange of this task, new or kept from before."""
        tape = ROUTE.get().tape
        while True:
            connection = await super().connect(req, traces, timeout)
            handler = connection.protocol
            assert isinstance(handler, Handler)
            # what came unasked would be taken for the answer (aiohttp looks at is_connected only)
            if handler.line.was_used and (tape.fresh or handler.should_close):
                connection.close()
                continue
            handler.line.begin(tape)
            return connection

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close or len(self._conns) >= MOST_IDLE)

    async def _connect_via_proxy(
        self,
        host: str,
        port: int,
        ssl: ssl.SSLContext | None = None,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - aiohttp-socks' signature; the deadline is the caller's
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """One more connection to a site; what is known of it goes on the tape at once."""
        if not self._may_reach(host):
            raise LeakError(f"{host} is none of the configured hosts", hint="this is a fault of the program: report it")
        proxy, health, token, tape = ROUTE.get()
        async with self._turn(proxy):
            greeted = await greet(proxy, credentials_for(proxy, token), health)
            line = greeted.line
            with contextlib.ExitStack() as on_failure:
                on_failure.callback(line.transport.abort)
                tape.facts["socks_auth"] = "password" if greeted.authenticated else "none"
                await request(greeted, proxy, host, port)
                tape.facts["socks_reply"] = "00"
                line.facts |= tape.facts
                line.flow = self._flow
                if ssl is not None:
                    await _agree(line, host, ssl)
                on_failure.pop_all()
        return line.transport, line.hand_over()

    @contextlib.asynccontextmanager
    async def _turn(self, proxy: Proxy) -> AsyncIterator[None]:
        """Wait until few enough others are being opened."""
        gate = self._gates.setdefault(proxy, asyncio.Semaphore(OPENING))
        await gate.acquire()
        passed = asyncio.get_running_loop().call_later(OPENING_SECONDS, gate.release)
        try:
            yield
        finally:
            if passed.when() > asyncio.get_running_loop().time():
                passed.cancel()
                gate.release()


def session(may_reach: MayReach, max_header: int, flow: Flow) -> aiohttp.ClientSession:
    """A session whose requests each go over the circuit of their ``ROUTE``; to be made in a running loop."""
    made = aiohttp.ClientSession(
        connector=SocksConnector(may_reach, flow),
        request_class=CircuitRequest,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
        auto_decompress=False,
        trust_env=False,
        max_line_size=max_header,
        max_field_size=max_header,
        max_headers=max_header,
    )
    # aiohttp would ask again by itself over another connection; what came first would be lost from the record
    made._retry_connection = False
    return made


async def _agree(line: Line, host: str, context: ssl.SSLContext) -> None:
    """TLS on the line, from here on."""
    if line.spoke_first:
        raise Unreached("tls:handshake", "TLS could not be agreed on: the site spoke before it was asked")
    try:
        transport = await asyncio.get_running_loop().start_tls(
            line.transport, line, context, server_hostname=host, ssl_handshake_timeout=_NEVER_SECONDS
        )
    except ssl.SSLCertVerificationError as error:
        raise Unreached("tls:certificate", f"the certificate does not hold: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Unreached("tls:handshake", f"TLS could not be agreed on: {error.reason}") from None
    except OSError:
        raise Unreached("tls:closed", "the connection was closed before TLS was agreed on") from None
    if transport is None:
        raise Unreached("tls:closed", "the connection was closed before TLS was agreed on")
    line.transport = transport
    line.facts |= _tls_facts(transport)


def _tls_facts(transport: asyncio.BaseTransport) -> dict[str, str | int | float]:
    """The version of TLS and the SHA-256 of each certificate that the server sent, its own first."""
    tls = transport.get_extra_info("ssl_object")
    facts: dict[str, str | int | float] = {"tls_version": tls.version() or ""}
    chain: list[bytes] = []
    if sys.version_info >= (3, 13):
        chain = list(tls.get_unverified_chain())
    else:
        with contextlib.suppress(AttributeError):
            chain = [ssl.PEM_cert_to_DER_cert(cert.public_bytes()) for cert in tls._sslobj.get_unverified_chain()]
    if not chain and (own := tls.getpeercert(binary_form=True)):
        chain = [own]
    facts["tls_chain_sha256"] = ",".join(hashlib.sha256(certificate).hexdigest() for certificate in chain)
    return facts
