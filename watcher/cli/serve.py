"""``watcher serve``: the web page, API and feeds alone."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from watcher.cli.kit import State, command, say

if TYPE_CHECKING:
    from watcher.config import Settings


@command(
    examples=[
        ("watcher serve", "Look at what was kept, at http://127.0.0.1:8080/:"),
        ("ssh -L 8080:127.0.0.1:8080 HOST", "From elsewhere, through a tunnel that keeps the port:"),
    ],
    exits=[("0", "a clean stop"), ("2", "trouble of ours: configuration, or the address is in use")],
)
def serve_command(state: State) -> None:
    """Serve the web page, API and feeds, until SIGTERM or SIGINT; nothing is visited. It listens where [web] says
    (127.0.0.1:8080), and works beside `watcher run`, which serves the same by itself if [web] is set."""
    asyncio.run(_serve(state.settings))


async def _serve(settings: Settings) -> None:
    from watcher.edge.guard import Guard
    from watcher.web.app import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with Guard().arm(()):  # who looks at evidence reaches nobody
        async with serve(settings) as address:
            say(f"serving {address}" + ("" if settings.web is None or not settings.web.token else " (token needed)"))
            await stop.wait()
