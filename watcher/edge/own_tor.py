"""One tor of our own: started with nothing of ours in its environment, held by a leash, started again when it dies.

Its network stays off until we are at its control port and own it; when that connection ends, however it ends, so does
tor. It listens on loopback alone, and on the same ports as long as this process lives: what is told of them stays true.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from watcher.core import tor_trouble
from watcher.core.tor_trouble import Phase, Trouble, phase_of
from watcher.core.torrc import TRANSPORTS, torrc, transports
from watcher.edge import durable, trouble
from watcher.edge.proxy import Proxy
from watcher.edge.tor_control import Control
from watcher.errors import ProxyError, StoreError

LOOPBACK = "127.0.0.1"
COOKIE = "control_auth_cookie"
START_SECONDS = 30.0
"""From its start until tor has its SOCKS port open."""
POLL_SECONDS = 0.2
POLL_WHEN_READY_SECONDS = 5.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 60.0
"""Before tor is started again; twice as long each time it dies young."""
GROWN_UP_SECONDS = 60.0
STOP_SECONDS = 4.0
TRIES = 4
"""Other ports, if someone is faster to take them."""


class PortTaken(ProxyError):  # noqa: N818 - the name says the state, as StoreBusy's does
    """Somebody listens on a port that was meant for tor."""


class OwnTor:
    """A tor with a folder of its own, from ``start`` to ``close``."""

    def __init__(
        self,
        number: int,
        folder: Path,
        *,
        bridges: Sequence[str] = (),
        lines: Sequence[str] = (),
        onions_only: bool = False,
        on_phase: Callable[[OwnTor], None] = lambda _: None,
    ) -> None:
        self.number = number
        self.folder = folder
        self.phase = Phase()
        self.version = ""
        self.said: deque[str] = deque(maxlen=20)
        """What it complained of last."""
        self._onions_only = onions_only
        self._bridges, self._lines, self._on_phase = tuple(bridges), tuple(lines), on_phase
        self.socks, self.control = (LOOPBACK, 0), (LOOPBACK, 0)
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._leash: tuple[Control, asyncio.StreamWriter] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("watcher")

    @property
    def url(self) -> str:
        return f"socks5://{self.socks[0]}:{self.socks[1]}"

    @property
    def pid(self) -> int | None:
        """Of the process, if it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def is_ready(self) -> bool:
        return self.pid is not None and self.phase.percent == 100

    def trouble(self) -> Trouble:
        """Why it is not ready, in its own words, and how to mend that."""
        ended = self._process.returncode if self._process else None
        return tor_trouble.explain(self.phase, tuple(self.said), ended=ended)

    def check(self) -> None:
        """Nothing, if it is ready; else ProxyError."""
        if not self.is_ready:
            told = self.trouble()
            raise ProxyError(f"our own tor is not ready: {told.what}", hint=told.mend)

    def widen(self) -> None:
        """From now on it carries more than onions. Tor takes that up only when it starts: it is started again."""
        if self._onions_only:
            self._onions_only = False
            if self._process and self._process.returncode is None:
                self._process.terminate()

    # -------------------------------------------------------------------------------------------------- its life

    async def start(self) -> None:
        """Let it run from now on: it is started again whenever it ends. ProxyError, with tor's reason, if it does not
        start at all; its bootstrap goes on after this returns."""
        program, plugins = await asyncio.to_thread(programs, self._bridges, self._lines)
        for left in reversed(range(TRIES)):
            socks, control = _free_ports(2)
            self.socks, self.control = (LOOPBACK, socks), (LOOPBACK, control)
            try:
                await self._start(program, plugins)
                break
            except PortTaken:
                if not left:
                    raise
        self._keeping = asyncio.create_task(self._keep(program, plugins))

    async def close(self) -> None:
        """End it, and leave nothing running."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._end()

    async def _keep(self, program: str, plugins: Mapping[str, str]) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            started = time.monotonic()
            await self._follow()
            await self._end()
            told = self.trouble()
            if time.monotonic() - started > GROWN_UP_SECONDS:
                wait = FIRST_WAIT_SECONDS
            self._log.warning("tor ended", tor=self.number, why=told.what, mend=told.mend, again_in_seconds=wait)
            while True:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
                try:
                    await self._start(program, plugins)
                    break
                except (ProxyError, StoreError) as error:
                    self._log.error("tor does not start", tor=self.number, error=str(error), mend=error.hint)

    async def _start(self, program: str, plugins: Mapping[str, str]) -> None:
        self.said.clear()
        self.phase = Phase()
        rc = self.folder / "torrc"
        with trouble.told(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / COOKIE).unlink(missing_ok=True)  # that of the last run would be refused
        durable.put(rc, self._torrc(plugins).encode())
        try:
            self._process = await asyncio.create_subprocess_exec(
                program,
                *("--defaults-torrc", str(self.folder / "no-defaults"), "-f", str(rc)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=environment(self.folder),
                process_group=0,  # Ctrl-C is for us
            )
        except OSError as error:
            raise ProxyError(f"{program} cannot be started: {error.strerror}", hint=tor_trouble.INSTALL) from error
        self._listening = asyncio.create_task(self._listen(self._process))
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._take_hold()
        except (TimeoutError, ProxyError) as error:
            await self._end()
            told = self.trouble()
            kind = PortTaken if "Could not bind" in " ".join(self.said) else ProxyError
            raise kind(f"our own tor does not start: {told.what}", hint=told.mend) from error

    def _torrc(self, plugins: Mapping[str, str]) -> str:
        return torrc(
            folder=str(self.folder),
            owner=os.getpid(),
            socks=self.socks,
            control=self.control,
            bridges=self._bridges,
            plugins=plugins,
            lines=self._lines,
            onions_only=self._onions_only,
        )

    async def _take_hold(self) -> None:
        """Own it, and let it onto the network: from now on it ends with our connection. ProxyError if it ends."""
        while self.pid:
            try:
                reader, writer = await asyncio.open_connection(*self.control)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            control = Control(reader, writer)
            try:
                self.version, good = await control.admit(self.folder / COOKIE)
                for command in ("TAKEOWNERSHIP", "SETCONF DisableNetwork=0") if good else ():
                    good, said = await control.say(command)
                    if not good:
                        raise ProxyError(f"tor refuses {command}: {said}")
                if good:
                    self._leash = control, writer
                    return
            except (OSError, EOFError, ValueError):
                await asyncio.sleep(0.05)
            finally:
                if self._leash is None:
                    writer.close()
        raise ProxyError("tor ended")

    async def _follow(self) -> None:
        """Ask how far it is until it ends, or hangs up."""
        if self._leash is None or self._process is None:
            return
        control, _ = self._leash
        while True:
            try:
                async with asyncio.timeout(START_SECONDS):
                    _, answer = await control.say("GETINFO status/bootstrap-phase")
            except (OSError, EOFError, ValueError):  # TimeoutError is an OSError
                return
            phase = phase_of(answer)
            if phase is not None and phase != self.phase:
                self.phase = phase
                self._on_phase(self)
            wait = POLL_WHEN_READY_SECONDS if self.is_ready else POLL_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), wait)
                return

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Its log: complaints are kept, and told."""
        if process.stdout is None:
            return
        while True:
            try:
                text = await process.stdout.readline()
            except ValueError:  # a line longer than any of tor's
                continue
            if not text:
                return
            if said := tor_trouble.complaint(text.decode("utf-8", "replace")):
                self.said.append(said)
                self._log.info("tor says", tor=self.number, said=said)

    async def _end(self) -> None:
        if self._leash:
            _, writer = self._leash
            self._leash = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        process = self._process
        if process and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._listening:
            await asyncio.wait([self._listening], timeout=1)  # its last words
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)


