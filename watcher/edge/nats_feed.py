"""What is due at one vantage of a fleet: the same heap, of which only this vantage's share is looked at.

There is no queue between the vantages. Each says a few times in a lease that it is there, signed; each works out by
itself, from who is there, which sites are its own (``core.fleet``). A vantage that falls silent loses its sites to the
others; while the engine cannot be reached, everyone keeps what it has.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping

import structlog

from watcher.core.fleet import ALL_ALIVE, BEATS, RollCall, Shares, Word, alive_subject, hear, say
from watcher.core.fleet_tables import FleetSettings
from watcher.edge.feed import HeapFeed
from watcher.edge.nats_link import Link, ended
from watcher.edge.sign import SigningKey, check_signature
from watcher.errors import EvidenceError


class FleetFeed(HeapFeed):
    """``watcher.ports.Feed`` of one vantage."""

    def __init__(self, link: Link, fleet: FleetSettings, key: SigningKey, copies: Mapping[str, int | None]) -> None:
        """``copies``: how many vantages look at a site, where not as many as at each."""
        super().__init__()
        self._link, self._fleet, self._key = link, fleet, key
        self._me = key.origin
        self._keys = {one.name: one.public for one in fleet.vantages}
        self._copies = dict(copies)
        self._roll = RollCall(self._me, fleet.names, fleet.lease.total_seconds())
        self._shares = Shares(self._roll.present(0.0))
        self._process = secrets.token_hex(8)
        self._is_aside = False
        self._log = structlog.get_logger("watcher")
        link.listen(ALL_ALIVE, self._heard)
        link.on_change.append(self._link_changed)

    # -------------------------------------------------------------------------------------------- whose is what

    def is_ours(self, site: str) -> bool:
        """Whether this vantage is among those that look at the site now."""
        return self._me in self._shares.of(site, self._copies.get(site) or self._fleet.each)

    def use(self, copies: Mapping[str, int | None]) -> None:
        """Sites are to be looked at by so many from now on."""
        self._copies = dict(copies)
        for site in self._due:
            self._take_over(site)

    def aside(self, is_aside: bool) -> None:
        """Say nothing for the time being: the others take over what this vantage cannot look at."""
        self._is_aside = is_aside

    def _share_anew(self, present: frozenset[str]) -> None:
        """Take up the sites that are ours now; those that are no more are passed over when they are due."""
        changed = self._shares.change(present)
        left = [site for site, before in changed.items() if self._me in before]
        taken = [site for site, before in changed.items() if self._me not in before and self.is_ours(site)]
        for site in taken:
            self._take_over(site)
        self._log.info("fleet", present=sorted(present), sites_taken=len(taken), sites_left=len(left))

    # ------------------------------------------------------------------------------------------------- roll call

    async def run(self) -> None:
        """Say that this vantage is there, and see who else is, until cancelled."""
        pause, clock = self._fleet.lease.total_seconds() / BEATS, asyncio.get_running_loop().time
        due, stood_still = clock(), False
        while not ended():
            # after this process stood still nothing follows from silence: what others said meanwhile waits to be heard
            stood_still = not stood_still and clock() > due + pause
            if not stood_still:
                self._look_round()
            if self._link.up.is_set() and not self._is_aside:
                settled = self._roll.is_settled(clock())
                word = Word(self._me, time.time_ns(), self._process, settled)
                await self._link.say(alive_subject(self._me), say(word, self._key.sign))
            due = clock() + pause
            await asyncio.sleep(pause)

    def _look_round(self) -> None:
        present = self._roll.present(asyncio.get_running_loop().time())
        if present != self._shares.present:
            self._share_anew(present)

    def _link_changed(self, is_up: bool) -> None:
        if is_up:
            self._roll.can_hear(asyncio.get_running_loop().time())
        else:
            self._roll.is_deaf()

    def _heard(self, subject: str, data: bytes) -> None:
        name = subject.split(".")[1]
        if name not in self._keys:
            return
        try:
            word = hear(data, name, self._keys[name], check_signature)
        except EvidenceError as error:
            self._log.warning("fleet", error=str(error))
            return
        if name == self._me:
            if word.process != self._process and self._roll.heard(word, asyncio.get_running_loop().time()):
                self._log.error(
                    "fleet", error=f"another process speaks as {name}", mend="give each vantage its own key"
                )
        elif self._roll.heard(word, asyncio.get_running_loop().time()) and name not in self._shares.present:
            self._look_round()
