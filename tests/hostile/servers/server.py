"""One hostile server on a loopback port: it says what its entry of the catalogue says, and notes what it heard."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import socket
import ssl
import struct
import tempfile
from pathlib import Path
from types import TracebackType

from tests.hostile.servers.item import Asked, Hostile

NOISE = b"\x16\x03\x01\xff\xff" + b"\x00\xff" * 300
STEP = 1 << 16
STRANGER = "somebody-else.example"


class HostileServer:
    """A server that plays one entry, while its ``async with`` block lasts."""

    def __init__(self, item: Hostile) -> None:
        self.item = item
        self.requests: list[str] = []
        """Methods and paths that were asked for, in order."""
        self.connections = 0
        self.sent = 0
        """Bytes that were taken off its hands."""
        self.address = ("127.0.0.1", 0)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> HostileServer:
        tls = _context() if self.item.tls == "stranger" else None
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls, limit=STEP)
        self.address = ("127.0.0.1", self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close on the loop's next turn

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)

        def over(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            if not writer.transport.is_closing():
                writer.transport.abort()  # of one that was cancelled before it began, nothing else would close it

        task.add_done_callback(over)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        item = self.item
        with contextlib.suppress(ConnectionError, EOFError, asyncio.LimitOverrunError, ssl.SSLError):
            if item.tls in {"silent", "garbage"}:
                await reader.read(STEP)
                await self._say(writer, NOISE if item.tls == "garbage" else b"")
                await reader.read()  # until the client gives up
                return
            await self._say(writer, item.first)
            while True:
                method, path, *_ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ", 2)
                asked = Asked(path=path, number=len(self.requests))
                self.requests.append(f"{method} {path}")
                for part in item.answer(asked):
                    if isinstance(part, bytes):
                        await self._say(writer, part)
                    else:
                        await asyncio.sleep(part)
                if item.end != "keep":
                    break
        await self._end(writer)

    async def _say(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        for start in range(0, len(data), STEP):
            part = data[start : start + STEP]
            writer.write(part)
            await writer.drain()
            self.sent += len(part)

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        if self.item.end == "rst":
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@functools.cache
def _context() -> ssl.SSLContext:
    """TLS with a certificate that nobody signed, for somebody else."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, STRANGER)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), serial_number=1)
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(STRANGER)]), critical=False)
    signed = made.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(secret + signed.public_bytes(pem))
        context.load_cert_chain(file)
    return context
