"""What is asked of authorities and witnesses: over the first proxy that works, and never past one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from watcher.edge import post
from watcher.edge.post import NotAnswered
from watcher.testing.socks5 import Conduct, Socks5Proxy

HOST = "tsa.example"
URL = f"http://{HOST}/stamp"
DEAD = "socks5h://127.0.0.1:1"


@asynccontextmanager
async def authority(asked: list[tuple[str, str, bytes]]) -> AsyncIterator[Socks5Proxy]:
    """A service behind a proxy, which writes down what it is asked."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        asked.append((request.path, request.headers["Content-Type"], body))
        if body == b"much":
            return web.Response(body=b"x" * (post.MOST_BYTES + 1))
        if body == b"full":
            return web.Response(body=b"x" * post.MOST_BYTES)
        if body == b"elsewhere":
            return web.Response(status=307, headers={"Location": "/other"})
        return web.Response(body=b"answer to " + body)

    app = web.Application()
    app.router.add_post("/{any}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with Socks5Proxy({HOST: ("127.0.0.1", runner.addresses[0][1])}) as proxy:
            yield proxy
    finally:
        await runner.cleanup()


async def ask(*proxies: str, body: bytes = b"q", url: str = URL) -> post.Answer:
    return await post.post(url, body, "application/x-q", proxies=proxies, token="time-stamp")


async def test_a_proxy_that_is_not_there_is_passed_over() -> None:
    asked: list[tuple[str, str, bytes]] = []
    async with authority(asked) as proxy:
        answer = await ask("http://no-proxy.example", DEAD, proxy.url)
        assert (answer.status, answer.body) == (200, b"answer to q")
        assert asked == [("/stamp", "application/x-q", b"q")]
        assert [(one.host, one.credentials) for one in proxy.requests] == [(HOST, ("time-stamp", "watcher"))]


@pytest.mark.parametrize(
    ("proxies", "says"),
    [
        ((), "no proxy is configured"),
        ((DEAD,), "the proxy 127.0.0.1:1 does not answer"),
        ((DEAD, "http://x"), "the proxy's address is none"),
    ],
)
async def test_without_a_proxy_that_works_nobody_is_asked(proxies: tuple[str, ...], says: str) -> None:
    with pytest.raises(NotAnswered, match=says):
        await ask(*proxies)


@pytest.mark.parametrize(
    "conduct",
    [
        Conduct(code=0xF2),
        Conduct(code=0x05),
        Conduct(close="request"),
        Conduct(close="reply"),
        Conduct(raw=b"HTTP/1.1"),
    ],
)
async def test_what_the_proxy_does_not_reach_did_not_answer(conduct: Conduct) -> None:
    """And no second proxy is asked to go there: it is not the first one's fault."""
    asked: list[tuple[str, str, bytes]] = []
    async with authority(asked) as proxy, authority(asked) as second:
        proxy.misbehave(HOST, conduct)
        with pytest.raises(NotAnswered) as caught:
            await ask(proxy.url, second.url)
    assert str(caught.value)
    assert (asked, second.requests) == ([], [])


async def test_a_proxy_that_hangs_up_on_everyone_did_not_answer() -> None:
    async with authority([]) as proxy:
        proxy.misbehave("*", Conduct(close="greeting"))
        with pytest.raises(NotAnswered):
            await ask(proxy.url)


async def test_answers_are_taken_up_to_a_size_and_lead_nowhere_else() -> None:
    asked: list[tuple[str, str, bytes]] = []
    async with authority(asked) as proxy:
        assert len((await ask(proxy.url, body=b"full")).body) == post.MOST_BYTES
        with pytest.raises(NotAnswered, match="more than 1048576 bytes came back"):
            await ask(proxy.url, body=b"much")
        assert (await ask(proxy.url, body=b"elsewhere")).status == 307
    assert [path for path, _, _ in asked] == ["/stamp"] * 3
    with pytest.raises(NotAnswered):
        await ask(DEAD, url="nonsense")
