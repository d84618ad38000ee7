"""Alerts to any service that Apprise knows, handed over by a process of its own through the proxy."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from watcher.config import AlertSettings
from watcher.core.batches import Rhythm
from watcher.core.message import Message, Wording, message
from watcher.edge.apprise_worker import Done, Errand, Start
from watcher.edge.proxy import Proxy, credentials_for
from watcher.errors import ConfigError, DeliveryError
from watcher.records import Event

IDLE_SECONDS = 30.0
"""A process with nothing to do ends after so long: it holds 60 MiB, and the service's secret."""
ANSWER_BYTES = 64 * 1024


class Messenger:
    """The process, started when it is needed; one errand at a time."""

    def __init__(self, proxies: Sequence[Proxy], token: str) -> None:
        self._proxies, self._token = tuple(proxies), token
        self._process: asyncio.subprocess.Process | None = None
        self._turn = 0
        self._one = asyncio.Lock()
        self._rest: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def run(self, errand: Errand) -> Done:
        """What came of the errand. Whatever interrupts it ends the process: it may be out of step."""
        async with self._one:
            if self._rest:
                self._rest.cancel()
            in_step = False
            try:
                process = await self._started()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(msgspec.json.encode(errand) + b"\n")
                await process.stdin.drain()
                said = await process.stdout.readline()
                done = msgspec.json.decode(said, type=Done)
                in_step = True
            except OSError as error:
                return Done(ok=False, why=f"the process that delivers could not be used: {error.strerror or error}")
            except (ValueError, RecursionError):
                return Done(ok=False, why="the process that delivers ended without an answer")
            finally:
                if not in_step:
                    await self.close()
            if not done.ok and len(self._proxies) > 1:
                await self.close()  # the next one goes by another proxy
            self._rest = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go)
            return done

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        proxy = self._proxies[self._turn % len(self._proxies)]
        self._turn += 1
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-X", "utf8", "-m", "watcher.edge.apprise_worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=ANSWER_BYTES,
            env={},
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdin is not None
        user, password = credentials_for(proxy, self._token)
        start = Start(host=proxy.host, port=proxy.port, username=user, password=password)
        self._process.stdin.write(msgspec.json.encode(start) + b"\n")
        return self._process

    def _let_go(self) -> None:
        if not self._one.locked():
            self._ending = asyncio.create_task(self.close())

    async def close(self) -> None:
        """Kill the process, if there is one, and wait until it is gone."""
        if self._rest:
            self._rest.cancel()
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.communicate()


class Chosen:
    """What every sink shares: its name, and which events it asked for."""

    def __init__(self, settings: AlertSettings, name: str) -> None:
        self._settings = settings
        self.name = name

    def wants(self, event: Event) -> bool:
        """Whether the event's kind was asked for, and its name where only the watchlist's are."""
        return event.kind in self._settings.kinds and (bool(event.watchlist) or not self._settings.watchlist_only)


class AppriseSink(Chosen):
    """A service. One message may tell of many events: ``rhythm`` says which."""

    def __init__(self, settings: AlertSettings, name: str, proxies: Sequence[Proxy]) -> None:
        """Raises ConfigError if its template cannot be used."""
        super().__init__(settings, name)
        self.rhythm = Rhythm(digest=settings.digest, quiet=settings.quiet, zone=settings.zone, rate=settings.rate)
        self._wording = None if settings.template is None else _wording(settings.template)
        self._messenger = Messenger(proxies, f"alert-{name}")

    async def send(self, event: Event, checkpoint: str) -> None:
        await self.send_all([event], checkpoint)

    async def send_all(self, events: Sequence[Event], checkpoint: str) -> None:
        """Deliver one message about all these events. Raises ``DeliveryError`` if it did not arrive."""
        made = self._made(events, checkpoint)
        done = await self._messenger.run(
            Errand(url=self._settings.to, title=made.title, body=made.body, urgent=made.urgent)
        )
        if not done.ok:
            raise DeliveryError(done.why, hint="mend its address under [[alert]] to, or wait; the alert is kept")

    def _made(self, events: Sequence[Event], checkpoint: str) -> Message:
        """As the template has it; as without one, if it fails on these events: told plainly is better than not."""
        if self._wording:
            try:
                return self._wording.message(events, checkpoint)
            except ValueError as error:
                mend = f"mend {self._settings.template}; this alert is told as without it"
                structlog.get_logger("watcher").warning("template failed", sink=self.name, error=str(error), mend=mend)
        return message(events, checkpoint)

    async def close(self) -> None:
        """End the process that delivers; another is started when there is something to deliver."""
        await self._messenger.close()

    async def check(self) -> str:
        """Why nothing could ever be delivered to such an address; empty if something could."""
        done = await self._messenger.run(Errand(url=self._settings.to))
        await self._messenger.close()
        return "" if done.ok else done.why


def _wording(path: Path) -> Wording:
    try:
        return Wording(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError((f"{path}: {what}",), hint="mend the file, or [[alert]] template") from error
    except ValueError as error:
        raise ConfigError((f"{path}:{error}",), hint="docs/alerts.md says what a template may print") from error
