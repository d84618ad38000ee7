"""Fetching over a SOCKS5 proxy from servers that send exactly what they are told to: bytes kept, dangers refused."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import aiohttp_socks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_http import FRAMINGS
from tests.edge.hostile import MIRROR, ONION, Server, behind_proxy, listening
from watcher.core.http import split
from watcher.core.reach import REDIRECTS
from watcher.edge import socks
from watcher.edge.fetch import MOST_HOPS, SocksFetcher
from watcher.errors import ProxyError
from watcher.ports import Ask
from watcher.records import MISS_VERDICTS, Exchange
from watcher.testing.socks5 import Conduct, Socks5Proxy

URL = f"http://{ONION}/list"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(url: str = URL, *, token: str = "clop", seconds: float = 10.0, headers: Mapping[str, str] | None = None) -> Ask:
    return Ask(url=url, mirror=URL, isolation=token, headers=headers or {}, timeout_seconds=seconds)


@asynccontextmanager
async def fetching(proxy: Socks5Proxy, **how: object) -> AsyncIterator[SocksFetcher]:
    hosts = [URL, f"http://{MIRROR}/", "http://leaks.example/"]
    async with SocksFetcher([proxy.url], hosts, **how) as fetcher:  # type: ignore[arg-type]
        yield fetcher


async def fetch_one(*answers: bytes | list[bytes | float], seconds: float = 10.0, **how: object) -> Exchange:
    """The one exchange that a fetch of a server with these answers ends in."""
    async with behind_proxy(*answers) as (_, proxy), fetching(proxy, **how) as fetcher:
        (exchange,) = await fetcher.fetch(ask(seconds=seconds))
        return exchange


# ------------------------------------------------------------------------------------------------- byte for byte


@pytest.mark.parametrize("name", FRAMINGS)
async def test_every_framing_is_kept_as_it_came(name: str) -> None:
    response, status, _, cut, _ = FRAMINGS[name]
    exchange = await fetch_one(response)
    assert exchange.response == response
    assert exchange.status == status
    assert bool(exchange.cut) == bool(cut and response)
    assert (exchange.verdict, exchange.why[:1]) == (
        ("", ()) if status else ("unreachable", ("closed",) if cut == "head" else ("bad-http",))
    )


async def test_a_response_in_single_bytes_is_kept_as_it_came() -> None:
    response = b"HTTP/1.1 103 Early Hints\r\n\r\n" + CHUNKED + b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"
    exchange = await fetch_one([part for byte in response for part in (bytes([byte]), 0.0)])
    assert (exchange.response, exchange.status, exchange.cut) == (response, 200, "")


async def test_a_large_body_is_kept_as_it_came() -> None:
    page = b"".join(b"%x\r\n%s\r\n" % (n, b"<li>" * (n // 4)) for n in range(4, 4000, 4)) + b"0\r\n\r\n"
    exchange = await fetch_one(CHUNKED + page)
    assert exchange.response == CHUNKED + page
    assert exchange.cut == ""


async def test_it_asks_as_tor_browser_does() -> None:
    async with behind_proxy(OK) as (server, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask())
    assert exchange.request == server.requests[0]
    assert exchange.request.decode() == (
        "GET /list HTTP/1.1\r\n"
        f"Host: {ONION}\r\n"
        "User-Agent: Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
        "Accept-Language: en-US,en;q=0.5\r\n"
        "Accept-Encoding: identity\r\n"
        "Sec-GPC: 1\r\n"
        "Connection: keep-alive\r\n"
        "Upgrade-Insecure-Requests: 1\r\n"
        "Sec-Fetch-Dest: document\r\n"
        "Sec-Fetch-Mode: navigate\r\n"
        "Sec-Fetch-Site: none\r\n"
        "Sec-Fetch-User: ?1\r\n"
        "Priority: u=0, i\r\n"
        "\r\n"
    )


async def test_plain_clearnet_gets_no_fetch_metadata() -> None:
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask("http://leaks.example/"))
    assert exchange.status == 200
    assert b"Sec-Fetch" not in exchange.request


async def test_a_sites_own_headers_stand_over_the_browsers() -> None:
    own = {"accept": "application/json", "X-Api": "7"}
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask(headers=own))
    lines = exchange.request.decode().split("\r\n")
    assert lines[3] == "Accept: application/json"
    assert lines[-3] == "X-Api: 7"


async def test_addresses_go_out_as_a_browser_would_send_them() -> None:
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask(f"http://{ONION}/a b/é?q=ü&x=%2F|[1]#part"))
    assert exchange.request.startswith(b"GET /a%20b/%C3%A9?q=%C3%BC&x=%2F|[1] HTTP/1.1\r\n")


async def test_no_cookie_is_kept() -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with behind_proxy(answer, close="keep") as (_, proxy), fetching(proxy) as fetcher:
        await fetcher.fetch(ask())
        (exchange,) = await fetcher.fetch(ask())
    assert b"cookie" not in exchange.request.lower()


async def test_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await fetch_one(OK)).status == 200


async def test_what_is_known_of_the_transport() -> None:
    exchange = await fetch_one(OK)
    assert exchange.isolation == "clop"
    assert exchange.requested_at.tzinfo is not None
    assert exchange.requested_at <= exchange.finished_at
    assert exchange.facts["socks_reply"] == "00"
    assert exchange.facts["socks_auth"] == "password"
    assert exchange.facts["clock_state"] in {"synchronised", "unsynchronised", "unknown"}
    assert float(exchange.facts["monotonic_start"]) <= float(exchange.facts["monotonic_end"])
    assert isinstance(exchange.facts["boot_id"], str)


def test_the_private_parts_that_the_line_stands_on() -> None:
    """aiohttp and aiohttp-socks are pinned for these."""
    assert list(inspect.signature(aiohttp_socks.ProxyConnector._connect_via_proxy).parameters) == [
        "self", "host", "port", "ssl", "timeout",
    ]  # fmt: skip
    assert list(inspect.signature(aiohttp.BaseConnector.connect).parameters) == ["self", "req", "traces", "timeout"]
    assert list(inspect.signature(aiohttp.BaseConnector._release).parameters) == [
        "self", "key", "protocol", "should_close",
    ]  # fmt: skip
    assert "proxy_headers_hash" in aiohttp.client_reqrep.ConnectionKey._fields
    assert "_retry_connection" in aiohttp.ClientSession.ATTRS


PIECES = (
    OK, CHUNKED, b"HTTP/1.1 200 OK\r\n", b"Content-Length: 3\r\n", b"Content-Length: 9\r\n",
    b"Transfer-Encoding: chunked\r\n", b"\r\n", b"\n", b"5\r\nhello\r\n", b"0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n",
    b"Content-Encoding: gzip\r\n", b"\x1f\x8b\x08", b"HTTP/1.1 204 N\r\n\r\n",
    b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=30)), max_size=6).map(b"".join))
def test_whatever_a_server_says_is_kept_and_judged(response: bytes) -> None:
    async def run() -> tuple[Exchange, ...]:
        async with behind_proxy(response) as (_, proxy), fetching(proxy) as fetcher:
            return await fetcher.fetch(ask())

    for exchange in asyncio.run(run()):
        assert (exchange.status is None) == (exchange.verdict in MISS_VERDICTS) == bool(exchange.why)
        assert response.startswith(exchange.response)
        if exchange.request and exchange.verdict != "refused-content":
            assert exchange.response == response


# ------------------------------------------------------------------------------------- connections and circuits


async def test_a_connection_is_used_again_and_bytes_stay_apart() -> None:
    other = OK.replace(b"hello", b"world")
    async with behind_proxy(OK, other, close="keep") as (server, proxy), fetching(proxy) as fetcher:
        (first,) = await fetcher.fetch(ask())
        (second,) = await fetcher.fetch(ask(f"http://{ONION}/more"))
    assert server.connections == len(proxy.requests) == 1
    assert (first.response, second.response) == (OK, other)
    assert second.request.startswith(b"GET /more ")
    assert [exchange.facts["exchanges_before"] for exchange in (first, second)] == [0, 1]
    assert second.facts["socks_reply"] == "00"


async def test_nobody_answers_before_he_is_asked() -> None:
    """A second response sent unasked would be taken for the answer to the next request."""
    forged = OK.replace(b"hello", b"FORGE")
    async with behind_proxy(OK, close="keep", after=forged) as (server, proxy), fetching(proxy) as fetcher:
        (first,) = await fetcher.fetch(ask())
        await asyncio.sleep(0.1)
        (second,) = await fetcher.fetch(ask())
    assert first.response == second.response == OK
    assert server.connections == 2


async def test_a_second_response_in_the_same_breath_is_not_the_next_answer() -> None:
    forged = OK.replace(b"hello", b"FORGE")
    async with behind_proxy(OK + forged, OK, close="keep") as (server, proxy), fetching(proxy) as fetcher:
        (first,) = await fetcher.fetch(ask())
        (second,) = await fetcher.fetch(ask())
    assert first.response == OK + forged
    assert split(first.response).payload == b"hello"
    assert first.cut == ""
    assert second.response == OK
    assert server.connections == 2


async def test_bytes_sent_before_the_request_are_kept() -> None:
    async with behind_proxy(OK, first=b"HTTP/1.1 102 Processing\r\n\r\n") as (_, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask())
    assert exchange.response == b"HTTP/1.1 102 Processing\r\n\r\n" + OK


async def test_a_kept_connection_that_the_site_closed_is_made_anew() -> None:
    async with behind_proxy(OK, None, OK, close="keep") as (server, proxy), fetching(proxy) as fetcher:
        await fetcher.fetch(ask())
        (exchange,) = await fetcher.fetch(ask())
    assert exchange.response == OK
    assert exchange.facts["exchanges_before"] == 0
    assert exchange.facts["asked_before_in_vain"] == 1
    assert (server.connections, len(server.requests)) == (2, 3)


async def test_a_new_connection_that_the_site_closes_is_a_miss() -> None:
    async with behind_proxy(None) as (server, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask())
    assert (exchange.status, exchange.verdict, exchange.why[0]) == (None, "unreachable", "closed")
    assert exchange.request.startswith(b"GET ")
    assert len(server.requests) == 1


async def test_each_token_has_its_own_circuit() -> None:
    async with behind_proxy(OK, close="keep") as (_, proxy), fetching(proxy) as fetcher:
        for token in ("clop", "lorenz", "clop", "", "clöp", "x" * 300):
            (exchange,) = await fetcher.fetch(ask(token=token))
            assert exchange.isolation == token
    users = [request.credentials for request in proxy.requests]
    assert users[:3] == [("clop", "watcher"), ("lorenz", "watcher"), None]
    assert len(set(users)) == 5
    assert all(user is None or (user[0] and user[1] and len(user[0]) <= 255) for user in users)


async def test_the_operators_own_credentials_go_first() -> None:
    async with behind_proxy(OK) as (_, proxy):
        url = proxy.url.replace("//", "//user%40home:pass%3Aword@").replace("socks5:", "socks5h:")
        async with SocksFetcher([url], [URL]) as fetcher:
            await fetcher.fetch(ask())
    assert proxy.requests[0].credentials == ("user@home", "pass:word")


async def test_the_proxy_gets_the_name() -> None:
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        await fetcher.fetch(ask(f"http://www.{ONION.upper()}:8080/"))
    assert [(request.host, request.port) for request in proxy.requests] == [(f"www.{ONION}", 8080)]


async def test_no_more_connections_are_kept_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socks, "MOST_IDLE", 3)
    async with behind_proxy(OK, close="keep") as (_, proxy), fetching(proxy) as fetcher:
        reused = []
        for _ in range(2):
            for number in range(6):
                (exchange,) = await fetcher.fetch(ask(token=f"site{number}"))
                reused.append(exchange.facts["exchanges_before"])
    assert reused == [0] * 6 + [1] * 3 + [0] * 3


async def test_few_connections_are_opened_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tor builds the circuits; one that waits for a slow site does not count for ever."""
    monkeypatch.setattr(socks, "OPENING", 3)
    monkeypatch.setattr(socks, "OPENING_SECONDS", 0.3)
    asked = asyncio.Semaphore(0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.release()
        await reader.read()
        writer.close()

    async def comes(count: int, seconds: float) -> int:
        came = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while came < count:
                    await asked.acquire()
                    came += 1
        return came

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"socks5://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with SocksFetcher([url], [URL], patience_seconds=20.0, a_host=9) as fetcher:
        tasks = [asyncio.create_task(fetcher.fetch(ask(token=f"site{number}"))) for number in range(7)]
        assert await comes(4, 0.2) == 3
        assert await comes(4, 10.0) == 4
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    listener.close()
    await listener.wait_closed()


async def test_many_slow_sites_at_once() -> None:
    async with behind_proxy([0.5, OK]) as (_, proxy), fetching(proxy, a_host=200) as fetcher:
        exchanges = await asyncio.gather(*(fetcher.fetch(ask(token=f"site{n}")) for n in range(200)))
    assert {exchange.status for (exchange,) in exchanges} == {200}
    assert len({request.username for request in proxy.requests}) == 200


async def test_one_circuit_used_by_many_at_once_keeps_them_apart() -> None:
    async with listening(Server([OK])) as server, Socks5Proxy({ONION: ("127.0.0.1", server.port)}) as proxy:

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                path = line.split()[1]
                while (await reader.readline()).strip():
                    pass
                await asyncio.sleep(0.01 * (len(path) % 3))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))

        server.serve = echo  # type: ignore[method-assign]
        async with fetching(proxy, a_host=100) as fetcher:
            paths = [f"/{'x' * (n % 7)}{n}" for n in range(100)]
            exchanges = await asyncio.gather(*(fetcher.fetch(ask(f"http://{ONION}{path}")) for path in paths))
            for path, (exchange,) in zip(paths, exchanges, strict=True):
                assert split(exchange.response).payload == path.encode()
                assert exchange.request.startswith(f"GET {path} ".encode())


