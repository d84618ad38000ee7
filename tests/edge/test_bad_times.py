"""Clocks that jump, and authorities that lie or come late: what is put off is told all the same, and nobody is
believed for the asking."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.edge.receiver import alert
from tests.edge.test_apprise import NOW, flood, owe
from tests.edge.test_deliver import until
from tests.edge.test_receivers import TO, receiving
from tests.edge.test_timestamp import Service, kept, serving, stamper
from tests.edge.test_timestamp import authority as _authority
from tests.evidence.authority import Authority
from tests.evidence.keeping import Keeping
from tests.evidence.story import KEY
from watcher.core.checks import CheckResult
from watcher.edge import machine, post, tokens
from watcher.edge.deliver import Delivery
from watcher.edge.ledger import Stamp
from watcher.edge.machine import clock_facts, is_alive
from watcher.edge.notify import sinks
from watcher.edge.proxy import proxy_of
from watcher.edge.sign import create_key, load_key
from watcher.edge.store import LedgerStore
from watcher.edge.tend import Tending
from watcher.edge.verify import verify
from watcher.errors import EvidenceError, StoreFull
from watcher.testing.clocks import ManualClock
from watcher.testing.socks5 import Conduct

authority = _authority
YEARS = 4_000.0
"""Days."""


async def stamps(keeping: Keeping) -> list[Stamp]:
    return await keeping.store.do(lambda desk: list(desk.ledger.stamps()))


def times_of(store: Path, authority: Authority) -> CheckResult:
    return next(one for one in verify(store, keys=[KEY.vkey], roots=authority.roots_path) if one.check == "times")


# ------------------------------------------------------------------------------------------------- a clock set back


async def test_stamps_go_on_though_the_last_one_was_years_ahead(tmp_path: Path, authority: Authority) -> None:
    async with serving(Service(authority)) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            asking = stamper(keeping, proxy, authority.roots_path)
            keeping.clock.turn(days=YEARS)
            await keeping.look()
            assert await asking.flush() == 1
            keeping.clock.turn(days=-YEARS)
            await keeping.look()
            assert await asking.flush() == 1
            assert [one.state for one in await stamps(keeping)] == ["stamped"] * 2


async def test_a_stamp_put_off_while_the_clock_was_years_ahead_is_asked_for_soon(
    tmp_path: Path, authority: Authority
) -> None:
    """And what is put off for its hours, is put off still."""
    service = Service(authority, status=503)
    async with serving(service) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            keeping.clock.turn(days=YEARS)
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 0
            keeping.clock.turn(days=-YEARS)
            for asked in (2, 2):  # the second time it waits
                assert await stamper(keeping, proxy, authority.roots_path).flush() == 0
                assert len(service.asked) == asked
            service.status = 200
            keeping.clock.turn(hours=6)
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 1


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("rhythm", "wait"), [("digest", timedelta(days=3)), ("quiet", timedelta(hours=10))])
async def test_what_was_held_back_while_the_clock_was_years_ahead_is_told(
    tmp_path: Path, rhythm: str, wait: timedelta, restarted: bool
) -> None:
    """By its digest or its night; and what is held back by a clock that is right waits for its time."""
    digest = timedelta(days=3) if rhythm == "digest" else None
    quiet = None if digest else (NOW.time(), (NOW + timedelta(hours=9)).time())
    settings, clock = alert(to=TO, digest=digest, quiet=quiet), ManualClock(NOW)
    async with receiving() as made, LedgerStore.open(tmp_path / "s", vantage="alpha", now=clock.now) as store:

        async def begun() -> Delivery:
            path = tmp_path / "key"
            delivery = Delivery(store, load_key(path) if path.exists() else create_key(path, "alpha"), clock)
            await delivery.use(sinks([settings], proxies=[proxy_of(made.proxy.url)]))
            return delivery

        clock.turn(days=YEARS)
        await owe(store, settings, *flood(3))
        delivery = await begun()
        await delivery.flush()
        assert made.asked == []
        clock.turn(days=-YEARS)
        if restarted:
            await delivery.dismiss()
            delivery = await begun()
        for _ in range(2):
            await delivery.flush()
            clock.turn(seconds=wait.total_seconds())
        assert [sum(one.id in asked["message"] for _, asked in made.asked) for one in flood(3)] == [1, 1, 1]
        clock.turn(days=-YEARS)
        await delivery.flush()
        await delivery.dismiss()
    assert len(made.asked) == 1


# ------------------------------------------------------------------------------------------ authorities that lie


def test_a_token_that_was_tampered_with_says_nothing_else(authority: Authority) -> None:
    """Wherever it was changed, cut or stuffed: its own time, if that is all signed for still, or a fault."""
    request, roots = tokens.ask_for(b"head"), tokens.load_roots(authority.roots, source="")
    token = authority.answer(request.as_bytes())
    at, dice, faults = tokens.verify(token, b"head", roots, nonce=request.nonce), random.Random(3), 0
    for _ in range(1_500):
        bad, place = bytearray(token), dice.randrange(len(token))
        match dice.randrange(4):
            case 0:
                bad[place] ^= 1 << dice.randrange(8)
            case 1:
                bad[place] = dice.randrange(256)
            case 2:
                del bad[place : place + dice.randrange(1, 30)]
            case _:
                bad[place:place] = dice.randbytes(dice.randrange(1, 30))
        try:
            assert tokens.verify(bytes(bad), b"head", roots, nonce=request.nonce) == at
        except EvidenceError:
            faults += 1
    assert faults > 1_000


async def lies(kind: str, service: Service, authority: Authority, tmp_path: Path) -> None:
    """Let the service answer so from now on."""
    asked = tokens.ask_for(b"another head").as_bytes()
    match kind:
        case "over another head":
            service.body = authority.answer(asked)
        case "by another of that name":
            service.authority = Authority(tmp_path / "other")
        case "a refusal":
            service.body = bytes.fromhex("30053003020102")
        case "an empty token":
            service.body = b""
        case "its roots for a token":
            service.body = authority.roots


@pytest.mark.parametrize(
    "kind", ["over another head", "by another of that name", "a refusal", "an empty token", "its roots for a token"]
)
async def test_an_authority_that_lies_is_not_believed(kind: str, tmp_path: Path, authority: Authority) -> None:
    """The store keeps nothing of it, verifies, and asks again; the truth is taken then."""
    service = Service(authority)
    async with serving(service) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            await lies(kind, service, authority, tmp_path)
            with capture_logs() as logs:
                assert await stamper(keeping, proxy, authority.roots_path).flush() == 0
            (one,) = await stamps(keeping)
            assert (one.state, one.token, bool(one.why)) == ("pending", b"", True)
            assert [told["error"] for told in logs if told["event"] == "no time-stamp"] == [one.why]
            service.authority, service.body = authority, None
            keeping.clock.turn(minutes=2)
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 1
    assert times_of(tmp_path / "store", authority).ok


async def test_an_authority_that_is_late_stamps_what_it_was_asked_for(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs while the log grows; then every head that was asked for has its token, the old one too."""
    monkeypatch.setattr(post, "SECONDS", 0.3)
    async with serving(Service(authority)) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            asking = stamper(keeping, proxy, authority.roots_path)
            proxy.misbehave("tsa.example", Conduct(silent=True))
            assert await asking.flush() == 0
            await keeping.look(minutes=90)
            assert await asking.flush() == 0
            assert [one.state for one in await stamps(keeping)] == ["pending"] * 2
            proxy.misbehave("tsa.example", Conduct())
            monkeypatch.setattr(post, "SECONDS", 30)
            keeping.clock.turn(hours=1)
            assert await asking.flush() == 2
    times = times_of(tmp_path / "store", authority)
    assert (times.ok, times.detail.partition(",")[0]) == (True, "2 time-stamps")


