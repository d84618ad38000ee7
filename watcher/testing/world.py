"""A practice site behind a practice proxy: all that a watcher needs to see a story, offline.

In this process it is ``PracticeWorld``. As a process of its own, so that the watching one connects to nothing but the
proxy (``watcher.testing.process`` starts and asks it):

    python -m watcher.testing.world story      # turned chapter by chapter, by lines on standard input
    python -m watcher.testing.world practice   # goes on by the clock; a line asks where it is

It says where it listens in one line of JSON (``proxy``, ``mirror``) and answers each line that it reads with one:
``story`` with the chapter that now begins (``caption``, ``looks``, ``told``), ``null`` at the end; ``practice`` with
what is the case (``caption``). It ends with its input, and so never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from types import TracebackType

from watcher.ports import Clock
from watcher.testing.clocks import WallClock
from watcher.testing.names import invented_onion
from watcher.testing.scene import Scene, Step
from watcher.testing.site import PracticeSite
from watcher.testing.socks5 import Conduct, Socks5Proxy
from watcher.testing.story import CL0P, Chapter, practice_opening, practice_steps

SERVICE_DOWN = Conduct(code=0xF2)
"""What Tor says of an onion service that was there a while ago."""


class PracticeWorld:
    """A site and the proxy that leads to it, while the ``async with`` block lasts.

    ``async with PracticeWorld(CL0P.opening) as world:`` – point a watcher at ``world.proxy.url`` and ``world.mirrors``,
    then ``world.enter(chapter)`` for each chapter of the story.
    """

    def __init__(
        self,
        opening: Scene,
        steps: Iterable[Step] = (),
        *,
        clock: Clock | None = None,
        title: str = CL0P.title,
        mirrors: int = 1,
        seed: int = 1,
    ) -> None:
        self.site = PracticeSite(opening, steps, clock=clock, title=title, seed=seed)
        self.proxy = Socks5Proxy({})
        self.onions = tuple(invented_onion(1000 * seed + number) for number in range(mirrors))
        self._stack = AsyncExitStack()

    @property
    def mirrors(self) -> tuple[str, ...]:
        """The site's addresses, as ``watcher.toml`` has them."""
        return tuple(f"http://{onion}/" for onion in self.onions)

    async def __aenter__(self) -> PracticeWorld:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.site)
            await stack.enter_async_context(self.proxy)
            for onion in self.onions:
                self.proxy.route(onion, self.site.address)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def enter(self, chapter: Chapter) -> None:
        """Let a chapter of a story begin."""
        self.site.do(*chapter.step.acts)
        for onion in self.onions:
            self.proxy.misbehave(onion, SERVICE_DOWN if chapter.unreachable else Conduct())
            if chapter.unreachable or chapter.new_circuit:
                self.proxy.hang_up(onion)  # streams that were open end with their circuit


async def _serve_story() -> None:
    async with PracticeWorld(CL0P.opening) as world:
        _say({"proxy": world.proxy.url, "mirror": world.mirrors[0]})
        chapters = iter(CL0P.chapters)
        while await asyncio.to_thread(sys.stdin.readline):
            chapter = next(chapters, None)
            if chapter:
                world.enter(chapter)
                _say({"caption": chapter.caption, "looks": chapter.looks, "told": chapter.told})
            else:
                _say(None)


async def _serve_practice() -> None:
    async with PracticeWorld(practice_opening(), practice_steps(), clock=WallClock()) as world:
        _say({"proxy": world.proxy.url, "mirror": world.mirrors[0]})
        while await asyncio.to_thread(sys.stdin.readline):
            world.site.follow_clock()
            _say({"caption": world.site.step.caption})


def _say(thing: dict[str, object] | None) -> None:
    sys.stdout.write(json.dumps(thing) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run({"story": _serve_story, "practice": _serve_practice}[sys.argv[1]]())
