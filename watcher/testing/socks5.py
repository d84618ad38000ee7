"""A SOCKS5 proxy (RFC 1928, RFC 1929) that leads a few names to loopback ports and can be told to misbehave.

It stands where Tor would stand: names are resolved here or not at all, credentials are taken and written down, and
failures carry Tor's codes, the extended ones (``F0`` to ``F7``) included. It never looks a name up and never connects
anywhere but to the loopback ports it was given.

    async with Socks5Proxy({"name.onion": ("127.0.0.1", 8080)}) as proxy:
        proxy.misbehave("name.onion", Conduct(code=0xF2), times=1)
        …  # use proxy.url; then look at proxy.requests

Code that is not asynchronous wraps it in ``watcher.testing.background.run_in_thread``.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

VERSION, CONNECT, ANONYMOUS, PASSWORD, NO_METHOD = 5, 1, 0, 2, 0xFF
IPV4, NAME, IPV6 = 1, 3, 4
GRANTED, FAILED, NO_COMMAND, NO_ADDRESS_TYPE = 0x00, 0x01, 0x07, 0x08
ONION_NOT_FOUND = 0xF0
CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How the proxy treats requests for one host. Without any of this it connects and passes bytes on."""

    code: int = GRANTED
    """The reply: 0 connects, anything else is that failure (``0x01`` … ``0x08``, Tor's ``0xF0`` … ``0xF7``)."""
    raw: bytes | None = None
    """Sent in place of the reply; then the connection is closed."""
    silent: bool = False
    """Take the request and never answer."""
    close: Literal["", "greeting", "request", "reply"] = ""
    """When to hang up: on the greeting (only as the conduct of ``"*"``: no host is known yet), on the request, or just
    after the reply."""
    delay_seconds: float = 0.0
    """Wait this long before the reply."""
    drip_seconds: float = 0.0
    """Pass what the service sends on byte by byte, so far apart."""
    cut_after: int | None = None
    """Hang up after so many bytes from the service."""
    reset: bool = False
    """Hang up by a TCP reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocksRequest:
    """One request as it came in, and what was answered."""

    host: str
    port: int
    username: str | None
    password: str | None
    at: datetime
    code: int | None
    """The reply that was decided on; None if none was to be sent."""

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password; None if the client offered none."""
        return None if self.username is None else (self.username, self.password or "")


class _HangUp(Exception):  # noqa: N818 - not an error: the way out of a conversation
    """The conversation is over."""


