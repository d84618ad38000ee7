"""A practice site behind a SOCKS5 proxy, in a process of its own: what `watcher demo` and `watcher practice` look at.

    python -m watcher.testing.world story      # turned chapter by chapter, by lines on standard input
    python -m watcher.testing.world practice   # goes on by itself

It says where it is in one line of JSON (``proxy``, ``mirror``), and ends when its standard input is closed. A line read
turns the story to its next chapter and is answered by a line of JSON (``caption``, ``looks``, ``told``), ``null`` at
the end. The watcher itself has no part in this process: it gets through the proxy, or it gets nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from watcher.core.onion import address
from watcher.testing.scene import Break, Fault
from watcher.testing.site import PracticeSite
from watcher.testing.socks5 import Conduct, Socks5Proxy
from watcher.testing.story import CL0P, practice_opening, practice_steps

DOWN = Conduct(code=0xF2)
"""What Tor replies for a service that does not answer."""


class RealClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def onion(name: str) -> str:
    """A valid onion address that nobody has the key of, the same for the same name."""
    return address(hashlib.sha256(f"practice site {name}".encode()).digest())


async def lines_of_stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def story() -> None:
    """The Cl0p story, a chapter for each line that is read."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(PracticeSite(CL0P.opening, CL0P.script.steps, title=CL0P.title))
        host = onion(CL0P.site)
        proxy = await stack.enter_async_context(Socks5Proxy({host: site.address}))
        say({"proxy": proxy.url, "mirror": f"http://{host}/"})
        commands = await lines_of_stdin()
        for chapter in CL0P.chapters:
            if not await commands.readline():
                return
            site.advance()
            if chapter.unreachable:
                proxy.misbehave(host, DOWN)
                site.do(Break(Fault(kind="closed")))  # for connections that are still open
            else:
                proxy.behave(host)
            say({"caption": chapter.caption, "looks": chapter.looks, "told": chapter.told})
        if await commands.readline():
            say(None)
        await commands.read()


async def practice() -> None:
    """The endless story, by the clock."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(PracticeSite(practice_opening(), practice_steps(), clock=RealClock()))
        host = onion("practice")
        proxy = await stack.enter_async_context(Socks5Proxy({host: site.address}))
        say({"proxy": proxy.url, "mirror": f"http://{host}/"})
        await (await lines_of_stdin()).read()


if __name__ == "__main__":
    asyncio.run({"story": story, "practice": practice}[sys.argv[1]]())
