"""The connection to the fleet's engine (NATS), which comes and goes; and the one stream that the engine keeps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from watcher.core.fleet_tables import FleetSettings
from watcher.core.shipping import ALL_LOGS, STREAM
from watcher.edge.nats_door import Door, why
from watcher.errors import WatcherError

AGAIN_SECONDS = 1.0
"""Between two attempts to reach a server."""
ANSWER_SECONDS = 3.0
"""The engine answers within this, or is asked again."""
PING_SECONDS = 5
"""A server that does not answer two such pings is given up for another."""
SAME_TWICE = timedelta(minutes=2)
"""A message published again within this is dropped by the engine; after it, by whoever reads."""

Heard = Callable[[str, bytes], None]
"""Told the subject and what was said."""


class Link:
    """One connection that is made again for as long as the program runs. ``up`` is set while it stands."""

    def __init__(self, fleet: FleetSettings, name: str) -> None:
        """``name`` is that of the vantage: answers go to subjects below ``watcher.NAME.inbox``. ``WatcherError`` if a
        file that the settings name cannot be used."""
        self._fleet, self._name = fleet, name
        self._client = Door(fleet)
        self._log = structlog.get_logger("watcher")
        self._ears: list[tuple[str, Heard]] = []
        self.trouble: tuple[str, str] | None = None
        """What keeps the connection from being made, and how it is mended."""
        self._closed = asyncio.Event()
        self.up = asyncio.Event()
        self.on_change: list[Callable[[bool], None]] = []
        """Told when the connection stands (True), and when it is lost."""

    @property
    def replicas(self) -> int:
        """How many servers keep each message."""
        return 3 if len(self._fleet.servers) >= 3 else 1

    @property
    def stream(self) -> JetStreamContext:
        return self._client.jetstream(timeout=ANSWER_SECONDS)

    def listen(self, subject: str, heard: Heard) -> None:
        """From the next connection on, tell of every message under the subject."""
        self._ears.append((subject, heard))

    async def say(self, subject: str, data: bytes) -> None:
        """Publish to whoever listens now; lost if the connection is."""
        with contextlib.suppress(NatsError):
            await self._client.publish(subject, data)

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        while not ended():
            self._closed.clear()
            try:
                self._client = Door(self._fleet)
                await self._client.connect(list(self._fleet.servers), **self._options(), **self._client.more)
                await self._connected()
                if not ended():  # cancelled while it connected, and the library hid it: nothing would end the wait
                    await self._closed.wait()
            except (TimeoutError, NatsError, OSError, WatcherError) as error:
                await self._error(error)
            finally:
                self._lost()
                with contextlib.suppress(TimeoutError, NatsError, OSError):
                    async with asyncio.timeout(ANSWER_SECONDS):  # a stop waits for no server
                        await self._client.close()
            await asyncio.sleep(AGAIN_SECONDS)

    def _options(self) -> dict[str, Any]:
        return {
            "name": f"watcher {self._name}",
            "inbox_prefix": f"watcher.{self._name}.inbox",
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": AGAIN_SECONDS,
            "ping_interval": PING_SECONDS,
            "connect_timeout": ANSWER_SECONDS,
            "error_cb": self._error,
            "disconnected_cb": self._disconnected,
            "reconnected_cb": self._reconnected,
            "closed_cb": self._gone,
        }

    async def _connected(self) -> None:
        def ear(heard: Heard) -> Callable[[Msg], Awaitable[None]]:
            async def tell(message: Msg) -> None:
                heard(message.subject, message.data)

            return tell

        for subject, heard in self._ears:
            await self._client.subscribe(subject, cb=ear(heard))
        await self._reconnected()

    async def _reconnected(self) -> None:
        self.up.set()
        self.trouble = None
        url = self._client.connected_url
        self._log.info("fleet reached", server=url.netloc if url else "")
        for tell in self.on_change:
            tell(True)

    async def _disconnected(self) -> None:
        self._lost()

    async def _gone(self) -> None:
        self._closed.set()

    def _lost(self) -> None:
        if self.up.is_set():
            self.up.clear()
            self._log.warning("fleet lost", mend="going on alone; what is kept meanwhile is shipped later")
            for tell in self.on_change:
                tell(False)

    async def _error(self, error: Exception) -> None:
        what = (str(error), error.hint) if isinstance(error, WatcherError) else why(error)
        if self.trouble and isinstance(error, BrokenPipeError | ConnectionResetError):
            return  # says less than what is known
        if what != self.trouble:  # tried again each second: told once
            self.trouble = what
            self._log.error("fleet", error=what[0], mend=what[1])


def ended() -> bool:
    """Whether this task was cancelled: the library takes a cancellation for its own now and then, and hides it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def addresses_of(fleet: FleetSettings) -> tuple[tuple[str, int], ...]:
    """Hosts (numbers) and ports of the fleet's servers."""
    urls = [urlsplit(server) for server in fleet.servers]
    return tuple((url.hostname or "", url.port or 0) for url in urls)


async def prepare(stream: JetStreamContext, *, replicas: int = 1) -> None:
    """The stream that everything is shipped to is there. Needs the right to make it; raises what the engine says."""
    try:
        await stream.stream_info(STREAM)
    except NotFoundError:
        config = StreamConfig(
            name=STREAM,
            subjects=[ALL_LOGS],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            num_replicas=replicas,
            allow_direct=True,
            deny_delete=True,
            duplicate_window=SAME_TWICE.total_seconds(),
        )
        await stream.add_stream(config)
