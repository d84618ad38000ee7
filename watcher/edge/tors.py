"""How the world is reached: through the proxies that are configured, or through tors of our own, as many as asked for.

One process keeps the tors of a store; another that needs them meanwhile (``watcher learn`` beside ``watcher run``) goes
through them, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from watcher.config import Settings
from watcher.core.proxy_tables import ProxySettings
from watcher.core.tor_trouble import Trouble, explain
from watcher.edge import durable, trouble
from watcher.edge.lock import Lock
from watcher.edge.machine import is_alive
from watcher.edge.own_tor import COOKIE, LOOPBACK, OwnTor, is_one_of
from watcher.edge.proxy import Proxy
from watcher.edge.tor_control import TorState, tor_state
from watcher.errors import ProxyError, StoreBusy

FOLDER = "tor"
PORTS = "ports.json"
STALL_SECONDS = 90.0
"""Without any progress a bootstrap is given up by who waits for it; tor itself goes on trying."""
POLL_SECONDS = 0.1

Progress = Callable[[int, str], None]
"""Told how far the tor is that is furthest: per cent, and what it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How the world is reached while it lasts."""

    proxy: ProxySettings
    """With the addresses of the proxies in earnest."""
    tors: tuple[OwnTor, ...] = ()
    """Our own, if this process keeps them."""
    borrowed: tuple[tuple[int, int], ...] = ()
    """SOCKS and control ports of tors that another process keeps,"""
    store: Path = Path()
    """and where it keeps them."""

    @property
    def controls(self) -> tuple[tuple[str, int], ...]:
        """Where tors of our own are asked: what the guard has to let through besides the proxies."""
        return tuple(tor.control for tor in self.tors) or tuple((LOOPBACK, control) for _, control in self.borrowed)

    def check(self, proxy: Proxy) -> None:
        """Nothing, if the proxy can be asked; ProxyError if it is a tor of our own that is not ready. What is asked
        of one that is not would wait in vain, and look like a site that is down."""
        if tor := is_one_of(proxy, self.tors):
            tor.check()

    def well(self) -> None:
        """Nothing, if one of our tors is ready, or none is needed; else ProxyError."""
        if self.tors and not any(tor.is_ready for tor in self.tors):
            max(self.tors, key=lambda tor: tor.phase.percent).check()

    def widen(self, settings: Settings) -> None:
        """Let our tors carry what other settings need, if they carry onions alone."""
        if not only_onions(settings):
            for tor in self.tors:
                tor.widen()

    async def ready(self, *, progress: Progress = lambda *_: None, stall_seconds: float = STALL_SECONDS) -> None:
        """Nothing, once one of the tors is ready; at once where none is our own. ProxyError, with tor's own reason,
        when none gets any further."""
        furthest, since = -1, time.monotonic()
        while self.controls:
            percent, summary, told = await self._furthest()
            if percent > furthest:
                furthest, since = percent, time.monotonic()
                progress(percent, summary)
            if percent == 100:
                return
            if time.monotonic() - since > stall_seconds:
                raise ProxyError(f"our own tor does not get ready: {told.what}", hint=told.mend)
            await asyncio.sleep(POLL_SECONDS)

    async def _furthest(self) -> tuple[int, str, Trouble]:
        if self.tors:
            tor = max(self.tors, key=lambda tor: (tor.is_ready, tor.phase.percent))
            percent = 100 if tor.is_ready else min(tor.phase.percent, 99)
            return percent, tor.phase.summary, tor.trouble()
        kept = [state for state in await _states(self.store, self.borrowed) if state]
        if not kept:
            away = Trouble(what="the running watcher's tor does not answer", mend="see that watcher's log")
            return 0, "", away
        state = max(kept, key=lambda state: state.percent or 0)
        return state.percent or 0, state.summary, explain(state.phase)


def only_onions(settings: Settings, *more: str) -> bool:
    """Whether nothing but onion services will ever be asked for: no site, service, authority, witness, or address in
    ``more``, is anything else."""
    addresses = [
        *(mirror for site in settings.sites for mirror in site.mirrors),
        *settings.timestamp.authorities,
        *(address for address, _ in settings.timestamp.witnesses),
        *more,
    ]
    services = any(alert.is_service for alert in settings.alerts)
    return not services and all((urlsplit(one).hostname or "").endswith(".onion") for one in addresses)


@asynccontextmanager
async def reaching(settings: Settings, *more: str) -> AsyncIterator[Reached]:
    """The way to the world that the settings ask for, and addresses in ``more``; tors of our own run while the block
    lasts, and carry only onions if nothing else is needed. ProxyError if one does not start, StoreError if its folder
    cannot be made."""
    if not settings.proxy.managed:
        yield Reached(proxy=settings.proxy)
        return
    async with AsyncExitStack() as stack:
        folder = settings.store / FOLDER
        with trouble.told(folder):
            for path in (settings.store, folder):  # its mode goes to the last of the folders alone
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            stack.callback(Lock.take(folder).release)
        except StoreBusy:
            yield await _borrowed(settings, folder)
            return
        tors = [
            OwnTor(
                number,
                folder / str(number),
                bridges=settings.proxy.bridges,
                lines=settings.proxy.torrc,
                onions_only=only_onions(settings, *more),
                on_phase=_tell,
            )
            for number in range(settings.proxy.tors)
        ]
        stack.push_async_callback(_end, tors)
        for outcome in await asyncio.gather(*(tor.start() for tor in tors), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        stack.callback(_forget_ports, folder)
        _write_ports(folder, tors)
        proxy = replace(settings.proxy, urls=tuple(tor.url for tor in tors), control=tors[0].control)
        yield Reached(proxy=proxy, tors=tuple(tors))


async def _end(tors: list[OwnTor]) -> None:
    await asyncio.gather(*(tor.close() for tor in tors))


def _tell(tor: OwnTor) -> None:
    log, phase = structlog.get_logger("watcher"), tor.phase
    if phase.warning and phase.percent < 100:
        why = tor.trouble()
        log.warning("tor", tor=tor.number, percent=phase.percent, why=why.what, mend=why.mend)
    else:
        log.info("tor", tor=tor.number, percent=phase.percent, doing=phase.summary)


# ------------------------------------------------------------------------------------------------ told to others


async def states(store: Path) -> tuple[TorState | None, ...]:
    """How the tors of a running watcher stand; None for one that does not answer; nothing if none are kept."""
    pid, ports = _kept(store / FOLDER)
    return await _states(store, ports) if is_alive(pid) else ()  # it was killed, and could not take back what it told


async def _states(store: Path, ports: tuple[tuple[int, int], ...]) -> tuple[TorState | None, ...]:
    folder = store / FOLDER
    return tuple(
        [await tor_state(LOOPBACK, control, folder / str(number) / COOKIE) for number, (_, control) in enumerate(ports)]
    )


def _write_ports(folder: Path, tors: list[OwnTor]) -> None:
    told = {"pid": os.getpid(), "ports": [[tor.socks[1], tor.control[1]] for tor in tors]}
    durable.put(folder / PORTS, json.dumps(told).encode())


def _forget_ports(folder: Path) -> None:
    with trouble.told(folder):
        (folder / PORTS).unlink(missing_ok=True)


def _kept(folder: Path) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The process that keeps tors there, and the SOCKS and control port of each; 0 and none if nobody tells."""
    try:
        told = json.loads((folder / PORTS).read_text(encoding="utf-8"))
        ports = tuple((int(socks), int(control)) for socks, control in told["ports"])
        are_ports = all(0 < port < 1 << 16 for both in ports for port in both)
        return (int(told["pid"]), ports) if are_ports else (0, ())
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return 0, ()


async def _borrowed(settings: Settings, folder: Path) -> Reached:
    """The tors that another process keeps, once it has told where they are."""
    start = time.monotonic()
    while not (ports := _kept(folder)[1]):
        if time.monotonic() - start > STALL_SECONDS:
            raise ProxyError(
                f"another process keeps the tors in {folder}, and does not say where they are",
                hint="stop it, and try again",
            )
        await asyncio.sleep(POLL_SECONDS)
    urls = tuple(f"socks5://{LOOPBACK}:{socks}" for socks, _ in ports)
    proxy = replace(settings.proxy, urls=urls, control=(LOOPBACK, ports[0][1]))
    return Reached(proxy=proxy, borrowed=ports, store=settings.store)
