"""What a proxy that is dead, deaf, or none at all is told as; what it answers; how several share the sites."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.edge.hostile import ONION, Server, behind_proxy, listening
from tests.edge.test_fetch import OK, URL, ask
from watcher.edge.fetch import SocksFetcher, check_proxy
from watcher.edge.proxy import REPLIES, Health, Proxy, credentials_for, proxy_of, resolve
from watcher.errors import ProxyError
from watcher.testing.socks5 import Conduct, Socks5Proxy

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def saying(*parts: bytes) -> Talk:
    """A server that answers what it reads with these, one after the other, and then hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            await reader.read(1000)
            writer.write(part)
        await writer.drain()
        writer.close()

    return talk


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("talk", "message"),
    [
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "is no SOCKS5 proxy"),
        (saying(b"\x04\x5b"), "is no SOCKS5 proxy"),
        (saying(b"514 Authentication required.\r\n"), "is no SOCKS5 proxy"),
        (saying(b"\x05\xff"), "refuses us"),
        (saying(b"\x05\x02", b"\x01\x01"), "refuses us"),
        (saying(b"\x05\x01"), "refuses us"),
        (saying(b"\x05\x02", b""), "hangs up on us"),
        (saying(b"\x05"), "hangs up on us"),
        (saying(b""), "hangs up on us"),
        (silence, "does not answer"),
    ],
)
async def test_what_is_no_use_as_a_proxy(talk: Talk, message: str) -> None:
    server = Server([])
    server.serve = talk  # type: ignore[assignment, method-assign]
    async with (
        listening(server),
        SocksFetcher([f"socks5://127.0.0.1:{server.port}"], [URL], patience_seconds=0.3) as fetcher,
    ):
        with pytest.raises(ProxyError, match=message) as caught:
            await fetcher.fetch(ask())
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "reply",
    [
        b"\x04\x00\x00\x01" + bytes(6),  # another version
        b"\x05\x00\x00\x09" + bytes(6),  # an unknown kind of address
        b"\x05\x00\x07\x01" + bytes(6),  # the reserved byte
        b"\x05\x00\x00\x03\x02\xff\xff\x00\x00",  # a name that is none
    ],
)
async def test_a_reply_that_socks_does_not_know(reply: bytes) -> None:
    async with behind_proxy(OK) as (_, proxy), SocksFetcher([proxy.url], [URL]) as fetcher:
        proxy.misbehave(ONION, Conduct(raw=reply))
        with pytest.raises(ProxyError, match="SOCKS5 does not know"):
            await fetcher.fetch(ask())


@pytest.mark.parametrize("bound", [b"\x01" + bytes(4), b"\x03\x09leak.test", b"\x03\x00", b"\x04" + bytes(16)])
async def test_any_bound_address_is_read_to_its_end_and_no_further(bound: bytes) -> None:
    reply = b"\x05\x00\x00" + bound + b"\x00\x50"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(b"\x05\x02")
        await reader.read(1000)
        writer.write(b"\x01\x00")
        await reader.read(1000)
        writer.write(reply + b"HTTP/1.1 100 Continue\r\n\r\n" + OK)  # the site speaks in the same breath
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = Server([])
    server.serve = talk  # type: ignore[method-assign]
    async with listening(server), SocksFetcher([f"socks5://127.0.0.1:{server.port}"], [URL]) as fetcher:
        (exchange,) = await fetcher.fetch(ask())
    assert exchange.response == b"HTTP/1.1 100 Continue\r\n\r\n" + OK


async def test_a_dead_proxy_is_told_at_once_with_the_mend() -> None:
    async with Socks5Proxy({}) as proxy:
        url = proxy.url
    async with SocksFetcher([url], [URL]) as fetcher:
        with pytest.raises(ProxyError, match="does not answer") as caught:
            await fetcher.fetch(ask())
    assert "start tor" in caught.value.hint
    with pytest.raises(ProxyError, match="does not answer"):
        await check_proxy(url)


async def test_a_proxy_that_dies_in_the_middle() -> None:
    async with behind_proxy(OK) as (_, proxy), SocksFetcher([proxy.url], [URL]) as fetcher:
        proxy.misbehave(ONION, Conduct(silent=True))
        fetching = asyncio.ensure_future(fetcher.fetch(ask()))
        while not proxy.requests:  # noqa: ASYNC110 - the proxy has no event to wait for
            await asyncio.sleep(0.01)
        await proxy.stop()
        with pytest.raises(ProxyError, match="does not answer"):
            await fetching


