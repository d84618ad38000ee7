"""What a tor's control port says while a descriptor is asked for: other services' news, quoting, failures, floods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.evidence.keeping import open_keeping
from watcher.core import onion_descriptor
from watcher.edge.descriptor import Descriptors, fetch
from watcher.errors import EvidenceError, StoreError
from watcher.testing.clocks import ManualClock

NAME = "a" * 56
ONION = f"{NAME}.onion"
FAILED = f"650 HS_DESC FAILED {NAME} NO_AUTH $relay REASON=NOT_FOUND"


@asynccontextmanager
async def saying(lines: Sequence[str], asked: list[str] | None = None) -> AsyncIterator[tuple[str, int]]:
    """A control port that lets everyone ask, and says these lines once a descriptor is asked for."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().strip():
            if asked is not None:
                asked.append(line)
            answer = "250 OK\r\n"
            if line.startswith("PROTOCOLINFO"):
                answer = '250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n'
            elif line.startswith("HSFETCH"):
                answer += "".join(f"{one}\r\n" for one in lines)
            writer.write(answer.encode())
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


async def test_the_text_comes_without_tors_quoting_and_is_nobody_elses() -> None:
    asked: list[str] = []
    others = [
        f"650+HS_DESC_CONTENT {'b' * 56} x $relay",
        "hs-descriptor 3",
        ".",
        "650 OK",
        f"650 HS_DESC FAILED {'b' * 56} NO_AUTH $relay REASON=NOT_FOUND",
        f"650 HS_DESC RECEIVED {NAME} NO_AUTH $relay",
    ]
    nothing = [f"650+HS_DESC_CONTENT {NAME} x $relay", ".", "650 OK"]
    lines = [*others * 7, *nothing, f"650+HS_DESC_CONTENT {NAME} x $relay", "hs-descriptor 3", "..dotted", "", "."]
    async with saying([*lines, "650 OK"], asked) as (host, port):
        assert await fetch(host, port, ONION) == b"hs-descriptor 3\n.dotted\n\n"
    assert asked[-2:] == ["SETEVENTS HS_DESC HS_DESC_CONTENT", f"HSFETCH {NAME}"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([FAILED] * 6, "tor found no descriptor of this service"),
        (
            [f"650+HS_DESC_CONTENT {NAME} x $relay", *["x" * 4000] * (onion_descriptor.MOST_BYTES // 4000 + 1)],
            "tor gives a descriptor that is too long",
        ),
    ],
)
async def test_what_does_not_come_or_never_ends(lines: list[str], says: str) -> None:
    async with saying(lines) as (host, port):
        with pytest.raises(EvidenceError, match=says):
            await fetch(host, port, ONION)


async def test_fewer_failures_than_there_are_directories_are_not_the_end() -> None:
    async with saying([*[FAILED] * 5, f"650+HS_DESC_CONTENT {NAME} x $relay", "here", "."]) as (host, port):
        assert await fetch(host, port, ONION) == b"here\n"


async def test_a_false_descriptor_is_told_and_not_kept_and_not_asked_for_again_at_once(tmp_path: Path) -> None:
    keeping = await open_keeping(tmp_path / "store")
    clock = ManualClock(keeping.clock.now())
    asked: list[str] = []
    async with keeping.store, saying([f"650+HS_DESC_CONTENT {NAME} x $relay", "false", "."], asked) as control:
        before = await keeping.store.head()
        descriptors = Descriptors(keeping.store, [ONION], control, "local", clock)
        with capture_logs() as logs:
            assert await descriptors.flush() == 0
            assert await descriptors.flush() == 0
            clock.turn(minutes=359)
            assert await descriptors.flush() == 0
        assert [one["event"] for one in logs] == ["no onion descriptor"]
        assert logs[0]["error"]
        assert sum(line.startswith("HSFETCH") for line in asked) == 1
        clock.turn(minutes=1)
        await descriptors.flush()
        assert sum(line.startswith("HSFETCH") for line in asked) == 2
        assert await keeping.store.head() == before
    assert not (tmp_path / "store" / "descriptors").exists()


async def test_a_disk_that_is_full_does_not_end_the_fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = await open_keeping(tmp_path / "store")
    async with keeping.store:
        descriptors = Descriptors(keeping.store, [ONION], ("127.0.0.1", 1), "local", keeping.clock)
        rounds: list[float] = []

        async def slept(seconds: float) -> None:
            rounds.append(seconds)
            if len(rounds) == 2:
                raise asyncio.CancelledError

        async def full() -> int:
            raise StoreError("no room", hint="make room")

        monkeypatch.setattr(descriptors, "flush", full)
        monkeypatch.setattr("watcher.edge.descriptor.asyncio.sleep", slept)
        with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
            await descriptors.run()
        assert [(one["event"], one["error"], one["mend"]) for one in logs] == [
            ("store trouble", "no room", "make room")
        ] * 2
        monkeypatch.undo()
        await Descriptors(keeping.store, [], ("127.0.0.1", 1), "local", keeping.clock).run()
        await Descriptors(keeping.store, [ONION], None, "local", keeping.clock).run()
