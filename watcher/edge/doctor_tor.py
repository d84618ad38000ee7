"""What is well and what is not with tors of our own: those of the running watcher, or one started to see."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from watcher.config import Settings
from watcher.core.tor_trouble import explain
from watcher.edge import tors
from watcher.edge.finding import Finding, good, of_error, wrong
from watcher.edge.own_tor import programs
from watcher.edge.tor_control import TorState
from watcher.edge.tors import Progress, reaching
from watcher.errors import WatcherError

STALL_SECONDS = 30.0
"""Without any progress, a tor that is started to see is given up."""


async def own_tors(settings: Settings, progress: Progress) -> list[Finding]:
    """The findings about tors of our own."""
    proxy = settings.proxy
    try:
        program, _ = await asyncio.to_thread(programs, proxy.bridges, proxy.torrc)
    except WatcherError as error:
        return [of_error("tor", error)]
    if running := await tors.states(settings.store):
        return [_running(number, state) for number, state in enumerate(running)]
    if not settings.store.is_dir():
        return [good("tor", f"{program}; it is tried once there is a store")]
    try:
        async with reaching(replace(settings, proxy=replace(proxy, tors=1))) as reached:
            await reached.ready(progress=progress, stall_seconds=STALL_SECONDS)
            version = reached.tors[0].version if reached.tors else ""
    except WatcherError as error:
        return [of_error("tor", error)]
    return [good("tor", f"tor {version} of our own started, and is ready")]


def _running(number: int, state: TorState | None) -> Finding:
    """How a tor of the watcher that runs now stands."""
    if state is None or state.percent is None:
        return wrong("tor", f"our own tor {number} does not answer", "the running watcher starts it again: see its log")
    if state.percent < 100:
        told = explain(state.phase)
        return wrong("tor", f"our own tor {number}: {told.what}", told.mend)
    return good("tor", f"our own tor {number} (tor {state.version}) runs, and is ready")