# ------------------------------------------------------------------------------------------------------- misses


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 7, 8, 0x5B, *range(0xF0, 0xF8)])
async def test_socks_replies_are_told_by_number(code: int) -> None:
    async with behind_proxy(OK) as (server, proxy), fetching(proxy) as fetcher:
        proxy.misbehave(ONION, Conduct(code=code))
        (exchange,) = await fetcher.fetch(ask())
    assert exchange.status is None
    assert exchange.verdict == ("refused" if code == 2 else "unreachable")
    assert exchange.why[0] == f"socks:{code:02X}"
    assert len(exchange.why) == 2
    assert exchange.facts["socks_reply"] == f"{code:02X}"
    assert exchange.request == exchange.response == b""
    assert server.requests == []
    assert len(proxy.requests) == (2 if code in {1, 5} else 1)


@pytest.mark.parametrize("code", [1, 5])
async def test_a_worn_circuit_is_tried_again_on_a_fresh_one(code: int) -> None:
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        proxy.misbehave(ONION, Conduct(code=code), times=1)
        (exchange,) = await fetcher.fetch(ask())
    assert exchange.status == 200
    assert exchange.facts["socks_first_reply"] == f"{code:02X}"
    assert exchange.isolation.startswith("clop~")
    assert [request.username for request in proxy.requests] == ["clop", exchange.isolation]


