"""Whatever a receiver of alerts does, an alert that did not arrive stays owed, is told again in its turn, and no secret
is said on the way."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.edge.keeping import event
from tests.edge.receiver import HOOK, alert
from tests.edge.test_apprise import NOW, flood, owe
from tests.edge.test_reader_deaths import nothing_is_left
from watcher.config import AlertSettings
from watcher.core.message import Wording
from watcher.edge import deliver
from watcher.edge.apprise_sink import AppriseSink, Messenger
from watcher.edge.apprise_worker import Errand
from watcher.edge.deliver import FIRST_WAIT, LONGEST_WAIT, Delivery
from watcher.edge.notify import FileSink, StreamSink, sinks
from watcher.edge.proxy import proxy_of
from watcher.edge.sign import create_key, load_key
from watcher.edge.store import LedgerStore
from watcher.errors import DeliveryError
from watcher.testing.clocks import ManualClock
from watcher.testing.socks5 import Conduct, Socks5Proxy

__all__ = ["nothing_is_left"]  # a fixture

SECRETS = ("s3cret", "hunter2", HOOK)
TO = f"json://me:hunter2@{HOOK}/s3cret-path/?-token=s3cret"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    """A service at the level of bytes: what it was asked, and what it says to that."""

    def __init__(self, proxy: Socks5Proxy) -> None:
        self.proxy = proxy
        self.talks: set[asyncio.Task[None]] = set()
        self.answers: list[bytes] = []
        """One for each message; then it takes all."""
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.talks.add(task)
        with suppress(OSError, EOFError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            size = next((int(one[15:]) for one in head.split("\r\n") if one.lower().startswith("content-length:")), 0)
            self.asked.append((head.partition(" HTTP")[0], json.loads(await reader.readexactly(size) or b"{}")))
            answer = OK if "/else" in head or not self.answers else self.answers.pop(0)
            writer.write(answer)
            await writer.drain()
            if answer is HANGS:
                await asyncio.sleep(1_000)
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    async with Socks5Proxy({}) as proxy:
        made = Receiver(proxy)
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        proxy.route(HOOK, server.sockets[0].getsockname()[:2])
        async with server:
            yield made
            for task in made.talks:
                task.cancel()
            await asyncio.gather(*made.talks)


def says(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "".join(f"{one}\r\n" for one in lines).encode() + b"\r\n" + body


HANGS = b"HTTP/1.1 200 OK\r\n"
NOT_TAKEN = "the service did not take it"
ELSEWHERE = f"Location: http://{HOOK}/else"
FAILURES: dict[str, tuple[bytes, str]] = {
    "moved, and asked anew without the message": (says(301, ELSEWHERE), "the service answered with status 301"),
    "found elsewhere": (says(302, ELSEWHERE), "the service answered with status 302"),
    "see other": (says(303, ELSEWHERE), "the service answered with status 303"),
    "moved nowhere": (says(308), "the service answered with status 308"),
    "unknown": (says(404, body=b"no s3cret-path here"), "the service answered with status 404"),
    "too many": (says(429, "Retry-After: 3600"), "the service answered with status 429"),
    "broken": (says(500, body=b"hunter2" * 1000), "the service answered with status 500"),
    "no HTTP": (b"220 mail\r\n\r\n", NOT_TAKEN),
    "hung up": (b"", NOT_TAKEN),
    "less than it said": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", NOT_TAKEN),
    "a head without end": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n", NOT_TAKEN),
    "a line without end": (b"HTTP/1.1 200 " + b"x" * 200_000 + b"\r\n\r\n", NOT_TAKEN),
    "much less than it said": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + bytes(5_000_000), NOT_TAKEN),
}


@asynccontextmanager
async def delivering(
    folder: Path, made: Receiver, clock: ManualClock, to: str = TO
) -> AsyncIterator[tuple[LedgerStore, Delivery]]:
    """A watcher's delivery, as it is after a start."""
    key = load_key(folder / "key") if (folder / "key").exists() else create_key(folder / "key", "alpha")
    async with LedgerStore.open(folder / "store", vantage="alpha", now=clock.now) as store:
        delivery = Delivery(store, key, clock)
        await delivery.use(sinks([alert(to=to)], proxies=[proxy_of(made.proxy.url)]))
        try:
            yield store, delivery
        finally:
            await delivery.dismiss()


