"""Cosignatures by witnesses, after the C2SP protocol: a witness that keeps its rules, and some that do not."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from tests.evidence.keeping import Keeping, open_keeping
from tests.evidence.story import KEY, OTHERS
from tests.props.witness import cosign
from watcher.core import merkle, note
from watcher.edge.sign import check_signature
from watcher.edge.verify import verify
from watcher.edge.witness import Witness, Witnesses
from watcher.errors import EvidenceError
from watcher.testing.socks5 import Conduct, Socks5Proxy

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
NAME = "witness.example/w1"
WITNESS_KEY = note.VerifierKey(name=NAME, kind=note.COSIGNATURE_V1, public=SECRET.public_key().public_bytes_raw())
NOW = 1_763_000_000


@dataclass
class Server:
    """A witness that knows one log (c2sp.org/tlog-witness, add-checkpoint)."""

    size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    asked: list[int] = field(default_factory=list)
    """The old size that each question named."""
    forge: bool = False
    status: int = 0

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        body = await request.read()
        head, _, checkpoint = body.partition(b"\n\n")
        first, *proof = head.decode().split("\n")
        old = int(first.removeprefix("old "))
        self.asked.append(old)
        if self.status:
            return web.Response(status=self.status)
        signed = note.parse(checkpoint)
        note.verify(signed, KEY.verifier, check_signature)
        found = note.parse_checkpoint(signed)
        if old != self.size or (found.size == self.size and found.root != self.root):
            return web.Response(status=409, text=f"{self.size}\n", content_type="text/x.tlog.size")
        try:
            path = [base64.b64decode(line) for line in proof]
            merkle.verify_consistency(old, found.size, path, self.root, found.root)
        except EvidenceError:
            return web.Response(status=422)
        self.size, self.root = found.size, found.root
        sign = Ed25519PrivateKey.generate().sign if self.forge else SECRET.sign
        return web.Response(text=note.signature_line(cosign(signed.text, WITNESS_KEY, NOW, sign)))


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Socks5Proxy]:
    app = web.Application()
    app.router.add_post("/log/add-checkpoint", server.add_checkpoint)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with Socks5Proxy({"witness.example": ("127.0.0.1", runner.addresses[0][1])}) as proxy:
            yield proxy
    finally:
        await runner.cleanup()


async def kept(folder: Path) -> Keeping:
    keeping = await open_keeping(folder)
    keeping.show(OTHERS)
    await keeping.look()
    return keeping


def asking(keeping: Keeping, proxy: Socks5Proxy) -> Witnesses:
    witness = Witness(url="http://witness.example/log/", key=WITNESS_KEY)
    return Witnesses(keeping.store, [witness], KEY, (proxy.url,))


async def last(keeping: Keeping) -> note.Note:
    return await keeping.store.do(lambda desk: note.parse(list(desk.ledger.checkpoints())[-1].note.encode()))


async def test_checkpoints_are_cosigned_as_the_log_grows(tmp_path: Path) -> None:
    server = Server()
    async with serving(server) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            sizes = []
            for _ in range(3):
                assert await asking(keeping, proxy).flush() == 1
                assert await asking(keeping, proxy).flush() == 0, "it is cosigned already"
                assert note.verify_cosignature(await last(keeping), WITNESS_KEY, check_signature) == NOW
                note.verify(await last(keeping), KEY.verifier, check_signature)
                sizes.append(server.size)
                await keeping.look()
    assert server.asked == [0, *sizes[:-1]]
    assert [result for result in verify(tmp_path / "store", keys=[KEY.vkey]) if not result.ok] == []


async def test_a_witness_that_knows_more_than_we_remember_is_asked_again(tmp_path: Path) -> None:
    server = Server()
    async with serving(server) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            signed = note.parse_checkpoint(await last(keeping))
            server.size, server.root = signed.size, signed.root  # its answer was lost
            await keeping.look()
            assert await asking(keeping, proxy).flush() == 1
    assert server.asked == [0, signed.size]


@pytest.mark.parametrize("trouble", ["rolled back", "forked", "forged", "away", "error"])
async def test_what_does_not_hold_is_told_and_not_kept(trouble: str, tmp_path: Path) -> None:
    server = Server()
    async with serving(server) as proxy:
        keeping = await kept(tmp_path / "store")
        async with keeping.store:
            signed = note.parse_checkpoint(await last(keeping))
            match trouble:
                case "rolled back":
                    server.size, server.root = signed.size + 5, bytes(32)
                case "forked":
                    server.size, server.root = signed.size, bytes(32)
                case "forged":
                    server.forge = True
                case "away":
                    proxy.misbehave("witness.example", Conduct(code=0x04))
                case "error":
                    server.status = 404
            with capture_logs() as logs:
                assert await asking(keeping, proxy).flush() == 0
            assert len((await last(keeping)).signatures) == 1
    (told,) = logs
    assert told["event"] == "no cosignature"
    assert {"rolled back": "rolled back", "forked": "forked", "forged": "does not hold", "away": "", "error": "404"}[
        trouble
    ] in told["error"]