async def test_a_proxy_that_never_reaches_the_site() -> None:
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        proxy.misbehave(ONION, Conduct(silent=True))
        (exchange,) = await fetcher.fetch(ask(seconds=0.3))
    assert (exchange.verdict, exchange.why[0]) == ("timeout", "connect-timeout")
    assert exchange.finished_at > exchange.requested_at


async def test_no_time_is_left() -> None:
    async with behind_proxy(OK) as (server, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask(seconds=0.0))
    assert (exchange.verdict, exchange.why[0]) == ("timeout", "connect-timeout")
    assert server.requests == []


async def test_dripped_headers_end_at_the_deadline() -> None:
    drip: list[bytes | float] = [b"HTTP/1.1 200 OK\r\nX: "]
    drip += [part for _ in range(1000) for part in (b"a", 0.02)]
    exchange = await fetch_one(drip, seconds=0.5)
    assert (exchange.status, exchange.verdict, exchange.why[0]) == (None, "timeout", "read-timeout")
    assert exchange.response.startswith(b"HTTP/1.1 200 OK\r\nX: aaa")
    assert exchange.cut == "deadline"


async def test_a_dripped_body_is_cut_at_the_deadline() -> None:
    drip: list[bytes | float] = [OK[:-5], *(part for _ in range(1000) for part in (b"", 0.02))]
    exchange = await fetch_one(drip, seconds=0.5)
    assert (exchange.status, exchange.verdict, exchange.cut) == (200, "", "deadline")
    assert exchange.response == OK[:-5]