async def owed(store: LedgerStore) -> list[str]:
    """Why what is owed was not delivered."""
    rows = await store.do(lambda desk: desk.db.execute("SELECT why FROM delivery WHERE state = 'owed'").fetchall())
    return [why for (why,) in rows]


async def test_every_way_to_fail_leaves_the_alerts_owed_until_they_arrive_once(tmp_path: Path) -> None:
    """Each with its reason, the last of them after starting anew; and none of it tells where the alerts go."""
    clock, failures = ManualClock(NOW), list(FAILURES.values())
    async with receiving() as made:
        with capture_logs() as logs:
            for part in (failures[:7], failures[7:]):
                async with delivering(tmp_path, made, clock) as (store, delivery):
                    if not made.asked:
                        await owe(store, alert(to=TO), *flood(2))
                    for answer, why in part:
                        made.answers = [answer]
                        await delivery.flush()
                        assert sorted(await owed(store)) == ["", why]  # nothing is told out of turn
                        clock.turn(seconds=LONGEST_WAIT.total_seconds() + 1)
            async with delivering(tmp_path, made, clock) as (store, delivery):
                await delivery.flush()
                assert await owed(store) == []
                await delivery.flush()
        assert [one["error"] for one in logs] == [why for _, why in failures]
    posts = [told["message"].partition("\n\nSigned")[0] for ask, told in made.asked if "s3cret-path" in ask]
    assert posts[:-1] == [posts[0]] * (len(failures) + 1)
    assert posts[-1] != posts[0]
    assert [secret for secret in SECRETS for one in logs if secret in str(one)] == []


