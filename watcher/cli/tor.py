"""Waiting for a tor of our own, with its progress shown."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from watcher.cli.kit import say
from watcher.core.escape import line

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.edge.tors import Progress, Reached


@asynccontextmanager
async def reached_and_ready(settings: Settings, *more: str) -> AsyncIterator[Reached]:
    """The way to the world for the settings, and for addresses in ``more``, ready to be used. Raises ProxyError."""
    from watcher.cli.logs import log_to_stderr
    from watcher.edge.tors import reaching

    log_to_stderr(quiet=True)  # what a tor complains of
    async with reaching(settings, *more) as reached:
        await until_ready(reached)
        yield reached


async def until_ready(reached: Reached) -> None:
    """Return once the proxies can be used; a tor of our own shows how far it is. Raises ProxyError."""
    if reached.controls:
        with tor_progress() as progress:
            await reached.ready(progress=progress)


@contextmanager
def tor_progress() -> Iterator[Progress]:
    """A bar on a terminal's stderr; elsewhere a line for each step."""
    if not sys.stderr.isatty():
        yield lambda percent, doing: say(f"tor is ready to {percent} % ({line(doing or 'starting', 80)})")
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("tor", total=100, visible=False)
        yield lambda percent, doing: bar.update(
            task, completed=percent, description=f"tor: {line(doing, 60).replace('[', '(')}", visible=True
        )


def tell_tors(settings: Settings) -> None:
    """Which tors of the running watcher are not ready, and why, on stderr."""
    if not settings.proxy.managed:
        return
    import asyncio

    from watcher.core.tor_trouble import explain
    from watcher.edge.tors import states

    for number, state in enumerate(asyncio.run(states(settings.store))):
        if state is None or state.percent is None:
            say(f"our own tor {number} does not answer: the running watcher starts it again")
        elif state.percent < 100:
            told = explain(state.phase)
            say(f"our own tor {number}: {line(told.what, 300)}; {told.mend}")
