"""What is well and what is not with everything that the watcher stands on, and how to mend it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from watcher.config import Settings
from watcher.core.addresses import is_loopback
from watcher.core.cadence import unchecked
from watcher.core.moments import size_words, words
from watcher.core.tor_trouble import explain
from watcher.edge import lock, object_bodies, tors
from watcher.edge.apprise_sink import AppriseSink
from watcher.edge.finding import Finding, good, of_error, wrong
from watcher.edge.ledger import Ledger, Owed
from watcher.edge.machine import clock_facts, is_alive
from watcher.edge.notify import FileSink, sinks
from watcher.edge.own_tor import programs
from watcher.edge.proxy import Proxy, check_proxy
from watcher.edge.schema import LEDGER
from watcher.edge.sign import load_key
from watcher.edge.tor_control import TorState, tor_state
from watcher.edge.tors import Progress, reaching
from watcher.errors import ConfigError, ProxyError, StoreError, WatcherError
from watcher.records import TargetStatus

__all__ = ["Finding", "examine"]

BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right can be before this program was written."""
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
LITTLE_SPACE = 100 << 20
SOME_SPACE = 1 << 30
STALL_SECONDS = 30.0
"""Without any progress, a tor that is started to see is given up."""


async def examine(settings: Settings, now: datetime, *, progress: Progress = lambda *_: None) -> tuple[Finding, ...]:
    """Every finding, good and bad. A tor of our own that has to be started for it tells its progress."""
    return (
        *_configuration(settings),
        *[await _proxy(url) for url in settings.proxy.urls if not settings.proxy.managed],
        *await (_own_tors(settings, progress) if settings.proxy.managed else _tor(settings)),
        *_clock(now),
        _key(settings),
        *_store(settings, now),
        _timestamps(settings),
        *await _services(settings),
        *await _bodies(settings),
        *await _fleet(settings),
    )


async def _fleet(settings: Settings) -> list[Finding]:
    if settings.fleet is None:
        return []
    from watcher.edge.doctor_fleet import fleet  # as much to import as all the rest

    return await fleet(settings, settings.fleet)


async def _bodies(settings: Settings) -> list[Finding]:
    """Whether large bodies can be kept where they are to go, and whether what is there stays as it is."""
    if not settings.bodies:
        return []
    try:
        keeps = await asyncio.to_thread(object_bodies.creates_once, settings.bodies)
    except WatcherError as error:
        return [of_error("bodies", error)]
    if keeps:
        return [good("bodies", "the object store answers, and writes nothing over")]
    return [
        wrong(
            "bodies",
            "the object store writes over what is there, although it was asked only to create (If-None-Match)",
            "take a server that heeds it; what is read is checked by its digest, but a lost body is lost",
        )
    ]


async def _services(settings: Settings) -> list[Finding]:
    """Of each service and file that is to be told: whether its address, and its template, are any good. Nothing is
    sent."""
    findings = []
    for alert in settings.alerts:
        try:
            (sink,) = sinks([alert], proxies=[Proxy(host="127.0.0.1", port=9)])
            why = await sink.check() if isinstance(sink, AppriseSink | FileSink) else ""
            mend = "https://github.com/caronc/apprise/wiki says how its address is written"
            mend = mend if alert.is_service else "name a file that can be written under [[alert]] to"
        except ConfigError as error:
            why, mend = str(error), error.hint
        shown = f"{alert.to.partition(':')[0]}:… {why or 'is an address that Apprise understands'}"
        if why or alert.is_service:
            findings.append(Finding(check="alerts", ok=not why, detail=shown, mend=mend if why else ""))
    return findings


def _configuration(settings: Settings) -> list[Finding]:
    if settings.doubts:
        return [
            wrong("configuration", what, mend)
            for what, _, mend in (doubt.rpartition("; ") for doubt in settings.doubts)
        ]
    count = len(settings.sites)
    mend = "" if count or settings.is_index else "add a [[site]] to it"
    if count and _holds_secrets(settings) and _others_read(settings.path):
        mend = f"chmod 600 {settings.path}: others may read it, and the secrets in it; or write env:NAME in their place"
    return [good("configuration", f"{settings.path}: {count} site{'s' * (count != 1)}", mend)]


