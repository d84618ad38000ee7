"""Pauses within a fleet: what an operator here paused is said again and again, and what others say is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

from watcher.core.fleet import BEATS, paused_subject
from watcher.core.fleet_tables import FleetSettings
from watcher.edge.nats_link import Link, ended
from watcher.edge.pause_files import said
from watcher.edge.pauses import Heeding


class Messenger:
    """Between the folder of pauses and the fleet."""

    def __init__(self, link: Link, fleet: FleetSettings, me: str, store: Path, heeding: Heeding) -> None:
        self._link, self._me, self._store, self._heeding = link, me, store, heeding
        self._beat = fleet.lease.total_seconds() / BEATS
        names = {key.name for key in fleet.operators}
        self._speaks = me in names
        for name in names - {me}:
            link.listen(paused_subject(name), self._heard)

    async def run(self) -> None:
        """Say what was paused here, until cancelled: whoever comes late, or did not hear it, hears it then."""
        while self._speaks and not ended():
            if self._link.up.is_set() and (data := said(self._store, self._me)):
                await self._link.say(paused_subject(self._me), data)
            await asyncio.sleep(self._beat)

    def _heard(self, subject: str, data: bytes) -> None:
        self._heeding.hear(subject.split(".")[1], data)