class Socks5Proxy:
    """A proxy on a loopback port of its own while its ``async with`` block lasts."""

    def __init__(
        self,
        routes: Mapping[str, tuple[str, int]],
        *,
        conducts: Mapping[str, Conduct] | None = None,
        unknown: int = ONION_NOT_FOUND,
        accept_anonymous: bool = True,
        port: int = 0,
    ) -> None:
        """``routes`` lead ``"name"`` (any port) or ``"name:port"`` to an address on loopback; any other name is
        answered with ``unknown``. ``conducts`` (``"*"``: every host without its own) may be changed at any time with
        ``misbehave``. ``port`` 0: any free one."""
        self.routes: dict[str, tuple[str, int]] = {}
        self.requests: list[SocksRequest] = []
        self.connections = 0
        """How many were ever accepted."""
        self.url = ""
        """``socks5://127.0.0.1:PORT`` once it listens."""
        self._conducts: dict[str, Conduct] = dict(conducts or {})
        self._once: dict[str, deque[Conduct]] = {}
        self._unknown, self._accept_anonymous, self._port = unknown, accept_anonymous, port
        self._server: asyncio.Server | None = None
        self._conversations: dict[asyncio.Task[None], str] = {}
        """And the host that each is about."""
        for name, target in routes.items():
            self.route(name, target)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def route(self, name: str, target: tuple[str, int]) -> None:
        """Lead a name to an address on loopback from now on; ValueError for any other address."""
        if not ipaddress.ip_address(target[0]).is_loopback:
            raise ValueError(f"{name} leads to {target[0]}, which is not on loopback")
        self.routes[name.lower()] = target

    def unroute(self, name: str) -> None:
        """Forget a name: from now on it is unknown."""
        self.routes.pop(name.lower(), None)

    def misbehave(self, host: str, conduct: Conduct, *, times: int | None = None) -> None:
        """Treat requests for ``host`` (``"*"``: all without their own) so from now on, or only the next ``times``."""
        if times is None:
            self._conducts[host.lower()] = conduct
        else:
            self._once.setdefault(host.lower(), deque()).extend([conduct] * times)

    def behave(self, host: str | None = None) -> None:
        """Forget every conduct of ``host``, or of all."""
        for table in (self._conducts, self._once):
            if host is None:
                table.clear()
            else:
                table.pop(host.lower(), None)

    def hang_up(self, host: str) -> None:
        """End every connection to a host that is open, as when its circuit breaks."""
        for conversation, about in list(self._conversations.items()):
            if about == host.lower():
                conversation.cancel()

    async def __aenter__(self) -> Socks5Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, backlog=4096)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"socks5://127.0.0.1:{self._port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Listen no more and hang up on everyone: to a client, the proxy is dead."""
        if self._server:
            self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await asyncio.sleep(0)  # transports close on the loop's next turn
        if self._server:
            await self._server.wait_closed()
            self._server = None

    # ------------------------------------------------------------------------------------- one conversation

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._conversations[task] = ""

        def over(done: asyncio.Task[None]) -> None:
            self._conversations.pop(done, None)
            _abort(writer)  # of one that was cancelled before it began, nothing else would close it

        task.add_done_callback(over)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(_HangUp, ConnectionError, asyncio.IncompleteReadError):
                credentials = await self._greet(reader, writer)
                host, port = await _read_request(reader, writer)
                await self._serve(host, port, credentials, reader, writer)
        except asyncio.CancelledError:
            _abort(writer)  # what the client has not taken yet would hold up the stop
            raise
        finally:
            await _close(writer)

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, str] | None:
        """Credentials, or None if the client came without; RFC 1928 section 3, RFC 1929 section 2."""
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if version != VERSION or self._conducts.get("*", Conduct()).close == "greeting":
            raise _HangUp
        if PASSWORD in methods:
            writer.write(bytes([VERSION, PASSWORD]))
            await reader.readexactly(1)
            username = await reader.readexactly((await reader.readexactly(1))[0])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x01\x00")
            return username.decode("utf-8", "replace"), password.decode("utf-8", "replace")
        if ANONYMOUS in methods and self._accept_anonymous:
            writer.write(bytes([VERSION, ANONYMOUS]))
            return None
        writer.write(bytes([VERSION, NO_METHOD]))
        raise _HangUp

    async def _serve(
        self,
        host: str,
        port: int,
        credentials: tuple[str, str] | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        task = asyncio.current_task()
        if task in self._conversations:
            self._conversations[task] = host
        conduct, service = self._conduct(host), None
        target = self.routes.get(f"{host}:{port}", self.routes.get(host))
        code: int | None = conduct.code
        if conduct.close in {"greeting", "request"} or conduct.silent or conduct.raw is not None:
            code = None
        elif not conduct.code and target is None:
            code = self._unknown
        elif not conduct.code and target is not None:
            try:
                service = await asyncio.open_connection(*target)
            except OSError:
                code = FAILED
        username, password = credentials or (None, None)
        self.requests.append(
            SocksRequest(host=host, port=port, username=username, password=password, at=datetime.now(UTC), code=code)
        )
        try:
            await self._answer(conduct, code, reader, writer)
            if service:
                await _relay(conduct, (reader, writer), service)
        finally:
            if service:
                await _close(service[1])

    def _conduct(self, host: str) -> Conduct:
        for name in (host, "*"):
            if self._once.get(name):
                return self._once[name].popleft()
            if name in self._conducts:
                return self._conducts[name]
        return Conduct()

    async def _answer(
        self, conduct: Conduct, code: int | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await asyncio.sleep(conduct.delay_seconds)
        if conduct.silent:
            await reader.read()  # until the client gives up
            raise _HangUp
        if conduct.raw is not None:
            writer.write(conduct.raw)
            await writer.drain()
        if code is None:
            _hang_up(conduct, writer)
        await _reply(writer, code or GRANTED)
        if conduct.close == "reply":
            _hang_up(conduct, writer)
        if code:
            raise _HangUp


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Hang up at once. One that is closing and has nothing more to send hangs up by itself, or did: asyncio fails on
    such a transport if it was closed before its buffer ran empty."""
    transport = writer.transport
    if not transport.is_closing() or transport.get_write_buffer_size():
        transport.abort()


def _hang_up(conduct: Conduct, writer: asyncio.StreamWriter) -> None:
    if conduct.reset:
        # RFC 1122 section 4.2.2.13 by way of SO_LINGER 0: closing sends RST in place of FIN
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    raise _HangUp


async def _reply(writer: asyncio.StreamWriter, code: int) -> None:
    """RFC 1928 section 6; the bound address is of no use to anyone and left blank, as Tor does."""
    writer.write(bytes([VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]))
    await writer.drain()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Host (lower case) and port; RFC 1928 section 4."""
    version, command, _, kind = await reader.readexactly(4)
    if kind == NAME:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("utf-8", "replace").lower()
    elif kind in {IPV4, IPV6}:
        host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == IPV4 else 16)))
    else:
        await _reply(writer, NO_ADDRESS_TYPE)
        raise _HangUp
    port = int.from_bytes(await reader.readexactly(2), "big")
    if version != VERSION or command != CONNECT:
        await _reply(writer, NO_COMMAND)
        raise _HangUp
    return host, port


async def _relay(
    conduct: Conduct,
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    service: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Pass bytes both ways until the service is done, or the conduct ends it."""
    upward = asyncio.ensure_future(_pass_on(Conduct(), client[0], service[1]))
    try:
        await _pass_on(conduct, service[0], client[1])
    finally:
        upward.cancel()
        await asyncio.gather(upward, return_exceptions=True)


async def _pass_on(conduct: Conduct, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    left = conduct.cut_after
    while data := await source.read(1 if conduct.drip_seconds else CHUNK):
        data = data if left is None else data[:left]
        if conduct.drip_seconds:
            await asyncio.sleep(conduct.drip_seconds)
        sink.write(data)
        await sink.drain()
        if left is not None:
            left -= len(data)
            if left <= 0:
                _hang_up(conduct, sink)
    if sink.can_write_eof():
        with contextlib.suppress(OSError):  # whoever it is for may have gone
            sink.write_eof()