async def test_one_that_hangs_is_given_up_on_and_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of its answer, or before the proxy has reached it; the process that waits goes with it."""
    monkeypatch.setattr(deliver, "SEND_SECONDS", 2.5)
    clock = ManualClock(NOW)
    async with receiving() as made, delivering(tmp_path, made, clock) as (store, delivery):
        await owe(store, alert(to=TO), *flood(1))
        made.answers = [HANGS]
        await delivery.flush()
        assert await owed(store) == ["no answer within 2.5 s"]
        made.proxy.misbehave(HOOK, Conduct(silent=True))
        clock.turn(seconds=FIRST_WAIT.total_seconds() + 1)
        monkeypatch.setattr(deliver, "SEND_SECONDS", 0.4)
        await delivery.flush()
        assert await owed(store) == ["no answer within 0.4 s"]
        made.proxy.misbehave(HOOK, Conduct())
        monkeypatch.setattr(deliver, "SEND_SECONDS", 30)
        clock.turn(seconds=2 * FIRST_WAIT.total_seconds() + 1)
        await delivery.flush()
        assert await owed(store) == []
        assert len(made.asked) == 2


async def test_later_alerts_wait_behind_one_that_fails(tmp_path: Path) -> None:
    """What comes while a service is away is told after it, in order, also after starting anew."""
    clock = ManualClock(NOW)
    async with receiving() as made:
        made.answers = [says(503)] * 2
        for first in (1, 2, 3):
            async with delivering(tmp_path, made, clock) as (store, delivery):
                await owe(store, alert(to=TO), event(first))
                await delivery.flush()
            clock.turn(seconds=LONGEST_WAIT.total_seconds() + 1)
        async with delivering(tmp_path, made, clock) as (store, delivery):
            await delivery.flush()
            assert await owed(store) == []
    told = [told["message"] for _, told in made.asked[2:]]
    found = [(place, message.find(event(n).id), n) for place, message in enumerate(told) for n in (1, 2, 3)]
    assert [n for _, at, n in sorted(found) if at >= 0] == [1, 2, 3]


# ------------------------------------------------------------------------------------------------------ templates


async def test_a_template_that_fails_on_an_event_keeps_no_alert_back(tmp_path: Path) -> None:
    """It did well on the sample; what it cannot print is told as without it, and that it failed is said."""
    template = tmp_path / "alert.txt"
    template.write_text("{{ event.site }} {{ event.kind }}\n{{ 12 // (event.id | length - 16) }}")
    settings = alert(to=TO, template=template)
    async with receiving() as made:
        (sink,) = sinks([settings], proxies=[proxy_of(made.proxy.url)])
        assert isinstance(sink, AppriseSink)
        with capture_logs() as logs:
            await sink.send(event(1), "")
        await sink.close()
    (told,) = made.asked
    assert event(1).id in told[1]["message"]
    (warned,) = [one for one in logs if one["event"] == "template failed"]
    assert "division" in warned["error"]
    assert str(template) in warned["mend"]
    assert not any(secret in str(warned) for secret in SECRETS)


@pytest.mark.parametrize("source", ["{{ event.nothing }}", "{{ 1 // 0 }}", "{{ 'x' + 1 }}", "{% for %}", "{{ [][3] }}"])
def test_a_template_that_fails_on_the_sample_says_where(source: str) -> None:
    with pytest.raises(ValueError, match=r"^1: .+"):
        Wording(source)


# ------------------------------------------------------------------------------------- pipes, files, the messenger


def pipe() -> tuple[int, io.TextIOWrapper]:
    ours, theirs = os.pipe()
    return ours, open(theirs, "w", encoding="utf-8")


async def test_a_reader_of_standard_output_that_stops_reading_stops_nothing_else() -> None:
    """Until it reads on, the sending waits, and is given up on; then the next line stands alone."""
    ours, stream = pipe()
    sink = StreamSink(AlertSettings(to="stdout:"), stream)
    beats = number = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            while number := number + 1:
                await sink.send(event(number), "checkpoint")
    async with asyncio.timeout(5):
        again = asyncio.create_task(sink.send(event(20_000), "checkpoint"))
        while beats < 5:
            await asyncio.sleep(0.01)
            beats += 1
        assert not again.done()
        with os.fdopen(ours, "rb") as end:
            reading = asyncio.create_task(asyncio.to_thread(end.read))
            await again
            stream.close()
            *whole, last = (await reading).decode().splitlines()
    assert json.loads(last)["id"] == event(20_000).id
    ids = [json.loads(line)["id"] for line in whole[:-1]]
    assert ids == [event(number).id for number in range(1, len(ids) + 1)]


async def test_a_reader_of_standard_output_that_went_away_is_told() -> None:
    ours, stream = pipe()
    os.close(ours)
    with pytest.raises(DeliveryError, match="standard output: Broken pipe"):
        await StreamSink(AlertSettings(to="stdout:"), stream).send(event(1), "")
    with suppress(OSError):
        stream.close()


async def test_a_pipe_in_a_files_place_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alerts")
    async with asyncio.timeout(5):
        with pytest.raises(DeliveryError, match="is a pipe") as told:
            await FileSink(AlertSettings(to="file:/a"), tmp_path / "alerts").send(event(1), "")
    assert "stdout:" in told.value.hint


@pytest.mark.parametrize(
    ("acts", "why"),
    [
        ("sys.exit(0)", "the process that delivers"),
        ("sys.stdin.readline(); sys.stdin.readline(); print('{'); sys.exit(0)", "ended without an answer"),
        ("sys.stdin.readline(); sys.stdin.readline(); print('[' * 60_000)", "ended without an answer"),
        ("sys.stdin.readline(); sys.stdin.readline(); print('x' * 900_000)", "ended without an answer"),
        ("sys.stdin.readline(); sys.stdin.readline(); print('[1]')", "ended without an answer"),
        ("os.close(0); time.sleep(9)", "could not be used"),
    ],
)
async def test_a_messenger_that_says_no_such_thing_is_ended(
    acts: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the errand is not done; the next one has another process."""
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable} -SE\nimport os, sys, time\n{acts}\nsys.stdout.flush()\ntime.sleep(99)\n")
    program.chmod(0o755)
    async with receiving() as made:
        messenger = Messenger([proxy_of(made.proxy.url)], "token")
        errand = Errand(url=TO, title="t", body="hunter2 " * 50_000)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", str(program))
            done = await messenger.run(errand)
        assert (done.ok, why in done.why, "None" in done.why) == (False, True, False)
        assert messenger._process is None
        await messenger.close()
    assert made.asked == []
