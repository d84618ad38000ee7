"""A stage: as many practice sites as wanted behind one proxy, in a process of its own, ordered about line by line.

    with Stage(sites=200, delay_seconds=2) as stage:
        …                                         # stage.proxy_url, stage.mirrors[number]
        stage.act(0, Withdraw(("velmora",)))      # on the site with that number
        stage.proxy("stop")                       # dead; "start": back on the same port
        stage.report()["at_once"]                 # how many answers were waited for at the same time, at most

The process ends with its input, and so never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from tests.hostile.servers import HostileServer, named
from watcher.testing.names import invented_onion, invented_victims
from watcher.testing.scene import Act, Break, Design, Fault, Mend, Scene, Victim
from watcher.testing.site import PracticeSite
from watcher.testing.socks5 import Conduct, Socks5Proxy

ProxyOrder: TypeAlias = Literal["stop", "start"]
LAIRS = 100_000
"""Number of the first onion of a hostile server."""
ACTS = {kind.__name__: kind for kind in get_args(Act)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What stands on the stage."""

    sites: int = 1
    mirrors: int = 1
    """Addresses of each site."""
    victims: int = 5
    """Entries of each site at first."""
    design: Design = "table"
    per_page: int = 0
    delay_seconds: float = 0.0
    """Before each answer."""
    titles: tuple[str, ...] = ()
    """Entries with these titles come first, on every site."""
    hostile: tuple[str, ...] = ()
    """Names of the catalogue of hostile servers: each stands beside the sites."""