@pytest.mark.parametrize(
    ("answer", "status", "verdict", "cut"),
    [
        (b"", None, "unreachable", ""),
        (b"HTTP/1.1 200 OK\r\nX", None, "unreachable", "reset"),
        (OK[:-2], 200, "", "reset"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", 200, "", "reset"),  # only the end of the connection could tell the end
        (CHUNKED + b"5\r\nhello\r\n", 200, "", "reset"),
        (OK, 200, "", ""),
    ],
)
async def test_resets(answer: bytes, status: int | None, verdict: str, cut: str) -> None:
    async with behind_proxy([answer, 0.05]) as (_, proxy), fetching(proxy) as fetcher:
        proxy.misbehave(ONION, Conduct(cut_after=max(1, len(answer)), reset=True))
        if not answer:
            proxy.misbehave(ONION, Conduct(close="reply", reset=True))
        (exchange,) = await fetcher.fetch(ask())
    assert (exchange.status, exchange.verdict, exchange.cut) == (status, verdict, cut)
    assert exchange.response == answer
    if verdict:
        assert exchange.why[0] in {"reset", "closed"}


async def test_a_proxy_that_hangs_up_in_place_of_a_reply() -> None:
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        proxy.misbehave(ONION, Conduct(close="request"))
        (exchange,) = await fetcher.fetch(ask())
        assert (exchange.verdict, exchange.why[0]) == ("unreachable", "socks:closed")


# ------------------------------------------------------------------------------------------------------- limits


async def test_a_body_beyond_the_limit_is_kept_up_to_it() -> None:
    endless = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 5_000] * 1000]
    exchange = await fetch_one(endless, max_body=100_000)
    assert (exchange.status, exchange.cut) == (200, "limit")
    assert len(split(exchange.response).payload) == 100_000


