"""aiohttp's connections over a SOCKS5 proxy that resolves every name itself: each circuit with a pool of its own.

aiohttp-socks' connector underneath (pinned: ``_connect_via_proxy`` is private to it). It raises ``Unreached`` for what
a site or the network does, and ``ProxyError`` for the proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

from aiohttp.client_proto import ResponseHandler
from aiohttp_socks import ProxyConnector

from watcher.edge.proxy import Health, Proxy, Unreached, credentials_for, greet, request
from watcher.edge.tap import Handler, Tap, Tape
from watcher.errors import LeakError

KEEP_ALIVE_SECONDS = 20.0
"""A connection left idle so long is closed."""
_NEVER_SECONDS = 86_400.0
"""The caller's deadline comes first."""

TAPE: contextvars.ContextVar[Tape] = contextvars.ContextVar("tape")
"""The exchange that this task is about: aiohttp hands nothing through to its connector."""


class SocksConnector(ProxyConnector):
    """aiohttp's pool of connections over one circuit: each with a tap, each exchange with a tape."""

    def __init__(self, proxy: Proxy, token: str, health: Health, may_reach: Callable[[str], bool]) -> None:
        self._proxy, self._health, self._may_reach = proxy, health, may_reach
        self._credentials = credentials_for(proxy, token)
        super().__init__(
            host=proxy.host,
            port=proxy.port,
            username=self._credentials[0],
            password=self._credentials[1],
            rdns=True,
            limit=0,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            use_dns_cache=False,
        )

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        """A connection for the exchange of this task, new or kept from before."""
        tape = TAPE.get()
        while True:
            connection = await super().connect(req, traces, timeout)
            handler = connection.protocol
            assert isinstance(handler, Handler)
            # what came unasked would be taken for the answer (aiohttp looks at is_connected only)
            if handler.tap.was_used and (tape.fresh or handler.should_close):
                connection.close()
                continue
            handler.tap.begin(tape)
            return connection

    async def _connect_via_proxy(
        self,
        host: str,
        port: int,
        ssl: ssl.SSLContext | None = None,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - aiohttp-socks' signature; the deadline is the caller's
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """One more connection to a site."""
        if not self._may_reach(host):
            raise LeakError(f"{host} is none of the configured hosts", hint="this is a fault of the program: report it")
        tape = TAPE.get()
        greeted = await greet(self._proxy, self._credentials, self._health)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(greeted.sock.close)
            tape.facts["socks_auth"] = "password" if greeted.authenticated else "none"
            await request(greeted, self._proxy, host, port)
            tape.facts["socks_reply"] = "00"
            tap = Tap(self._loop, tape)
            tap.facts |= tape.facts
            transport = await self._join(greeted.sock, tap, host, ssl)
            on_failure.pop_all()
        return transport, tap.handler

    async def _join(
        self, sock: socket.socket, tap: Tap, host: str, context: ssl.SSLContext | None
    ) -> asyncio.Transport:
        """The connection with TLS, if the address asks for it, and the tap above that."""
        if context is None:
            return (await self._loop.create_connection(lambda: tap, sock=sock))[0]
        try:
            transport, _ = await self._loop.create_connection(
                lambda: tap, sock=sock, ssl=context, server_hostname=host, ssl_handshake_timeout=_NEVER_SECONDS
            )
        except ssl.SSLCertVerificationError as error:
            raise Unreached("tls:certificate", f"the certificate does not hold: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise Unreached("tls:handshake", f"TLS could not be agreed on: {error.reason}") from None
        except OSError:
            raise Unreached("tls:closed", "the connection was closed before TLS was agreed on") from None
        tap.facts.update(_tls_facts(transport))
        return transport

    async def close(self, *, abort_ssl: bool = True) -> None:
        """End every connection at once."""
        await super().close(abort_ssl=abort_ssl)


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
