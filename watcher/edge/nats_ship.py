"""Ships what a store writes to the fleet's stream, in order, until the engine says that it has it. While there is no
engine, nothing is lost: the store knows what has not arrived, and it is shipped later."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from functools import partial

import structlog
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js.errors import NoStreamResponseError, NotFoundError

from watcher.core.shipping import STREAM, message_id, open_sealed, subject
from watcher.edge import parcels
from watcher.edge.nats_link import AGAIN_SECONDS, Link, ended, prepare
from watcher.edge.sign import SigningKey, check_signature
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError, StoreError

PAUSE_SECONDS = 1.0
"""What is written within this goes together: parcels are few, and what changes again is shipped once."""
AT_ONCE = 16
"""Messages read from the store together."""
ID = "Nats-Msg-Id"


class Shipper:
    """The vantage's end."""

    def __init__(self, link: Link, store: LedgerStore, key: SigningKey) -> None:
        self._link, self._store, self._key = link, store, key
        self._log = structlog.get_logger("watcher")
        self._soon = asyncio.Event()
        self._told = ""
        link.on_change.append(self._changed)
        self._is_level = False
        """Whether it is known, since the connection stands, how far the stream goes."""
        self._place = 0
        """In the stream, of the last message that arrived over this connection."""

    def soon(self) -> None:
        """Something worth telling at once was written."""
        self._soon.set()

    async def run(self) -> None:
        """Ship, until cancelled."""
        await self._store.do(parcels.join)
        while not ended():
            await self._link.up.wait()
            try:
                if not self._is_level:
                    await self._level()
                more = await self._ship()
            except (NatsError, TimeoutError, OSError, StoreError, asyncio.CancelledError) as error:
                if ended():
                    raise asyncio.CancelledError from error
                self._is_level = False
                # cancelled, though not by us: the connection went, and with it what the library waited for
                self._tell(f"nothing arrives: {str(error) or type(error).__name__}")
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._told = ""
            if not more:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE_SECONDS):
                        await self._soon.wait()
                self._soon.clear()

    def _changed(self, is_up: bool) -> None:
        if is_up:
            self._is_level, self._place = False, 0

    async def _level(self) -> None:
        """See how far the stream goes; ship anew what it lost."""
        name = self._key.origin
        last = 0
        try:
            found = await self._link.stream.get_last_msg(STREAM, subject(name), direct=True)
            last = open_sealed(found.data or b"", name, self._key.verifier.public, check_signature).seq
        except NotFoundError:
            pass  # nothing of ours yet
        except (NoStreamResponseError, NoRespondersError):
            await prepare(self._link.stream, replicas=self._link.replicas)
        except EvidenceError as error:  # somebody else's words under our name: no reader takes them, nor do we
            self._tell(str(error))
            last = await self._store.do(parcels.last_sent)
        if not await self._store.do(partial(parcels.level, last=last)):
            self._log.warning("fleet", error="the stream has lost what was shipped", mend="everything is shipped anew")
        self._is_level = True

    async def _ship(self) -> bool:
        """Send what waits, one message after the other; whether there may be more."""
        waiting = await self._store.do(partial(parcels.waiting, most=AT_ONCE))
        if not waiting:
            waiting = await self._store.do(self._pack)
        stream, name = self._link.stream, self._key.origin
        for seq, data in waiting:
            receipt = await stream.publish(subject(name), data, stream=STREAM, headers={ID: message_id(name, seq)})
            await self._store.do(partial(parcels.arrived, seq=seq))
            if receipt.seq < self._place and not receipt.duplicate:
                self._log.warning("fleet", error="the stream began anew", mend="everything is shipped anew")
                await self._store.do(parcels.ship_anew)
                return True
            self._place = receipt.seq
        return bool(waiting)

    def _pack(self, desk: Desk) -> list[tuple[int, bytes]]:
        parcels.make_parcel(desk, self._key.origin, self._key.sign, datetime.now(UTC))
        return parcels.waiting(desk, AT_ONCE)

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._told = what
            self._log.error("fleet", error=what, mend="what is kept stays in the store and is shipped later")