class Stage:
    """The stage while the ``with`` block lasts."""

    def __init__(self, play: Play | None = None, **play_of: Any) -> None:
        """``play``, or what it is made of."""
        self._play = play or Play(**play_of)
        self._process: subprocess.Popen[str] | None = None
        self.proxy_url = ""
        self.site_port = 0
        """Where the first site listens: to a watcher, a proxy that is no SOCKS proxy."""
        self.mirrors: tuple[tuple[str, ...], ...] = ()
        """The addresses of each site."""
        self.hostile: dict[str, str] = {}
        """The address of each hostile server, by its name."""

    def __enter__(self) -> Stage:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.props.stage", msgspec.json.encode(self._play).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        told = self._hear()
        self.proxy_url, self.site_port = told["proxy"], told["site_port"]
        self.mirrors, self.hostile = tuple(map(tuple, told["mirrors"])), told["hostile"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        with self._process as process:
            process.stdin and process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def act(self, site: int, *acts: Act) -> None:
        """Let something happen on a site."""
        self._order(site=site, acts=[_spelled(act) for act in acts])

    def delay(self, seconds: float) -> None:
        """Wait so long before each answer from now on."""
        self._order(delay=seconds)

    def proxy(self, order: ProxyOrder) -> None:
        """Hang up on everyone and listen no more; or listen again where it was."""
        self._order(proxy=order)

    def refuse(self, site: int, code: int) -> None:
        """Let the proxy answer so for every address of a site (0: lead to it again)."""
        self._order(site=site, code=code)

    def hang(self, site: int) -> None:
        """Let a site take every request and answer none."""
        self._order(site=site, hang=True)

    def behave(self, site: int) -> None:
        """Let a site, and the proxy that leads to it, be as at first."""
        self._order(site=site, hang=False)
        self.refuse(site, 0)

    def report(self) -> dict[str, Any]:
        """``requests``: how many there were; ``at_once``: how many were waited for at the same time, at most;
        ``paths``: the last ones asked for; ``hostile``: what each hostile server was asked for; ``hosts``: all that the
        proxy was asked for."""
        return self._order(report=True)

    def _order(self, **order: Any) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the stage came down with exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _spelled(act: Act) -> list[Any]:
    return [type(act).__name__, msgspec.to_builtins({one.name: getattr(act, one.name) for one in fields(act)})]


# ------------------------------------------------------------------------------------------------ in the process


class _Theatre:
    """The sites and their proxy."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self.sites = [
            PracticeSite(opening(play, number), seed=number + 1, delay_seconds=play.delay_seconds)
            for number in range(play.sites)
        ]
        self.onions = [
            tuple(invented_onion(play.mirrors * number + mirror) for mirror in range(play.mirrors))
            for number in range(play.sites)
        ]
        self.hostile = [HostileServer(named(name)) for name in play.hostile]
        self.lairs = [server.item.host or invented_onion(LAIRS + at) for at, server in enumerate(self.hostile)]
        self.proxy = Socks5Proxy({})
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> _Theatre:
        async with AsyncExitStack() as stack:
            for site in self.sites:
                await stack.enter_async_context(site)
            for hostile in self.hostile:
                await stack.enter_async_context(hostile)
            await self._listen()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.proxy.stop()
        await self._stack.aclose()

    async def _listen(self) -> None:
        routes = {onion: site.address for onions, site in zip(self.onions, self.sites, strict=True) for onion in onions}
        conducts: dict[str, Conduct] = {}
        for lair, server in zip(self.lairs, self.hostile, strict=True):
            routes[lair] = server.address
            if server.item.proxy is not None:
                conducts[lair] = server.item.proxy
        self.proxy = Socks5Proxy(routes, conducts=conducts, port=self.proxy.port)
        await self.proxy.__aenter__()

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """What the order asks for, done."""
        match order:
            case {"site": int(number), "acts": list(acts)}:
                self.sites[number].do(*(_act(name, given) for name, given in acts))
            case {"site": int(number), "code": int(code)}:
                for onion in self.onions[number]:
                    self.proxy.misbehave(onion, Conduct(code=code))
                    self.proxy.hang_up(onion)
            case {"site": int(number), "hang": bool(hang)}:
                self.sites[number].do(Break(Fault(kind="silent")) if hang else Mend())
            case {"delay": float() | int() as seconds}:
                for site in self.sites:
                    site.delay_seconds = seconds
            case {"proxy": "stop"}:
                await self.proxy.stop()
            case {"proxy": "start"}:
                await self._listen()
            case {"report": True}:
                return self._report()
            case _:
                raise ValueError(f"no such order: {order}")
        return {}

    def _report(self) -> dict[str, Any]:
        asked = sorted(request.at.timestamp() for site in self.sites for request in site.requests)
        return {
            "requests": len(asked),
            "at_once": most_within(self._play.delay_seconds, asked),
            "hostile": {server.item.name: server.requests for server in self.hostile},
            "hosts": sorted({request.host for request in self.proxy.requests}),
            "paths": [request.path for site in self.sites for request in list(site.requests)[-500:]],
        }


def opening(play: Play, number: int) -> Scene:
    """What a site shows at first."""
    named = tuple(Victim(slug=f"entry-{place}", title=title) for place, title in enumerate(play.titles))
    others = tuple(islice(invented_victims(number + 1), play.victims))
    return Scene(victims=(*named, *others), design=play.design, per_page=play.per_page)


def most_within(seconds: float, times: Sequence[float]) -> int:
    """How many of the sorted times lie within so many seconds, at most."""
    most = start = 0
    for end, time in enumerate(times):
        while time - times[start] > seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def _act(name: str, given: dict[str, Any]) -> Act:
    made: Act = msgspec.convert(given, type=ACTS[name])
    return made


async def _serve(play: Play) -> None:
    async with _Theatre(play) as theatre:
        _say(
            {
                "proxy": theatre.proxy.url,
                "site_port": theatre.sites[0].port,
                "mirrors": [[f"http://{onion}/" for onion in onions] for onions in theatre.onions],
                "hostile": {
                    server.item.name: f"{server.item.scheme}://{lair}{server.item.path}"
                    for lair, server in zip(theatre.lairs, theatre.hostile, strict=True)
                },
            }
        )
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(await theatre.obey(json.loads(line)))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(msgspec.json.decode(sys.argv[1], type=Play)))
