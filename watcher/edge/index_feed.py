"""What the vantages ship, as it comes from the fleet's engine (NATS JetStream), from where the index left off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from watcher.core.shipping import ALL_LOGS, STREAM
from watcher.edge.index import Arrival
from watcher.edge.nats_link import AGAIN_SECONDS, Link, ended, prepare

AT_ONCE = 128
"""Messages asked for together."""
WAIT_SECONDS = 5.0
"""An answer may take so long; then it is asked again."""
BACK = 2048
"""So many messages before the place are read again after each connection: a server that was killed may have forgotten
its last second, and given those places to other messages since."""


class Feed:
    """The stream, read over and over; the engine remembers nothing of who reads it."""

    def __init__(self, link: Link, place: int, *, once: bool = False) -> None:
        """``place``: behind which to begin. ``once``: end where the stream ended when it was first reached."""
        self._link, self._place, self._once = link, place, once
        self._until: int | None = None
        self._told = ""
        self._from_start = False
        self._log = structlog.get_logger("watcher")

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """Messages in the order of the stream; while there is no engine, none."""
        while not self._is_through() and not ended():
            await self._link.up.wait()
            try:
                stream = self._link.stream
                await self._begin(stream)
                consumer = await stream.pull_subscribe(ALL_LOGS, stream=STREAM, config=self._config())
                try:
                    while self._link.up.is_set() and not (self._is_through() or self._from_start or ended()):
                        for arrival in await self._some(consumer):
                            self._place = arrival.place
                            yield arrival
                finally:
                    with contextlib.suppress(NatsError, TimeoutError, OSError):
                        await consumer.unsubscribe()
            except (NatsError, TimeoutError, OSError) as error:
                if ended():
                    raise asyncio.CancelledError from error  # the library makes an error of it, if the connection goes
                self._tell(str(error) or type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)

    def again(self) -> None:
        """Read all of the stream again: something in it was passed over."""
        self._from_start = True

    def _is_through(self) -> bool:
        return self._until is not None and self._place >= self._until and not self._from_start

    def _config(self) -> ConsumerConfig:
        return ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self._place + 1, ack_policy=AckPolicy.NONE
        )

    async def _begin(self, stream: JetStreamContext) -> None:
        """The stream is there, and is the one that was read before; one that ends earlier is read from its start."""
        await prepare(stream, replicas=self._link.replicas)
        state = (await stream.stream_info(STREAM)).state
        self._place = 0 if self._from_start or state.last_seq < self._place else max(0, self._place - BACK)
        self._from_start = False
        if self._once and self._until is None:
            self._until = state.last_seq
        self._told = ""

    async def _some(self, consumer: JetStreamContext.PullSubscription) -> list[Arrival]:
        try:
            messages = await consumer.fetch(AT_ONCE, timeout=WAIT_SECONDS)
        except TimeoutError:  # nothing was shipped meanwhile, or there is no consumer any more
            await consumer.consumer_info()
            return []
        found = []
        for message in messages:
            vantage = message.subject.split(".")[1]
            found.append(Arrival(vantage=vantage, data=message.data, place=message.metadata.sequence.stream))
        return found

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._told = what
            self._log.error("the fleet's stream is not read", error=what, mend="it is tried again each second")
