"""Time-stamps of checkpoints: asked for through the proxy, checked against pinned roots, until they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from tests.evidence.authority import Authority
from tests.evidence.keeping import Keeping, open_keeping
from tests.evidence.story import KEY, OTHERS
from watcher.core import note
from watcher.edge.sign import SigningKey
from watcher.edge.timestamp import EVERY, Authorities, Stamper
from watcher.edge.verify import verify
from watcher.edge.verify_store import as_signed
from watcher.testing.socks5 import Conduct, Socks5Proxy

URL = "http://tsa.example/tsr"


@dataclass
class Service:
    """An authority behind HTTP, that can be told to misbehave."""

    authority: Authority
    status: int = 200
    body: bytes | None = None
    asked: list[bytes] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        query = await request.read()
        self.asked.append(query)
        assert request.content_type == "application/timestamp-query"
        body = self.authority.answer(query) if self.body is None else self.body
        return web.Response(status=self.status, body=body, content_type="application/timestamp-reply")


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[Socks5Proxy]:
    """The service under a name that only the proxy knows."""
    app = web.Application()
    app.router.add_post("/tsr", service.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with Socks5Proxy({"tsa.example": ("127.0.0.1", port)}) as proxy:
            yield proxy
    finally:
        await runner.cleanup()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


async def kept(folder: Path) -> Keeping:
    keeping = await open_keeping(folder)
    keeping.show(OTHERS)
    await keeping.look()
    return keeping


def stamper(keeping: Keeping, proxy: Socks5Proxy, roots: Path | None, key: SigningKey = KEY) -> Stamper:
    authorities = Authorities(urls=(URL,), roots=roots, proxies=(proxy.url,))
    return Stamper(keeping.store, authorities, key, keeping.clock)


async def test_a_checkpoint_is_stamped_and_the_store_verifies(tmp_path: Path, authority: Authority) -> None:
    service = Service(authority)
    async with serving(service) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 1
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 0, "no need to ask twice"
    assert [request.host for request in proxy.requests] == ["tsa.example"]
    results = {r.check: r for r in verify(tmp_path / "store", keys=[KEY.vkey], roots=authority.roots_path)}
    assert results["times"].ok, results["times"].detail
    assert results["times"].detail.startswith("1 time-stamps, the last of 20")


async def test_another_roots_word_does_not_count(tmp_path: Path, authority: Authority) -> None:
    impostor = Authority(tmp_path / "impostor")
    async with serving(Service(impostor)) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 0
            (stamp,) = await keeping.store.do(lambda desk: list(desk.ledger.stamps()))
    assert (stamp.state, stamp.token) == ("pending", b"")
    assert "certificate" in stamp.why


@pytest.mark.parametrize("trouble", ["away", "error", "rubbish", "another nonce", "huge", "no roots"])
async def test_what_does_not_come_is_asked_for_again_later_and_later(
    trouble: str, tmp_path: Path, authority: Authority
) -> None:
    service = Service(authority)
    async with serving(service) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            roots: Path | None = authority.roots_path
            match trouble:
                case "away":
                    proxy.misbehave("tsa.example", Conduct(code=0x05))
                case "error":
                    service.status = 503
                case "rubbish":
                    service.body = b"<html>"
                case "another nonce":
                    service.body = authority.stamp(b"something else")
                case "huge":
                    service.body = bytes(2_000_000)
                case "no roots":
                    roots = None
            asking = stamper(keeping, proxy, roots)
            waits = []
            for _ in range(4):
                assert await asking.flush() == 0
                (stamp,) = await keeping.store.do(lambda desk: list(desk.ledger.stamps()))
                assert stamp.state == "pending"
                assert stamp.why
                assert stamp.next_try is not None
                waits.append(stamp.next_try - keeping.clock.now())
                tries = len(service.asked)
                assert await asking.flush() == 0
                assert len(service.asked) == tries, "not before it is due"
                keeping.clock.turn(seconds=waits[-1].total_seconds())
            assert waits == sorted(set(waits))
            service.status, service.body = 200, None
            proxy.misbehave("tsa.example", Conduct())
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 1


async def test_one_an_hour_and_news_at_once(tmp_path: Path, authority: Authority) -> None:
    service = Service(authority)
    async with serving(service) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            asking = stamper(keeping, proxy, authority.roots_path)
            assert await asking.flush() == 1
            await keeping.look(minutes=5)
            assert await asking.flush() == 0
            asking.soon()
            assert await asking.flush() == 1
            await keeping.look(minutes=EVERY / timedelta(minutes=1))
            assert await asking.flush() == 1


async def test_a_witness_may_sign_after_the_time_stamp(tmp_path: Path, authority: Authority) -> None:
    """What is stamped is the head as first signed: lines that join later change nothing."""
    witness = note.Signature(name="witness.example/w", key_id=b"abcd", blob=bytes(72))
    async with serving(Service(authority)) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            assert await stamper(keeping, proxy, authority.roots_path).flush() == 1
            head = await keeping.store.do(lambda desk: list(desk.ledger.checkpoints())[-1])
            cosigned = note.with_signatures(note.parse(head.note.encode()), [witness])
            await keeping.store.checkpoint(head.size, str(cosigned))
            assert as_signed(str(cosigned), [KEY.verifier]) == head.note.encode()
    results = {r.check: r for r in verify(tmp_path / "store", keys=[KEY.vkey], roots=authority.roots_path)}
    assert results["times"].ok
    assert results["checkpoints"].ok