async def test_chunks_without_end_are_kept_up_to_the_limit() -> None:
    exchange = await fetch_one([CHUNKED, *[b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 1000], max_body=50_000)
    assert (exchange.status, exchange.cut) == (200, "limit")
    assert 40_000 < len(split(exchange.response).payload) <= 50_000


@pytest.mark.parametrize(
    "part",
    [b"X: " + b"y" * 997 + b"\r\n", b"y" * 1000, b"HTTP/1.1 102 Wait\r\n\r\n" * 50],
    ids=["many headers", "a long header", "interim responses"],
)
async def test_a_head_beyond_the_limit_ends_the_connection(part: bytes) -> None:
    start = b"" if part.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\nA: "
    async with behind_proxy([start, *[part, 0.001] * 2000]) as (server, proxy):
        async with fetching(proxy, max_header=20_000) as fetcher:
            (exchange,) = await fetcher.fetch(ask())
        assert (exchange.status, exchange.verdict) == (None, "unreachable")
        assert exchange.why[0] in {"head-limit", "bad-http"}  # aiohttp may be the first to have enough
        assert exchange.cut
        assert len(exchange.response) < 300_000
        assert server.sent < 2_000_000


async def test_a_large_head_within_the_limit_is_read() -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 300) for n in range(150))
    exchange = await fetch_one(OK.replace(b"Content-Type", lines + b"Content-Type", 1))
    assert (exchange.status, exchange.cut) == (200, "")