def _holds_secrets(settings: Settings) -> bool:
    """Whether there are addresses or tokens that are nobody else's business; those written ``env:NAME`` count, too."""
    return bool(
        any(alert.is_service for alert in settings.alerts)
        or any("@" in url for url in settings.proxy.urls)
        or settings.proxy.bridges
        or any(site.headers for site in settings.sites)
        or (settings.web and settings.web.token)
    )


def _others_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o044)
    except OSError:
        return False


async def _proxy(url: str) -> Finding:
    shown = url.rpartition("@")[2].removeprefix("socks5://")
    try:
        await check_proxy(url)
    except ProxyError as error:
        return of_error("proxy", error)
    return good("proxy", f"{shown} answers as a SOCKS5 proxy")


async def _tor(settings: Settings) -> list[Finding]:
    """Of each proxy on this machine that has a control port on the next number, as tor's default is."""
    findings = []
    for url in settings.proxy.urls:
        parts = urlsplit(url)
        if not is_loopback(parts.hostname or "") or not parts.port or parts.port > 65534:
            continue
        place = f"{parts.hostname}:{parts.port + 1}"
        state = await tor_state(parts.hostname or "", parts.port + 1)
        if state is None:
            detail, ok, mend = f"no control port at {place}: whether the proxy is a tor is not known", True, ""
        elif state.percent is None:
            detail, ok = f"tor {state.version} at {place}: {state.summary}", True
            mend = "CookieAuthentication 1 in torrc, and read access to its cookie, would show how far it is"
        else:
            ok = state.percent == 100
            detail = f"tor {state.version} at {place} is ready to {state.percent} % ({state.summary})"
            mend = "" if ok else "wait; if it stays so, look at tor's log: the network or a firewall may keep it out"
        findings.append(Finding(check="tor", ok=ok, detail=detail, mend=mend))
    return findings


async def _own_tors(settings: Settings, progress: Progress) -> list[Finding]:
    """Of tors of our own: those of the running watcher, or one started to see."""
    proxy = settings.proxy
    try:
        program, _ = await asyncio.to_thread(programs, proxy.bridges, proxy.torrc)
    except WatcherError as error:
        return [of_error("tor", error)]
    if running := await tors.states(settings.store):
        return [_running_tor(number, state) for number, state in enumerate(running)]
    if not settings.store.is_dir():
        return [good("tor", f"{program}; it is tried once there is a store")]
    try:
        async with reaching(replace(settings, proxy=replace(proxy, tors=1))) as reached:
            await reached.ready(progress=progress, stall_seconds=STALL_SECONDS)
            version = reached.tors[0].version if reached.tors else ""
    except WatcherError as error:
        return [of_error("tor", error)]
    return [good("tor", f"tor {version} of our own started, and is ready")]


def _running_tor(number: int, state: TorState | None) -> Finding:
    """How a tor of the watcher that runs now stands."""
    if state is None or state.percent is None:
        return wrong("tor", f"our own tor {number} does not answer", "the running watcher starts it again: see its log")
    if state.percent < 100:
        told = explain(state.phase)
        return wrong("tor", f"our own tor {number}: {told.what}", told.mend)
    return good("tor", f"our own tor {number} (tor {state.version}) runs, and is ready")


def _clock(now: datetime) -> list[Finding]:
    shown = f"{now:%Y-%m-%d %H:%M:%S}Z"
    if not BUILT < now < NEVER:
        mend = "set the clock (chrony or systemd-timesyncd keep it right): every record carries its time"
        return [wrong("clock", f"it says {shown}, which cannot be", mend)]
    facts = clock_facts()
    if facts["clock_state"] == "synchronised":
        error = int(facts.get("clock_max_error_microseconds", 0)) / 1000
        return [good("clock", f"{shown}, synchronised, wrong by {error:.0f} ms at most")]
    mend = "chrony or systemd-timesyncd would keep it right, and make times worth more as evidence"
    return [good("clock", f"{shown}, {facts['clock_state']}", mend)]


def _key(settings: Settings) -> Finding:
    try:
        key = load_key(settings.key)
    except WatcherError as error:
        return of_error("key", error)
    if key.origin != settings.vantage:
        return wrong(
            "key",
            f"{settings.key} signs as {key.origin}, and this vantage is {settings.vantage}",
            f'write vantage = "{key.origin}", or name another key under [watcher] key',
        )
    return good("key", f"{settings.key}, yours alone; public: {key.vkey}")


# ----------------------------------------------------------------------------------------------------- the store


