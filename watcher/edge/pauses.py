"""Pauses as the process that watches heeds them: it looks into the store's folder of them each second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import structlog

from watcher.core import custody, pausing
from watcher.core.moments import rfc3339
from watcher.core.note import VerifierKey
from watcher.core.pausing import Paused, Statement
from watcher.edge import acts, trouble
from watcher.edge.pause_files import files, keep, path_of, said
from watcher.edge.sign import check_signature
from watcher.edge.store import LedgerStore
from watcher.errors import EvidenceError, StoreError

LOOK_SECONDS = 1.0
"""Between two looks into the folder."""


class Heeding:
    """Looks into the folder for as long as the program runs, and tells which sites are paused."""

    def __init__(
        self, store: Path, keys: Collection[VerifierKey], on_change: Callable[[Collection[str]], None]
    ) -> None:
        """``keys``: of who is heeded. What others said is taken away."""
        self._store, self._keys, self._on_change = store, {key.name: key.public for key in keys}, on_change
        self._log = structlog.get_logger("watcher")
        self._heard: dict[str, tuple[bytes, Statement]] = {}
        """By who said it."""
        self._newest: dict[str, int] = {}
        """Numbers of statements: what arrived may not have been looked at yet."""
        self._paused: dict[str, Paused] = {}
        self._unlogged: list[Statement] = []

    def hear(self, by: str, data: bytes) -> None:
        """Somebody's statement arrived: kept, if it is an operator's, and newer than what is known."""
        known = self._heard.get(by)
        if by not in self._keys or (known and known[0] == data):
            return
        try:
            statement = pausing.hear(data, by, self._keys[by], check_signature)
            if by not in self._newest:  # what is here already may be newer
                self._read(by, path_of(self._store, by))
            if statement.number > self._newest.get(by, -1):
                keep(self._store, data)
                self._newest[by] = statement.number
        except (EvidenceError, StoreError) as error:
            self._log.warning("pauses", error=str(error), mend=error.hint)

    async def run(self, store: LedgerStore, vantage: str) -> None:
        """Look, and log what was paused, until cancelled."""
        while True:
            try:
                self.look()
                while self._unlogged:
                    one = self._unlogged[0]
                    at = datetime.fromtimestamp(one.number / 1e6, UTC)
                    await acts.once(store, custody.pause_record(by=one.by, until=one.until, at=at, vantage=vantage))
                    del self._unlogged[0]
            except StoreError as error:
                self._log.error("pauses", error=str(error), mend=error.hint)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Take up what lies in the folder now; what is paused is told, if it is not what was."""
        for by, path in sorted(files(self._store).items()):
            self._read(by, path)
        for by in [by for by in self._heard if not path_of(self._store, by).exists()]:
            del self._heard[by]
        found = pausing.paused((statement for _, statement in self._heard.values()), datetime.now(UTC))
        for site in found.keys() - self._paused.keys():
            self._log.warning("paused", site=site, by=found[site].by, until=rfc3339(found[site].until))
        for site in self._paused.keys() - found.keys():
            self._log.warning("goes on", site=site)
        if found.keys() != self._paused.keys():
            self._on_change(found.keys())
        self._paused = found

    def _read(self, by: str, path: Path) -> None:
        data, known = said(self._store, by), self._heard.get(by)
        if not data or (known and known[0] == data):
            return
        try:
            if by not in self._keys:
                raise EvidenceError(f"{by} is not among those that may pause")
            statement = pausing.hear(data, by, self._keys[by], check_signature)
        except EvidenceError as error:
            self._log.warning("pauses", error=str(error), mend=f"taken away: {path}")
            with trouble.told(path):
                path.unlink(missing_ok=True)
            return
        self._heard[by] = data, statement
        self._newest[by] = max(statement.number, self._newest.get(by, -1))
        self._unlogged.append(statement)