# ------------------------------------------------------------------------------------------------- not collected

ARCHIVE = b"PK\x03\x04" + b"stolen" * 1000


@pytest.mark.parametrize(
    ("head", "path", "word"),
    [
        (b"Content-Type: application/zip\r\n", "/x", "content:type:application/zip"),
        (b"Content-Type: text/html\r\nContent-Disposition: attachment\r\n", "/x", "content:attachment"),
        (b"Content-Type: text/html\r\n", "/acme.7z", "content:name:7z"),
        (b"Content-Type: text/html\r\nContent-Length: 99999999999\r\n", "/x", "content:size:99999999999"),
    ],
)
async def test_what_is_no_page_is_refused_at_the_head(head: bytes, path: str, word: str) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n"
    answer = [head, *[ARCHIVE, 0.001] * 5_000]
    async with behind_proxy(answer) as (server, proxy), fetching(proxy) as fetcher:
        (exchange,) = await fetcher.fetch(ask(f"http://{ONION}{path}"))
        await asyncio.sleep(0.1)
        assert server.sent < 5_000_000  # of 30 MB: the connection was closed
    assert (exchange.status, exchange.verdict, exchange.why[0]) == (None, "refused-content", word)
    assert exchange.response == head
    assert exchange.request.startswith(f"GET {path} ".encode())
    assert exchange.facts["status"] == 200


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_an_archive_without_a_type_is_refused_at_its_first_bytes(coding: str) -> None:
    import gzip

    body = gzip.compress(ARCHIVE) if coding == "gzip" else ARCHIVE
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    exchange = await fetch_one(head + body)
    assert (exchange.verdict, exchange.why[0]) == ("refused-content", "content:magic:zip")
    assert exchange.response == head
    assert exchange.facts["body_bytes_dropped"] == len(body)


# ------------------------------------------------------------------------------------------------------ redirects