def environment(folder: Path) -> dict[str, str]:
    """All that a tor gets of ours: nothing that could be a secret."""
    return {"PATH": search_path(), "HOME": str(folder), "LANG": "C.UTF-8"}


def search_path() -> str:
    """Where programs are looked for; Debian keeps some daemons where ordinary users do not look."""
    return os.pathsep.join([os.environ.get("PATH") or os.defpath, "/usr/sbin", "/usr/local/sbin"])


def programs(bridges: Sequence[str], lines: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The program tor, and for each pluggable transport that is needed its program. ProxyError for what is missing."""
    program = shutil.which("tor", path=search_path())
    if program is None:
        raise ProxyError("the program tor is not installed", hint=tor_trouble.INSTALL)
    if old := tor_trouble.too_old(_version_of(program)):
        raise ProxyError(old.what, hint=old.mend)
    plugins = {}
    for name in transports(bridges, lines):
        found = (shutil.which(one, path=search_path()) for one in TRANSPORTS.get(name, ()))
        plugin = next(filter(None, found), None)
        if plugin is None:
            missing = tor_trouble.no_transport(name)
            raise ProxyError(missing.what, hint=missing.mend)
        plugins[name] = plugin
    return program, plugins


def _version_of(program: str) -> str:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
            env={"PATH": search_path(), "LANG": "C.UTF-8"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition("\n")[0]


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, from below those that the kernel hands to clients."""
    ports: list[int] = []
    for port in random.sample(range(10_000, 32_000), 2_000):
        with socket.socket() as stream, suppress(OSError):
            stream.bind((LOOPBACK, port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise PortTaken("there are no free ports on loopback", hint="see what listens there: ss -ltn")


def is_one_of(proxy: Proxy, tors: Sequence[OwnTor]) -> OwnTor | None:
    """The tor behind a proxy, if it is one of these."""
    return next((tor for tor in tors if (proxy.host, proxy.port) == tor.socks), None)