async def test_another_proxy_takes_over() -> None:
    async with Socks5Proxy({}) as gone:
        dead = gone.url
    async with behind_proxy(OK) as (_, proxy), SocksFetcher([dead, proxy.url], [URL]) as fetcher:
        for number in range(8):
            (exchange,) = await fetcher.fetch(ask(token=f"site{number}"))
            assert exchange.status == 200
        assert [gateway.dead for gateway in fetcher._gateways] == [True, False]
        await proxy.stop()
        with pytest.raises(ProxyError):
            await fetcher.fetch(ask(token="one more"))


async def test_several_proxies_share_the_sites() -> None:
    async with listening(Server([OK])) as server:
        routes = {ONION: ("127.0.0.1", server.port)}
        async with Socks5Proxy(routes) as one, Socks5Proxy(routes) as two:
            async with SocksFetcher([one.url, two.url], [URL]) as fetcher:
                for _ in range(2):
                    for number in range(20):
                        await fetcher.fetch(ask(token=f"site{number}"))
            users = [{request.username for request in proxy.requests} for proxy in (one, two)]
    assert all(users)
    assert not users[0] & users[1]  # a site stays with its proxy


async def test_a_busy_proxy_is_waited_for_longer_than_a_strange_one() -> None:
    health = Health(0.5)
    assert health.patience() == 0.5
    health.answered()
    assert health.patience() > 0.5


async def test_no_proxy_at_all() -> None:
    async with SocksFetcher([], [URL]) as fetcher:
        with pytest.raises(ProxyError, match="no proxy"):
            await fetcher.fetch(ask())


async def test_checking_a_good_proxy() -> None:
    async with Socks5Proxy({}) as proxy:
        await check_proxy(proxy.url)
        await check_proxy(proxy.url.replace("socks5:", "socks5h:").replace("127.0.0.1", "localhost"))
        assert proxy.connections == 2
        assert proxy.requests == []  # nothing is asked of the network


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9050", "socks4://127.0.0.1:9050", "socks5://127.0.0.1", "127.0.0.1:9050", "socks5://[::1", ""],
)
def test_addresses_of_no_proxy(url: str) -> None:
    with pytest.raises(ProxyError):
        proxy_of(url)


async def test_proxies_are_known_by_number() -> None:
    assert await resolve(proxy_of("socks5h://localhost:9050")) == Proxy(host="127.0.0.1", port=9050)
    assert await resolve(proxy_of("socks5://a:b@[::1]:9150")) == Proxy(
        host="::1", port=9150, username="a", password="b"
    )
    assert proxy_of("socks5://a:b@[::1]:9150").name == "[::1]:9150"
    async with SocksFetcher(["socks5://localhost:9050", "socks5://[::1]:9150"], []) as fetcher:
        assert fetcher.proxies == (("127.0.0.1", 9050), ("::1", 9150))


async def test_a_proxys_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        if host == "nowhere.example":
            raise OSError(-2, "Name or service not known")
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    async with behind_proxy(OK, close="keep") as (_, proxy):
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        async with SocksFetcher([proxy.url.replace("127.0.0.1", "proxy.example")], [URL]) as fetcher:
            for token in ("a", "b"):
                assert (await fetcher.fetch(ask(token=token)))[0].status == 200
        await check_proxy(proxy.url.replace("127.0.0.1", "proxy.example"))
        assert asked == ["proxy.example"]
        with pytest.raises(ProxyError, match="cannot be looked up"):
            await check_proxy("socks5://nowhere.example:9050")


def test_credentials() -> None:
    plain, own = Proxy(host="::1", port=9), Proxy(host="::1", port=9, username="me", password="")
    assert credentials_for(plain, "") == ("", "")
    assert credentials_for(plain, "clop") == ("clop", "watcher")
    assert credentials_for(own, "clop") == ("me", "-")
    names = {credentials_for(plain, token)[0] for token in ("é", "è", "x" * 201, "x" * 202, "a\nb")}
    assert len(names) == 5
    assert all(name.isascii() and 0 < len(name) <= 255 for name in names)


def test_the_manual_names_every_reply() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "fetching.md").read_text()
    for code in REPLIES:
        assert f"`socks:{code:02X}`" in manual