def moved(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")


@pytest.mark.parametrize("status", sorted(REDIRECTS))
async def test_redirects_within_the_site_are_followed(status: int) -> None:
    async with behind_proxy(moved("/en/", status), OK, close="keep") as (server, proxy), fetching(proxy) as fetcher:
        hop, last = await fetcher.fetch(ask())
    assert (hop.url, hop.status, hop.response) == (URL, status, moved("/en/", status))
    assert (last.url, last.status, last.mirror) == (f"http://{ONION}/en/", 200, URL)
    assert [request.split(b" ")[1] for request in server.requests] == [b"/list", b"/en/"]


async def test_a_redirect_to_another_mirror_is_followed() -> None:
    async with behind_proxy(moved(f"http://{MIRROR}/"), OK) as (_, proxy), fetching(proxy) as fetcher:
        _, last = await fetcher.fetch(ask())
    assert last.status == 200
    assert [request.host for request in proxy.requests] == [ONION, MIRROR]


async def test_a_redirect_without_a_target_is_a_page() -> None:
    exchange = await fetch_one(b"HTTP/1.1 302 Moved\r\nContent-Length: 0\r\n\r\n")
    assert (exchange.status, exchange.verdict) == (302, "")


@pytest.mark.parametrize(
    ("location", "word", "url"),
    [
        ("https://leaks.example/", "redirect:clearnet", "https://leaks.example/"),
        ("http://127.0.0.1:9051/", "redirect:clearnet", "http://127.0.0.1:9051/"),
        ("//evil.example/x", "redirect:clearnet", "http://evil.example/x"),
        (f"http://{'c' * 55}d.onion/", "redirect:not-allowed", f"http://{'c' * 55}d.onion/"),
        ("javascript:alert(1)", "redirect:scheme", URL),
        ("file:///etc/passwd", "redirect:scheme", URL),
        (f"http://{ONION}@evil.example/", "redirect:credentials", URL),
    ],
)
async def test_redirects_that_lead_astray_end_there(location: str, word: str, url: str) -> None:
    async with behind_proxy(moved(location)) as (_, proxy), fetching(proxy) as fetcher:
        hop, last = await fetcher.fetch(ask())
    assert hop.status == 302
    assert (last.status, last.verdict, last.why[0], last.url) == (None, "refused", word, url)
    assert last.request == last.response == b""
    assert [request.host for request in proxy.requests] == [ONION]


async def test_clearnet_leads_to_nothing_private() -> None:
    async with behind_proxy(moved("http://192.168.0.1/")) as (_, proxy), fetching(proxy) as fetcher:
        *_, last = await fetcher.fetch(ask("http://leaks.example/"))
    assert last.why[0] == "redirect:private"
    assert [request.host for request in proxy.requests] == ["leaks.example"]


async def test_redirects_in_a_circle_end() -> None:
    async with behind_proxy(moved("/list"), close="keep") as (server, proxy), fetching(proxy) as fetcher:
        *hops, last = await fetcher.fetch(ask())
    assert len(hops) == len(server.requests) == MOST_HOPS + 1
    assert (last.verdict, last.why[0]) == ("refused", "redirect:too-many")


async def test_what_is_not_configured_is_not_asked() -> None:
    async with behind_proxy(OK) as (_, proxy), fetching(proxy) as fetcher:
        for url in ("http://evil.example/", "ftp://leaks.example/", "http://127.0.0.1/", "", "http://[::1"):
            (exchange,) = await fetcher.fetch(ask(url))
            assert exchange.verdict == "refused"
            assert exchange.why[0].startswith("address:")
        fetcher.allow(["http://evil.example/"])
        assert (await fetcher.fetch(ask()))[0].verdict == "refused"
    assert proxy.requests == []


async def test_a_deadline_is_for_the_redirects_together() -> None:
    answers = ([0.2, moved("/list")],)
    async with behind_proxy(*answers, close="keep") as (server, proxy), fetching(proxy) as fetcher:
        began = time.monotonic()
        *_, last = await fetcher.fetch(ask(seconds=0.5))
        assert time.monotonic() - began < 5
    assert last.verdict == "timeout"
    assert len(server.requests) <= 3


async def test_a_proxy_that_dies_while_a_site_is_asked_is_no_miss() -> None:
    """The connection breaks as it would if the site had hung up: only a look at the proxy tells them apart."""
    async with behind_proxy([30.0]) as (server, proxy), fetching(proxy) as fetcher:
        asking = asyncio.create_task(fetcher.fetch(ask()))
        await server.asked.wait()
        await proxy.stop()
        with pytest.raises(ProxyError, match="does not answer"):
            await asking


async def test_another_proxy_is_asked_when_one_dies() -> None:
    async with (
        listening(Server([[30.0], OK])) as server,
        Socks5Proxy({ONION: ("127.0.0.1", server.port)}) as one,
        Socks5Proxy({ONION: ("127.0.0.1", server.port)}) as two,
        SocksFetcher([one.url, two.url], [URL]) as fetcher,
    ):
        asking = asyncio.create_task(fetcher.fetch(ask()))
        await server.asked.wait()
        await (one if one.requests else two).stop()
        (exchange,) = await asking
        assert exchange.status == 200
        assert exchange.request.count(b"GET ") == 1


@pytest.mark.parametrize(
    "head",
    [
        b"X\x00: y\r\nContent-Type: application/zip\r\n",
        b"X y: z\r\nContent-Type: text/html\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: -5\r\n",
    ],
)
async def test_an_archive_behind_a_broken_head_is_not_kept(head: bytes) -> None:
    """aiohttp gives such a head up before anyone has looked at it."""
    head = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n"
    exchange = await fetch_one(head + ARCHIVE)
    assert (exchange.verdict, exchange.response) == ("refused-content", head)


async def test_an_archive_without_any_head_is_not_kept() -> None:
    exchange = await fetch_one(ARCHIVE)
    assert (exchange.verdict, exchange.why[0], exchange.response) == ("refused-content", "content:magic:zip", b"")
