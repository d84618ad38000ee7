"""A request of our own through the SOCKS proxy: to time-stamp authorities and witnesses, never to a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyTimeoutError
from aiohttp_socks import ProxyError as SocksError

from watcher.edge.proxy import Proxy, credentials_for, proxy_of, resolve
from watcher.errors import ProxyError, WatcherError

MOST_BYTES = 1 << 20
SECONDS = 60.0


class NotAnswered(WatcherError):  # noqa: N818 - the name says what happened
    """The other end did not answer, or said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


async def post(url: str, body: bytes, content_type: str, *, proxies: Sequence[str], token: str) -> Answer:
    """The answer to a POST, over the first proxy that works. ``NotAnswered`` if there is none; names are resolved by
    the proxy, redirects are not followed."""
    trouble: Exception = NotAnswered("no proxy is configured")
    for one in proxies:
        try:
            return await _over(await resolve(proxy_of(one)), url, body, content_type, token)
        except ProxyError as error:
            trouble = error
    raise NotAnswered(str(trouble)) from trouble


async def _over(proxy: Proxy, url: str, body: bytes, content_type: str, token: str) -> Answer:
    user, password = credentials_for(proxy, token)
    connector = ProxyConnector(host=proxy.host, port=proxy.port, username=user, password=password, rdns=True)
    timeout = aiohttp.ClientTimeout(total=SECONDS, sock_connect=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
            session.post(
                url, data=body, allow_redirects=False, headers={"Content-Type": content_type, "User-Agent": "watcher"}
            ) as response,
        ):
            found = await response.content.read(MOST_BYTES + 1)
            while len(found) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES)):
                found += more
    except ProxyConnectionError as error:  # none of the library's own ProxyErrors, and no OSError
        raise ProxyError(f"the proxy {proxy.name} does not answer", hint="is it running?") from error
    except (aiohttp.ClientError, SocksError, ProxyTimeoutError, TimeoutError, EOFError, OSError, ValueError) as error:
        raise NotAnswered(f"{type(error).__name__}: {error}"[:300]) from error
    if len(found) > MOST_BYTES:
        raise NotAnswered(f"more than {MOST_BYTES} bytes came back")
    return Answer(status=response.status, body=found)