# ------------------------------------------------------------------------------------------- upkeep, and the machine


class Upkeep:
    """One of the things that are tended; it fails as told."""

    def __init__(self) -> None:
        self.rounds, self.trouble, self.urgent, self.fetching = 0, False, 0, False

    async def flush(self) -> None:
        self.rounds += 1
        if self.trouble:
            raise StoreFull("no room left to write in x", hint="make room")

    def soon(self) -> None:
        self.urgent += 1

    async def run(self) -> None:
        self.fetching = True
        try:
            await asyncio.Event().wait()
        finally:
            self.fetching = False


async def test_trouble_with_the_store_does_not_end_the_upkeep(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, the next round comes, and news wakes it at once."""
    monkeypatch.setattr("watcher.edge.tend.IDLE_SECONDS", 0.01)

    async def nothing_left(_: object) -> None:
        pass

    monkeypatch.setattr("watcher.edge.acts.take_in", nothing_left)
    stamper_, witnesses, descriptors = Upkeep(), Upkeep(), Upkeep()
    stamper_.trouble = True
    parts: Any = None, stamper_, witnesses, descriptors
    tending = Tending(*parts)
    with capture_logs() as logs:
        running = asyncio.create_task(tending.run())
        await until(lambda: stamper_.rounds >= 4)
        assert witnesses.rounds == 0
        stamper_.trouble = False
        await until(lambda: witnesses.rounds >= 1)
        rounds = stamper_.rounds
        await until(lambda: stamper_.rounds >= rounds + 3)
        assert (witnesses.rounds, descriptors.fetching) == (1, True)
        tending.soon()
        await until(lambda: witnesses.rounds >= 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (stamper_.urgent, descriptors.fetching) == (1, False)
    assert {(one["event"], one["mend"]) for one in logs} == {("store trouble", "make room")}


class Library:
    """A C library that answers adjtimex(2) so."""

    def __init__(self, state: int, error: int = 0) -> None:
        self._state, self._error = state, error

    def adjtimex(self, timex: Any) -> int:
        timex._obj.maxerror = self._error
        return self._state


@pytest.mark.parametrize(
    ("library", "facts"),
    [
        (Library(0, 1500), {"clock_state": "synchronised", "clock_max_error_microseconds": 1500}),
        (Library(4, 9), {"clock_state": "synchronised", "clock_max_error_microseconds": 9}),
        (Library(5, 16_000_000), {"clock_state": "unsynchronised", "clock_max_error_microseconds": 16_000_000}),
        (Library(-1), {"clock_state": "unknown"}),
        (object(), {"clock_state": "unknown"}),
    ],
)
def test_what_the_kernel_says_of_its_clock(
    library: Any, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked once a second, and each who asks gets facts of his own."""
    monkeypatch.setattr(machine, "_asked", [0.0, {}])
    monkeypatch.setattr(machine, "_c_library", lambda: library)
    first = clock_facts()
    assert first == facts
    first["clock_state"] = "changed by a capture"
    monkeypatch.setattr(machine, "_c_library", lambda: Library(0, 1))
    assert clock_facts() == facts
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.0)
    assert clock_facts() == {"clock_state": "synchronised", "clock_max_error_microseconds": 1}


@pytest.mark.parametrize("pid", [0, -1, 2**31, 10**30])
def test_what_is_no_process_is_not_alive(pid: int) -> None:
    """A file may say anything; -1 and 0 are names of many processes."""
    assert not is_alive(pid)
