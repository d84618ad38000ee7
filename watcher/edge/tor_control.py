"""How far a running tor is, asked of its control port (control-spec; SAFECOOKIE: the cookie itself is never sent)."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from watcher.core.tor_trouble import Phase, phase_of

PATIENCE_SECONDS = 3.0
_SERVER_KEY = b"Tor safe cookie authentication server-to-controller hash"
_CLIENT_KEY = b"Tor safe cookie authentication controller-to-server hash"
_LONGEST_COOKIE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TorState:
    """What a tor says of itself."""

    version: str
    percent: int | None
    """Of its bootstrap; None if it did not let us ask."""
    summary: str
    """In its own words; or why we could not ask."""
    phase: Phase = field(default=Phase(), compare=False)
    """All that it says of its bootstrap."""


class Control:
    """A conversation with a tor's control port."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, command: str) -> tuple[bool, str]:
        """Whether tor agreed, and what it said."""
        self._writer.write(f"{command}\r\n".encode("ascii"))
        lines: list[str] = []
        while True:
            line = await self.line()
            lines.append(line.rstrip())
            if len(lines) > 50 or re.match(r"\d{3} ", line):
                return lines[-1].startswith("250"), "\n".join(lines)

    async def line(self) -> str:
        """The next line, its end included. EOFError if tor hung up."""
        line = (await self._reader.readline()).decode("utf-8", "replace")
        if not line:
            raise EOFError
        return line

    async def admit(self, cookie_file: Path | None = None) -> tuple[str, bool]:
        """Tor's version (empty: it is no tor), and whether it let us in. ``cookie_file``: where the cookie of a tor of
        our own is, whatever the listener says."""
        good, about = await self.say("PROTOCOLINFO 1")
        version = re.search(r'VERSION Tor="([^"]*)"', about)
        if not good or version is None:
            return "", False
        methods = re.search(r"METHODS=(\S+)", about)
        allowed = methods[1].split(",") if methods else []
        if "NULL" in allowed:
            good, _ = await self.say("AUTHENTICATE")
        elif "SAFECOOKIE" in allowed and (cookie := _cookie(about, cookie_file)):
            ours = secrets.token_bytes(32)
            good, challenge = await self.say(f"AUTHCHALLENGE SAFECOOKIE {ours.hex()}")
            good = good and (await self.say(f"AUTHENTICATE {_proof(cookie, ours, challenge)}"))[0]
        else:
            good = False
        return version[1], good


@asynccontextmanager
async def conversation(host: str, port: int) -> AsyncIterator[Control]:
    """A conversation, ended with the block. OSError, EOFError or ValueError if it goes wrong."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Control(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def tor_state(host: str, port: int, cookie_file: Path | None = None) -> TorState | None:
    """How far the tor behind this control port is; None if no tor answers there. ``cookie_file``: see ``admit``."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), conversation(host, port) as control:
            return await _ask(control, cookie_file)
    except (OSError, EOFError, ValueError):  # TimeoutError is an OSError
        return None


async def _ask(control: Control, cookie_file: Path | None) -> TorState | None:
    version, good = await control.admit(cookie_file)
    if not version:
        return None
    if not good:
        return TorState(version=version, percent=None, summary="its control port does not let us ask")
    _, phase = await control.say("GETINFO status/bootstrap-phase")
    told = phase_of(phase)
    if told is None:
        return TorState(version=version, percent=None, summary="it does not say how far it is")
    return TorState(version=version, percent=told.percent, summary=told.summary, phase=told)


def _cookie(about: str, cookie_file: Path | None) -> bytes:
    """The cookie that tor keeps in a file for those who may read it; empty if we may not."""
    named = re.search(r'COOKIEFILE="((?:[^"\\]|\\.)*)"', about)
    try:
        told = Path(re.sub(r"\\(.)", r"\1", named[1]) if named else "/nowhere")
        with (cookie_file or told).open("rb") as file:
            return file.read(_LONGEST_COOKIE)
    except OSError:
        return b""


def _proof(cookie: bytes, ours: bytes, challenge: str) -> str:
    """That we know the cookie, once the other side has shown that it does (control-spec, AUTHCHALLENGE)."""
    told = re.search(r"SERVERHASH=([0-9A-Fa-f]{64}) SERVERNONCE=([0-9A-Fa-f]+)", challenge)
    if told is None:
        raise ValueError("no challenge")
    both = cookie + ours + bytes.fromhex(told[2])
    if not hmac.compare_digest(hmac.digest(_SERVER_KEY, both, "sha256"), bytes.fromhex(told[1])):
        raise ValueError("the listener does not know tor's cookie")
    return hmac.digest(_CLIENT_KEY, both, "sha256").hex()
