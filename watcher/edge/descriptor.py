"""An onion service's own signed descriptor, fetched through tor's control port and kept: once a time period.

What cannot be had is not missed: without a control port, or when tor finds no descriptor, watching goes on as ever.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from watcher.core import custody, onion_descriptor
from watcher.edge import durable
from watcher.edge.gather import DESCRIPTORS
from watcher.edge.sign import check_signature
from watcher.edge.store import LedgerStore
from watcher.edge.tor_control import Control, conversation
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError, StoreError
from watcher.ports import Clock

SECONDS = 60.0
IDLE_SECONDS = 300.0
EVERY = timedelta(hours=6)
"""How soon a service is asked for again; a descriptor that is the same as the last is not kept twice."""
_ENDED = re.compile(r"650 HS_DESC (RECEIVED|FAILED) (\S+)")


async def fetch(host: str, port: int, onion: str) -> bytes:
    """The descriptor of an onion service, as tor's directories have it, unchecked. ``EvidenceError`` if tor does not
    give it; OSError, EOFError or ValueError if there is no tor."""
    name = onion.removesuffix(".onion")
    async with asyncio.timeout(SECONDS), conversation(host, port) as control:
        _, admitted = await control.admit()
        if not admitted:
            raise EvidenceError("tor's control port does not let us ask")
        for command in ("SETEVENTS HS_DESC HS_DESC_CONTENT", f"HSFETCH {name}"):
            good, said = await control.say(command)
            if not good:
                raise EvidenceError(f"tor does not fetch the descriptor: {said[:200]}")
        failed = 0
        while failed < 6:
            line = await control.line()
            if line.startswith(f"650+HS_DESC_CONTENT {name} "):
                text = await _content(control)
                if text:
                    return text
            ended = _ENDED.match(line)
            failed += ended is not None and ended[1] == "FAILED" and ended[2] == name
    raise EvidenceError("tor found no descriptor of this service")


async def _content(control: Control) -> bytes:
    """The lines up to the closing dot, tor's quoting taken off."""
    lines: list[str] = []
    size = 0
    while (one := await control.line()) not in (".\r\n", ".\n"):
        plain = one.rstrip("\r\n")
        lines.append(plain[1:] if plain.startswith("..") else plain)
        size += len(plain)
        if size > onion_descriptor.MOST_BYTES:
            raise EvidenceError("tor gives a descriptor that is too long")
    return "".join(f"{one}\n" for one in lines).encode() if lines else b""


class Descriptors:
    """Keeps the descriptors of the services that a store's owner watches."""

    def __init__(
        self, store: LedgerStore, onions: Sequence[str], control: tuple[str, int] | None, vantage: str, clock: Clock
    ) -> None:
        self._store, self._onions, self._control = store, tuple(onions), control
        self._vantage, self._clock = vantage, clock
        self._asked: dict[str, datetime] = {}
        self._log = structlog.get_logger("watcher")

    async def run(self) -> None:
        """Fetch what is due, until cancelled."""
        while self._control is not None and self._onions:
            try:
                await self.flush()
            except StoreError as error:
                self._log.error("store trouble", error=str(error), mend=error.hint)
            await asyncio.sleep(IDLE_SECONDS)

    async def flush(self) -> int:
        """How many new descriptors were kept of the services that it is time to ask for."""
        if self._control is None:
            return 0
        known = await self._store.do(_last_fetched)
        kept = 0
        for onion in self._onions:
            now = self._clock.now()
            last = max(
                filter(None, (self._asked.get(onion), known.get(sha256(onion.encode()).hexdigest()))), default=None
            )
            if last is not None and now - last < EVERY:
                continue
            self._asked[onion] = now
            try:
                text = await fetch(*self._control, onion)
                onion_descriptor.verify(text, onion, now, check_signature)
                kept += await self._keep(onion, text)
            except (EvidenceError, OSError, EOFError, ValueError) as error:
                self._log.info("no onion descriptor", onion=onion, error=str(error) or type(error).__name__)
        return kept

    async def _keep(self, onion: str, text: bytes) -> bool:
        """Whether it is new: then it is a durable file, and a leaf says so."""
        path = self._store.folder / DESCRIPTORS / f"{sha256(text).hexdigest()}.hsdesc"
        if path.exists():
            return False
        await asyncio.to_thread(durable.put, path, text)
        await self._store.act(
            custody.descriptor_record(onion=onion, text=text, at=self._clock.now(), vantage=self._vantage)
        )
        return True


def _last_fetched(desk: Desk) -> dict[str, datetime]:
    """When each service's descriptor was last kept, by the SHA-256 of its address."""
    records = [record for _, record in desk.ledger.acts("descriptor")]
    return {str(record["onion"]): datetime.fromisoformat(str(record["at"])) for record in records}
