"""A practice site behind a practice proxy, wired together: all that a watcher needs to see a story, offline."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from types import TracebackType

from watcher.ports import Clock
from watcher.testing.names import invented_onion
from watcher.testing.scene import Scene, Step
from watcher.testing.site import PracticeSite
from watcher.testing.socks5 import Conduct, Socks5Proxy
from watcher.testing.story import Chapter

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
        title: str = "CL0P^_- LEAKS",
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
