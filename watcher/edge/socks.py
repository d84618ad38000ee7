"""Connections to sites through a SOCKS5 proxy that resolves every name itself.

``Unreached`` is raised for what a site or the network does, and ``ProxyError`` for the proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import ssl
import sys
from collections.abc import Callable
from typing import NamedTuple

from watcher.edge.proxy import Health, Proxy, Unreached, credentials_for, greet, request
from watcher.edge.tap import Line, Tape
from watcher.errors import LeakError

_NEVER_SECONDS = 86_400.0
"""The caller's deadline comes first."""

MayReach = Callable[[str], bool]


@functools.cache
def no_questions() -> ssl.SSLContext:
    """TLS that takes any certificate: an onion's address vouches for itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@functools.cache
def as_browsers_do() -> ssl.SSLContext:
    """TLS that checks certificates by the authorities that this machine trusts."""
    return ssl.create_default_context()


class Where(NamedTuple):
    """Which port of a site, and how it is to vouch for itself."""

    host: str
    port: int
    tls: ssl.SSLContext | None


async def connect(proxy: Proxy, token: str, where: Where, *, health: Health, tape: Tape, may_reach: MayReach) -> Line:
    """A new connection to a site over the circuit of ``token``; what is known of it goes on the tape at once."""
    host, port, tls = where
    if not may_reach(host):
        raise LeakError(f"{host} is none of the configured hosts", hint="this is a fault of the program: report it")
    greeted = await greet(proxy, credentials_for(proxy, token), health)
    line = greeted.line
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(line.abort)
        tape.facts["socks_auth"] = "password" if greeted.authenticated else "none"
        await request(greeted, proxy, host, port)
        tape.facts["socks_reply"] = "00"
        line.facts |= tape.facts
        if tls is not None:
            await _agree(line, host, tls)
        on_failure.pop_all()
    return line


async def _agree(line: Line, host: str, context: ssl.SSLContext) -> None:
    """TLS on the line, from here on."""
    assert line.transport is not None
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
