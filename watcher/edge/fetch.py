"""Pages fetched through the SOCKS proxy, as Tor Browser would ask for them, kept byte for byte.

What a site or the network does is never an exception here: it is an ``Exchange`` that says what happened.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

import aiohttp
from yarl import URL

from watcher.core.coding import decode
from watcher.core.ending import Ending, How, judge
from watcher.core.http import header, parse_head, split
from watcher.core.onion import is_onion
from watcher.core.reach import (
    REDIRECTS,
    Refusal,
    follow,
    host_of,
    hosts_of,
    may_ask,
    refuse_content,
    refuse_start,
    wire_address,
)
from watcher.edge.ceilings import A_HOST, Flow, Hosts
from watcher.edge.machine import boot_id, clock_facts
from watcher.edge.proxy import Health, Proxy, Unreached, check, check_proxy, proxy_of, resolve
from watcher.edge.socks import ROUTE, Route, as_browsers_do, no_questions, session
from watcher.edge.tap import Tape
from watcher.errors import ProxyError
from watcher.ports import Ask, Clock
from watcher.records import Exchange

__all__ = ["SocksFetcher", "check_proxy"]

MOST_HOPS = 5
"""Redirects that are followed."""
TRY_AGAIN = frozenset({0x01, 0x05})
"""Replies of a circuit that has grown old, as well as of a site that is down: a fresh circuit tells them apart."""
LARGE, LARGE_AT_ONCE = 2 << 20, 1
"""Bytes of an answer from which on it waits for its turn to grow, and how many grow so: they are held in memory."""
_REFUSED_BY_RULE = 0x02
_HUNG_UP = {("closed",), ("reset",)}
"""Why of an exchange that brought nothing, and may have ended because the proxy did."""
_A_START = 4096
"""So much of a body tells what it is, coded and framed as it may be."""

_BROWSER = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "identity",
    "Sec-GPC": "1",
    "Connection": "keep-alive",
    "Upgrade-Insecure-Requests": "1",
}
"""What Tor Browser 15 (Firefox ESR 140) sends when an address is typed in, in its order; but for Accept-Encoding:
bodies as they are share bytes between versions, show where they were cut, and cannot be bombs."""
_SECURE = {
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}
"""What it adds for https and onions."""
_LAST = {"Priority": "u=0, i"}


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class _Gateway:
    """A proxy and how it does."""

    proxy: Proxy
    health: Health
    dead: bool = False


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One exchange as it goes on."""

    address: str
    """As it goes over the wire."""
    token: str
    tape: Tape
    deadline: float
    """On the loop's clock."""
    refusal: Refusal | None = None
    """Why its content is not collected."""
    response: bytes = b""
    """All that came, once it is over; the tape holds it no more."""


class Held:
    """Who asks for something keeps the turn that a large answer took until it is on the disk, and then gives it back:
    else large answers pile up before a store that is busy."""

    def __init__(self) -> None:
        self.turn: Callable[[], None] | None = None

    def give_back(self) -> None:
        if self.turn is not None:
            self.turn()


HELD: ContextVar[Held | None] = ContextVar("HELD", default=None)


