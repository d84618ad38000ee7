"""A tor's control port, played by a server that knows the control-spec."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from watcher.edge.tor_control import TorState, tor_state

COOKIE = bytes(range(32))
SERVER_KEY = b"Tor safe cookie authentication server-to-controller hash"
CLIENT_KEY = b"Tor safe cookie authentication controller-to-server hash"


@asynccontextmanager
async def control_port(methods: str, cookie_file: Path | None = None, cookie: bytes = COOKIE) -> AsyncIterator[int]:
    """A control port that admits whom its methods allow; ``cookie`` is the one it really holds."""

    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())  # type: ignore[arg-type] - there is one
        expected: str | None = "" if methods == "NULL" else None
        admitted = False
        while line := (await reader.readline()).decode().strip():
            command, _, rest = line.partition(" ")
            answer = "510 Unrecognized command"
            if command == "PROTOCOLINFO":
                named = f' COOKIEFILE="{cookie_file}"' if cookie_file else ""
                answer = (
                    f'250-PROTOCOLINFO 1\r\n250-AUTH METHODS={methods}{named}\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK'
                )
            elif command == "AUTHCHALLENGE":
                theirs, ours = bytes.fromhex(rest.split()[1]), bytes(32)
                proof = hmac.digest(SERVER_KEY, cookie + theirs + ours, "sha256").hex().upper()
                expected = hmac.digest(CLIENT_KEY, cookie + theirs + ours, "sha256").hex()
                answer = f"250 AUTHCHALLENGE SERVERHASH={proof} SERVERNONCE={ours.hex()}"
            elif command == "AUTHENTICATE":
                admitted = rest.lower() == expected
                answer = "250 OK" if admitted else "515 Authentication failed"
            elif admitted and re.fullmatch("GETINFO status/bootstrap-phase", line):
                answer = '250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=85 TAG=x SUMMARY="Connecting"\r\n250 OK'
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*served)


READY = TorState(version="0.4.9.11", percent=85, summary="Connecting")
SHUT = TorState(version="0.4.9.11", percent=None, summary="its control port does not let us ask")


async def test_an_open_port() -> None:
    async with control_port("NULL") as port:
        assert await tor_state("127.0.0.1", port) == READY


async def test_the_cookie_is_proved(tmp_path: Path) -> None:
    path = tmp_path / "control.cookie"
    path.write_bytes(COOKIE)
    async with control_port("COOKIE,SAFECOOKIE,HASHEDPASSWORD", path) as port:
        assert await tor_state("127.0.0.1", port) == READY


@pytest.mark.parametrize("methods", ["HASHEDPASSWORD", "COOKIE", "SAFECOOKIE"])
async def test_a_port_that_wants_more_than_we_have(methods: str, tmp_path: Path) -> None:
    async with control_port(methods, tmp_path / "none") as port:
        assert await tor_state("127.0.0.1", port) == SHUT


async def test_who_does_not_know_the_cookie_learns_nothing(tmp_path: Path) -> None:
    """A listener that only names a file of ours must not get a proof made with it."""
    path = tmp_path / "control.cookie"
    path.write_bytes(COOKIE)
    async with control_port("SAFECOOKIE", path, cookie=b"another cookie of 32 bytes......") as port:
        assert await tor_state("127.0.0.1", port) is None


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"250 OK\r\n", b"\xff" * 100_000])
async def test_what_is_no_tor(greeting: bytes) -> None:
    done = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(greeting)
            writer.close()
            await writer.wait_closed()
        done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        assert await tor_state("127.0.0.1", server.sockets[0].getsockname()[1]) is None
        await done.wait()


async def test_nobody_there() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert await tor_state("127.0.0.1", port) is None
