"""The proxy that stands in for Tor, asked by the client library that the watcher uses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import aiohttp
import pytest
from aiohttp import web
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError

from watcher.testing.background import run_in_thread
from watcher.testing.socks5 import Conduct, Socks5Proxy, _abort

NAME = "practice.onion"


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello from {request.host}{request.path}")


@pytest.fixture
async def service() -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    app.router.add_get("/{rest:.*}", hello)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0]
    await runner.cleanup()


@pytest.fixture
async def proxy(service: tuple[str, int]) -> AsyncIterator[Socks5Proxy]:
    async with Socks5Proxy({NAME: service, "ports.onion:80": service}) as proxy:
        yield proxy


async def fetch(proxy: Socks5Proxy, url: str, login: str = "", total: float = 10.0) -> str:
    address = proxy.url.replace("://", f"://{login}@") if login else proxy.url
    connector = ProxyConnector.from_url(address, rdns=True)
    timeout = aiohttp.ClientTimeout(total=total)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session, session.get(url) as reply:
        return await reply.text()


async def test_leads_a_name_to_its_service_and_writes_the_request_down(proxy: Socks5Proxy) -> None:
    assert await fetch(proxy, f"http://{NAME}/a") == f"hello from {NAME}/a"
    assert await fetch(proxy, f"http://{NAME.upper()}:8080/b", login="site:circuit-7") == f"hello from {NAME}:8080/b"

    first, second = proxy.requests
    assert (first.host, first.port, first.credentials, first.code) == (NAME, 80, None, 0)
    assert (second.host, second.port, second.credentials) == (NAME, 8080, ("site", "circuit-7"))
    assert first.at.utcoffset() == timedelta(0)
    assert first.at <= second.at


async def test_a_route_may_be_for_one_port_only(proxy: Socks5Proxy) -> None:
    assert await fetch(proxy, "http://ports.onion/") == "hello from ports.onion/"
    with pytest.raises(ProxyError, match="0XF0"):
        await fetch(proxy, "http://ports.onion:81/")


@pytest.mark.parametrize(
    "url", ["http://unknown.onion/", "http://localhost/", "http://127.0.0.1:9/", "http://[::1]:9/"]
)
async def test_what_it_was_not_told_of_it_does_not_know(proxy: Socks5Proxy, url: str) -> None:
    with pytest.raises(ProxyError, match="0XF0"):
        await fetch(proxy, url)
    assert proxy.requests[-1].code == 0xF0


async def test_never_looks_a_name_up(proxy: Socks5Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*question: object) -> None:
        raise AssertionError(f"looked up {question}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert await fetch(proxy, f"http://{NAME}/") == f"hello from {NAME}/"
    with pytest.raises(ProxyError):
        await fetch(proxy, "http://elsewhere.example/")


@pytest.mark.parametrize("address", ["192.0.2.1", "0.0.0.0", "2001:db8::1", "localhost", "example.org"])
def test_leads_nowhere_but_to_loopback(address: str) -> None:
    with pytest.raises(ValueError, match=address):
        Socks5Proxy({NAME: (address, 80)})


@pytest.mark.parametrize("code", [*range(1, 9), *range(0xF0, 0xF8)])
async def test_answers_with_any_code(proxy: Socks5Proxy, code: int) -> None:
    proxy.misbehave(NAME, Conduct(code=code))
    with pytest.raises(ProxyError) as refusal:
        await fetch(proxy, f"http://{NAME}/")
    assert refusal.value.error_code == code or f"0X{code:X}" in str(refusal.value)
    assert proxy.requests[-1].code == code


async def test_a_conduct_lasts_as_long_as_was_said(proxy: Socks5Proxy) -> None:
    proxy.misbehave(NAME, Conduct(code=1), times=2)
    for _ in range(2):
        with pytest.raises(ProxyError):
            await fetch(proxy, f"http://{NAME}/")
    assert await fetch(proxy, f"http://{NAME}/")

    proxy.misbehave("*", Conduct(code=5))
    with pytest.raises(ProxyError):
        await fetch(proxy, f"http://{NAME}/")
    proxy.misbehave(NAME, Conduct())
    assert await fetch(proxy, f"http://{NAME}/"), "a host's own conduct comes before everyone's"
    proxy.behave("*")
    proxy.misbehave(NAME, Conduct(code=5))
    proxy.behave()
    assert await fetch(proxy, f"http://{NAME}/")


async def test_silence_lasts_until_the_client_gives_up(proxy: Socks5Proxy) -> None:
    proxy.misbehave(NAME, Conduct(silent=True))
    with pytest.raises(TimeoutError):
        await fetch(proxy, f"http://{NAME}/", total=0.2)
    assert proxy.requests[-1].code is None


@pytest.mark.parametrize("host", ["*", NAME])
@pytest.mark.parametrize("close", ["greeting", "request", "reply"])
@pytest.mark.parametrize("reset", [False, True])
async def test_hangs_up(proxy: Socks5Proxy, host: str, close: str, reset: bool) -> None:
    proxy.misbehave(host, Conduct(close=close, reset=reset))  # type: ignore[arg-type]  # a Literal by parametrize
    with pytest.raises((ProxyError, ConnectionError, asyncio.IncompleteReadError, aiohttp.ClientError)):
        await fetch(proxy, f"http://{NAME}/")
    assert bool(proxy.requests) == (close != "greeting" or host != "*")


async def test_sends_garbage(proxy: Socks5Proxy) -> None:
    proxy.misbehave(NAME, Conduct(raw=b"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n\r\n"))
    with pytest.raises(ProxyError):
        await fetch(proxy, f"http://{NAME}/")


async def test_delays_and_drips(proxy: Socks5Proxy) -> None:
    proxy.misbehave(NAME, Conduct(delay_seconds=30))
    with pytest.raises(TimeoutError):
        await fetch(proxy, f"http://{NAME}/", total=0.2)
    proxy.misbehave(NAME, Conduct(drip_seconds=0.0001))
    assert await fetch(proxy, f"http://{NAME}/a") == f"hello from {NAME}/a"
    proxy.misbehave(NAME, Conduct(drip_seconds=5))
    with pytest.raises(TimeoutError):
        await fetch(proxy, f"http://{NAME}/", total=0.2)


async def test_cuts_what_the_service_sends(proxy: Socks5Proxy) -> None:
    proxy.misbehave(NAME, Conduct(cut_after=40, drip_seconds=0.0001))
    with pytest.raises(aiohttp.ClientError):
        await fetch(proxy, f"http://{NAME}/")


async def test_wants_credentials_if_told_to(service: tuple[str, int]) -> None:
    async with Socks5Proxy({NAME: service}, accept_anonymous=False) as proxy:
        with pytest.raises(ProxyError):
            await fetch(proxy, f"http://{NAME}/")
        assert await fetch(proxy, f"http://{NAME}/", login="a:b")


@pytest.mark.parametrize(
    ("request_bytes", "reply"),
    [(b"\5\2\0\1\x7f\0\0\1\0\x50", 7), (b"\5\3\0\1\x7f\0\0\1\0\x50", 7), (b"\5\1\0\2\0\0\0\0\0\0", 8)],
    ids=["bind", "udp", "no such address type"],
)
async def test_refuses_what_is_not_a_connect(proxy: Socks5Proxy, request_bytes: bytes, reply: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"\5\1\0" + request_bytes)
    assert (await reader.read())[2:4] == bytes([5, reply])
    writer.close()
    await writer.wait_closed()


async def test_a_dead_service_is_a_general_failure(proxy: Socks5Proxy) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy.route("dead.onion", unused.getsockname())
        with pytest.raises(ProxyError) as refusal:
            await fetch(proxy, "http://dead.onion/")
    assert refusal.value.error_code == 1


async def test_routes_change_while_it_runs(proxy: Socks5Proxy, service: tuple[str, int]) -> None:
    proxy.route("moved.onion", service)
    assert await fetch(proxy, "http://moved.onion/")
    proxy.unroute("moved.onion")
    with pytest.raises(ProxyError):
        await fetch(proxy, "http://moved.onion/")


async def test_is_dead_after_its_block_though_a_client_hangs_on(service: tuple[str, int]) -> None:
    async with Socks5Proxy({NAME: service}) as proxy:
        proxy.misbehave(NAME, Conduct(silent=True))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"\5\1\0\5\1\0\3" + bytes([len(NAME)]) + NAME.encode() + b"\0\x50")
        await reader.readexactly(2)
    with contextlib.suppress(ConnectionError):
        assert not await reader.read()
    writer.close()
    with pytest.raises(ProxyConnectionError):
        await fetch(proxy, f"http://{NAME}/")


async def test_hangs_up_on_what_is_open(proxy: Socks5Proxy) -> None:
    connector = ProxyConnector.from_url(proxy.url, rdns=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(2):
            await (await session.get(f"http://{NAME}/")).read()
        assert len(proxy.requests) == 1, "one connection, kept alive"
        proxy.hang_up("other.onion")
        proxy.hang_up(NAME)
        await (await session.get(f"http://{NAME}/")).read()
    assert len(proxy.requests) == 2


async def test_serves_hundreds_at_once(proxy: Socks5Proxy) -> None:
    connector = ProxyConnector.from_url(proxy.url, rdns=True, limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(number: int) -> str:
            async with session.get(f"http://{NAME}/{number}") as reply:
                return await reply.text()

        replies = await asyncio.gather(*(one(number) for number in range(300)))
    assert replies == [f"hello from {NAME}/{number}" for number in range(300)]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def old_server() -> Iterator[tuple[str, int]]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield ("127.0.0.1", server.server_port)
        server.shutdown()
        thread.join()


def test_serves_beside_code_that_is_not_asynchronous(old_server: tuple[str, int]) -> None:
    with (
        run_in_thread(Socks5Proxy({NAME: old_server})) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client,
    ):
        client.sendall(b"\5\1\0\5\1\0\3" + bytes([len(NAME)]) + NAME.encode() + b"\0\x50")
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = client.makefile("rb").read()
    assert answer.startswith(b"\5\0\5\0\0\1" + bytes(6) + b"HTTP/1.0 204")
    assert [request.host for request in proxy.requests] == [NAME]
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=1)


def test_what_goes_wrong_in_the_thread_is_told_to_the_caller() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError),
        run_in_thread(Socks5Proxy({}, port=taken.getsockname()[1])),
    ):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "watcher-testing"]


async def test_hanging_up_twice_is_once() -> None:
    """The second time the client has taken what was on its way, and asyncio has forgotten the connection."""
    size = 30_000_000  # more than the system holds between the two
    tasks: list[asyncio.Task[None]] = []

    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * size)
        writer.close()
        await writer.wait_closed()
        _abort(writer)

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(pour(writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        assert len(await reader.read()) == size
        await tasks[0]
        writer.close()
        await writer.wait_closed()