class SocksFetcher:
    """``watcher.ports.Fetcher`` over SOCKS5 proxies, while its ``async with`` block lasts."""

    def __init__(
        self,
        proxies: Sequence[str],
        allowed_hosts: Iterable[str],
        *,
        max_body: int = 16 * 1024 * 1024,
        max_header: int = 64 * 1024,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        patience_seconds: float | None = None,
        usable: Callable[[Proxy], None] = lambda _: None,
        flow: Flow | None = None,
        a_host: int = A_HOST,
    ) -> None:
        """``proxies``: addresses, shared out among the isolation tokens; when one does not answer, the next is asked.
        ``allowed_hosts``: the only hosts (or addresses) that are ever asked, redirects included; of an onion, its
        subdomains too. ``tls``: what clearnet certificates are checked by (default: as browsers do); an onion's
        address vouches for itself. ``patience_seconds``: what a proxy may take to say who it is. ``usable``: raises
        ProxyError for a proxy that must not be asked now. ``flow``: the ceiling on what comes in; ``a_host``: exchanges
        with one host at a time."""
        self._addresses = tuple(proxies)
        self._max_body, self._max_header = max_body, max_header
        self._clock: Clock = clock or _SystemClock()
        self._tls = tls
        self._usable = usable
        self._patience = patience_seconds or max(1.0, 4.0 / max(1, len(self._addresses)))
        self._gateways: tuple[_Gateway, ...] = ()
        self._session: aiohttp.ClientSession | None = None
        self._flow, self._hosts = flow or Flow(), Hosts(a_host)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self.allow(allowed_hosts)

    def allow(self, hosts: Iterable[str]) -> None:
        """From now on these hosts (or addresses) may be asked, and no others."""
        self._allowed = hosts_of(hosts)

    async def __aenter__(self) -> SocksFetcher:
        proxies = [await resolve(proxy_of(address)) for address in self._addresses]
        self._gateways = tuple(_Gateway(proxy=proxy, health=Health(self._patience)) for proxy in proxies)
        self._session = session(self._may_reach, self._max_header, self._flow)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    @property
    def proxies(self) -> tuple[tuple[str, int], ...]:
        """Where the proxies are, in numbers: all that the guard has to let through."""
        return tuple((gateway.proxy.host, gateway.proxy.port) for gateway in self._gateways)

    async def fetch(self, ask: Ask) -> tuple[Exchange, ...]:
        """The redirects followed and, last, the final exchange. ProxyError only if no proxy can be used."""
        deadline = asyncio.get_running_loop().time() + ask.timeout_seconds
        url, exchanges = ask.url, list[Exchange]()
        refusal = may_ask(url, self._allowed)
        while refusal is None:
            async with self._hosts.turn(host_of(url), deadline):
                exchange = await self._exchange(ask, url, deadline)
            exchanges.append(exchange)
            head = parse_head(split(exchange.response).head) if exchange.status in REDIRECTS else None
            location = header(head.headers, "location") if head else ""
            if not location:
                return tuple(exchanges)
            target = follow(wire_address(url), location, self._allowed)
            if isinstance(target, str) and len(exchanges) > MOST_HOPS:
                target = Refusal("redirect:too-many", f"no more than {MOST_HOPS} redirects are followed", target)
            if isinstance(target, str):
                url = target
            else:
                refusal, url = target, target.address or url
        now = self._clock.now()
        refused = Exchange(
            url=url, mirror=ask.mirror, requested_at=now, finished_at=now, verdict="refused", why=refusal.why
        )
        return (*exchanges, refused)

    # ------------------------------------------------------------------------------------------------ one exchange

    async def _exchange(self, ask: Ask, url: str, deadline: float) -> Exchange:
        """One request and its answer; asked once more on a fresh circuit if this one looks worn out."""
        first = await self._try(ask, url, ask.isolation, deadline)
        code = first.facts.get("socks_reply", "")
        if code not in {f"{reply:02X}" for reply in TRY_AGAIN}:
            return first
        fresh = ask.isolation and f"{ask.isolation}~{secrets.token_hex(4)}"
        return await self._try(ask, url, fresh, deadline, {"socks_first_reply": code})

    async def _try(
        self, ask: Ask, url: str, token: str, deadline: float, facts: Mapping[str, str | int | float] | None = None
    ) -> Exchange:
        """One request over one circuit, and its answer."""
        requested_at, start = self._clock.now(), time.monotonic()
        attempt = self._attempt(url, token, deadline)
        ending = await self._run(attempt, ask.headers)
        if attempt.tape.reused and not attempt.response and ending.why[:1] in {("closed",), ("reset",)}:
            # the site had closed the connection that was kept: it never saw this request
            attempt = self._attempt(url, token, deadline, fresh=True)
            ending = await self._run(attempt, ask.headers)
            attempt.tape.facts["asked_before_in_vain"] = 1
        tape, response = attempt.tape, attempt.response
        known: dict[str, str | int | float] = {**(facts or {}), **tape.facts, **clock_facts()}
        if attempt.refusal is not None:
            head = response[: max(0, tape.head_end)]
            known |= {"status": ending.status or 0, "body_bytes_dropped": len(response) - len(head)}
            ending, response = Ending(verdict="refused-content", why=attempt.refusal.why), head
        return Exchange(
            url=url,
            mirror=ask.mirror,
            request=bytes(tape.sent),
            response=response,
            requested_at=requested_at,
            finished_at=self._clock.now(),
            status=ending.status,
            verdict=ending.verdict,
            why=ending.why,
            cut=ending.cut,
            isolation=token,
            facts=known | {"monotonic_start": start, "monotonic_end": time.monotonic(), "boot_id": boot_id()},
        )

    def _attempt(self, url: str, token: str, deadline: float, *, fresh: bool = False) -> _Attempt:
        return _Attempt(address=wire_address(url), token=token, tape=self._tape(fresh=fresh), deadline=deadline)

    def _tape(self, *, fresh: bool) -> Tape:
        return Tape(max_header=self._max_header, max_body=self._max_body, fresh=fresh)

    async def _run(self, attempt: _Attempt, headers: Mapping[str, str]) -> Ending:
        """How an attempt ends, over the first proxy that can be used."""
        mine = zlib.crc32(attempt.token.encode()) % max(1, len(self._gateways))
        gateways = sorted(self._gateways[mine:] + self._gateways[:mine], key=lambda gateway: gateway.dead)
        fault = ProxyError("there is no proxy", hint="write its address under [proxy] url")
        for gateway in gateways:
            try:
                ending = await self._run_over(gateway, attempt, headers)
            except ProxyError as error:
                gateway.dead, fault = True, error
                attempt.tape = self._tape(fresh=attempt.tape.fresh)  # what went to this proxy was never asked
                continue
            gateway.dead = False
            return ending
        raise fault

    async def _run_over(self, gateway: _Gateway, attempt: _Attempt, headers: Mapping[str, str]) -> Ending:
        self._usable(gateway.proxy)
        tape = attempt.tape
        how: How | None = None
        ROUTE.set(Route(gateway.proxy, gateway.health, attempt.token, tape))
        try:
            async with asyncio.timeout_at(attempt.deadline):
                await self._talk(attempt, headers)
        except TimeoutError:
            if not tape.connected:
                return Ending(verdict="timeout", why=("connect-timeout", "the site was not reached in time"))
            how = "deadline"
        except Unreached as error:
            return await self._missed(gateway, attempt, error)
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError):
            # aiohttp's opinion; it takes a reset for the end of a body, too. The tape knows
            attempt.refusal = attempt.refusal or self._refused(attempt)
        finally:
            tape.stop()
        attempt.response, tape.received = bytes(tape.received), bytearray()  # timers of a connection may hold the tape
        ending = judge(split(attempt.response), how or _how_it_ended(tape))
        if not attempt.response and ending.why[:1] in _HUNG_UP:
            await self._still_there(gateway)
        return ending

    async def _talk(self, attempt: _Attempt, headers: Mapping[str, str]) -> None:
        """Ask, look at the head, and read the body to its end unless it is not to be collected."""
        assert self._session is not None, "a fetcher is used within its `async with` block"
        address, tape = attempt.address, attempt.tape
        async with self._session.get(
            URL(address, encoded=True),
            headers=_headers(address, headers),
            allow_redirects=False,
            ssl=self._trust(address),
        ) as response:
            head = tape.head
            if head is not None:
                attempt.refusal = refuse_content(address, head.status, head.headers, self._max_body)
            begun = large = False
            held = HELD.get()
            try:
                while attempt.refusal is None and await response.content.readany():
                    if not begun:
                        begun = True
                        attempt.refusal = _refused_by_its_start(tape)
                    if not large and len(tape.received) > LARGE:
                        large = not (held and held.turn) and await self._large.acquire()  # no more comes meanwhile
            finally:
                if large and held:
                    held.turn = self._large.release
                elif large:
                    self._large.release()
            if attempt.refusal is not None:
                response.close()

    def _trust(self, address: str) -> ssl.SSLContext | bool:
        """Whose certificates are taken there, where there are any."""
        if not address.startswith("https:"):
            return True
        return no_questions() if is_onion(host_of(address)) else self._tls or as_browsers_do()

    def _refused(self, attempt: _Attempt) -> Refusal | None:
        """Why what came is not to be kept, where aiohttp gave up before anyone had looked at it."""
        tape = attempt.tape
        head, start = tape.head, bytes(tape.received[: max(0, tape.head_end) + _A_START])
        if head is None:
            return refuse_start(start)
        return (
            refuse_content(attempt.address, head.status, head.headers, self._max_body)
            or _refused_by_its_start(tape)
            or refuse_start(start[tape.head_end :])  # where the framing is the lie
        )

    async def _missed(self, gateway: _Gateway, attempt: _Attempt, error: Unreached) -> Ending:
        """What an unreached site is. ProxyError if it is the proxy that went away."""
        if error.word in {"socks:closed", "tls:closed"}:
            await self._still_there(gateway)
        if error.code is not None:
            attempt.tape.facts["socks_reply"] = f"{error.code:02X}"
        verdict = "refused" if error.code == _REFUSED_BY_RULE else "unreachable"
        return Ending(verdict=verdict, why=(error.word, str(error)))

    async def _still_there(self, gateway: _Gateway) -> None:
        """ProxyError if the connection ended because the proxy did."""
        self._usable(gateway.proxy)
        await check(gateway.proxy, gateway.health)

    def _may_reach(self, host: str) -> bool:
        return may_ask(f"http://{f'[{host}]' if ':' in host else host}/", self._allowed) is None


def _refused_by_its_start(tape: Tape) -> Refusal | None:
    """Why the first bytes of a body, without framing and coding, make it something that is not collected."""
    start = split(bytes(tape.received[: tape.head_end + _A_START])).payload
    return refuse_start(decode(start, tape.head.headers if tape.head else (), 512).body)


def _how_it_ended(tape: Tape) -> How:
    """How a transfer ended that was not ended by our deadline."""
    if tape.limit:
        return "head-limit" if tape.limit == "head" else "limit"
    if tape.lost is not None:
        return "reset"
    return "closed" if tape.ended else "left"


def _headers(address: str, own: Mapping[str, str]) -> dict[str, str]:
    """Tor Browser's headers in its order, with the site's own in their places or behind them."""
    secure = address.startswith("https:") or is_onion(host_of(address))
    headers = _BROWSER | (_SECURE if secure else {}) | _LAST
    names = {name.lower(): name for name in headers}
    return headers | {names.get(name.lower(), name): value for name, value in own.items()}