def _store(settings: Settings, now: datetime) -> list[Finding]:
    folder = settings.store
    if not folder.is_dir():
        mend = f"mkdir -m 700 {folder}, or name another folder under [watcher] store"
        return [wrong("store", f"there is no folder {folder}", mend)]
    findings = [_room(folder), _rights(folder)]
    if not (folder / LEDGER).exists():
        mend = "`watcher check` visits every target once"
        return [*findings, good("store", "nothing was kept yet", mend)]
    try:
        with Ledger.open(folder) as ledger:
            targets = ledger.status()
            owed = ledger.owed(now + timedelta(days=7), limit=1000)
            last = max((target.last_visit for target in targets if target.last_visit), default=None)
    except StoreError as error:
        return [*findings, of_error("store", error)]
    owner = _owner(folder)
    findings.append(good("store", f"{folder}, {owner or 'no watcher is running on it'}"))
    if last and last > now + timedelta(minutes=1):
        detail = f"it went back: the last visit was {words(last - now)} from now"
        mend = "set the clock; until then times of new captures contradict older ones"
        findings.append(wrong("clock", detail, mend))
    return [*findings, *_alerts(owed), _unchecked(settings, targets, now, bool(owner))]


def _alerts(owed: tuple[Owed, ...]) -> list[Finding]:
    """Sinks that were tried in vain; of their addresses, which may hold secrets, only the beginning is shown."""
    sinks: dict[str, list[Owed]] = {}
    for one in owed:
        if one.tries:
            sinks.setdefault(one.sink, []).append(one)
    return [
        wrong(
            "alerts",
            f"{len(late)} not delivered to {sink.partition(':')[0]}:…, "
            f"tried up to {max(alert.tries for alert in late)} times: {late[-1].why}",
            "mend its address under [[alert]] to, or take it out; they are kept and tried again every hour",
        )
        for sink, late in sinks.items()
    ]


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    mend = "make room, or move the store: captures that cannot be kept are not made"
    return Finding(
        check="disk",
        ok=free >= LITTLE_SPACE,
        detail=f"{size_words(free)} free for {folder}",
        mend=mend if free < SOME_SPACE else "",
    )


def _rights(folder: Path) -> Finding:
    if not os.access(folder, os.W_OK):
        mend = f"give it to the watcher's user: chown -R USER {folder}"
        return wrong("store", f"{folder} cannot be written by this user", mend)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        mend = f"chmod 700 {folder}: it holds what criminals published about others"
        return good("store", f"{folder} can be read by other users", mend)
    return good("store", f"{folder} is readable by its owner alone")


def _owner(folder: Path) -> str:
    """Who watches into the store now, in words; empty if nobody does."""
    try:
        told = (folder / lock.NAME).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    found = re.match(r"pid (\d{1,10}) on (\S+)", told)
    if not found or (found[2] == socket.gethostname() and not is_alive(int(found[1]))):
        return ""
    return f"in use by a watcher ({told})"


def _unchecked(settings: Settings, targets: tuple[TargetStatus, ...], now: datetime, running: bool) -> Finding:
    """A target that nobody looks at any more must not go unnoticed."""
    late = unchecked(settings.sites, targets, now)
    if not late:
        return good("targets", f"{len(targets)} visited, none of them overdue")
    site = max(late, key=lambda name: late[name])
    return wrong(
        "targets",
        f"{len(late)} of {len(targets)} overdue for more than 2 intervals; {site} for {words(late[site])}",
        "the watcher runs and does not keep up: see its log" if running else "start `watcher run`",
    )


def _timestamps(settings: Settings) -> Finding:
    stamps = settings.timestamp
    if not stamps.authorities:
        mend = "[timestamp] authorities: without them only your own clock says when"
        return good("timestamps", "no authority is configured", mend)
    roots, mend = stamps.roots, "write there, as PEM, the root certificates of the authorities that you trust"
    try:
        pem = roots.read_bytes() if roots else b""
    except OSError as error:
        return wrong("timestamps", f"{roots}: {error.strerror}", mend)
    count = pem.count(b"-----BEGIN CERTIFICATE-----")
    if not count:
        return wrong("timestamps", f"{roots} holds no certificate", mend)
    detail = f"{len(stamps.authorities)} authorities, {count} pinned roots"
    mend = "two authorities are worth more than one" if len(stamps.authorities) < 2 else ""
    return good("timestamps", detail, mend)
