"""How far a running tor is, asked of its control port (control-spec; SAFECOOKIE: the cookie itself is never sent)."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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


async def tor_state(host: str, port: int) -> TorState | None:
    """How far the tor behind this control port is; None if no tor answers there."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return await _ask(reader, writer)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, EOFError, ValueError):  # TimeoutError is an OSError
        return None


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> TorState | None:
    async def say(command: str) -> tuple[bool, str]:
        writer.write(f"{command}\r\n".encode("ascii"))
        lines: list[str] = []
        while True:
            line = (await reader.readline()).decode("utf-8", "replace")
            if not line:
                raise EOFError
            lines.append(line.rstrip())
            if len(lines) > 50 or re.match(r"\d{3} ", line):
                return lines[-1].startswith("250"), "\n".join(lines)

    good, about = await say("PROTOCOLINFO 1")
    version = re.search(r'VERSION Tor="([^"]*)"', about)
    if not good or version is None:
        return None
    methods = re.search(r"METHODS=(\S+)", about)
    allowed = methods[1].split(",") if methods else []
    if "NULL" in allowed:
        good, _ = await say("AUTHENTICATE")
    elif "SAFECOOKIE" in allowed and (cookie := _cookie(about)):
        ours = secrets.token_bytes(32)
        good, challenge = await say(f"AUTHCHALLENGE SAFECOOKIE {ours.hex()}")
        good = good and (await say(f"AUTHENTICATE {_proof(cookie, ours, challenge)}"))[0]
    else:
        good = False
    if not good:
        return TorState(version=version[1], percent=None, summary="its control port does not let us ask")
    _, phase = await say("GETINFO status/bootstrap-phase")
    progress = re.search(r"PROGRESS=(\d+)", phase)
    summary = re.search(r'SUMMARY="([^"]*)"', phase)
    return TorState(
        version=version[1],
        percent=int(progress[1]) if progress else None,
        summary=summary[1] if summary else "",
    )


def _cookie(about: str) -> bytes:
    """The cookie that tor keeps in a file for those who may read it; empty if we may not."""
    named = re.search(r'COOKIEFILE="((?:[^"\\]|\\.)*)"', about)
    try:
        with Path(re.sub(r"\\(.)", r"\1", named[1]) if named else "/nowhere").open("rb") as file:
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
