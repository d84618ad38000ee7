"""Pages read in processes that may be killed: what hostile ones do, and that the next one reads as ever."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from tests.props.fakes import InlineReader
from watcher.edge import sandbox
from watcher.edge.read_talk import LENGTH
from watcher.edge.reader import MEMO_BYTES, MIB, REST_SECONDS, WorkerReader, _Memo, _Worker
from watcher.records import Hints, Page, Reading, Rule, Selector

RULE = Rule(entry=("div.card",), fields={"title": (Selector(css="h3"),)})
HINTS = Hints(rule=RULE)
NAMES = ("Ostrava Textil a.s.", "Velmora Logistics GmbH", "Karvel & Sons Ltd", "Hotel Brunoy SARL")


def page(body: bytes | str, kind: str = "text/html", status: int = 200) -> Page:
    body = body if isinstance(body, bytes) else body.encode()
    return Page(body=body, url="http://velm.onion/", status=status, content_type=kind)


def good(salt: str = "") -> Page:
    cards = "".join(f'<div class="card"><h3>{name}</h3><p>files {salt}</p></div>' for name in NAMES)
    return page(f"<html><body><main>{cards}</main><footer>bye</footer></body></html>")


@pytest.fixture
async def reader() -> AsyncIterator[WorkerReader]:
    """One process at a time, on a short leash."""
    built = WorkerReader(workers=1, memory_bytes=320 * MIB, cpu_seconds=1, wall_seconds=30)
    yield built
    await built.close()


async def reads_as_ever(reader: WorkerReader, salt: str) -> None:
    reading, _ = await reader.read(good(salt), b"", (), HINTS)
    assert (reading.verdict, reading.complete, len(reading.entries)) == ("listing", True, len(NAMES))


async def test_it_reads_as_the_inline_reader_does(reader: WorkerReader) -> None:
    inline = InlineReader()
    memory: bytes = b""
    for salt in ("one", "two"):
        here = await inline.read(good(salt), memory, NAMES, HINTS)
        there = await reader.read(good(salt), memory, NAMES, HINTS)
        assert there == here
        memory = here[1]
    own = page(f"<html><body><h1>{NAMES[1]}</h1></body></html>")
    assert await reader.read_detail(own, memory, NAMES[1]) == await inline.read_detail(own, memory, NAMES[1])
    assert (await reader.read_detail(own, memory, NAMES[1])).verdict == "detail"


HOSTILE = {
    "nested formatting": (b"<html><body>" + b"<b i><i i>" * 8_000, "text/html"),
    "nested formatting, reopened": (b"<html><body>" + b"<b><i><i>" * 9_000 + b"<p>" * 9_000, "text/html"),
    "nested divs": (b"<div>" * 200_000, "text/html"),
    "nested divs that seem to end": (b"<div/>" * 200_000, "text/html"),
    "a million attributes": (
        b"<div " + b" ".join(b"a%d=1" % number for number in range(1_000_000)) + b">",
        "text/html",
    ),
    "a million cards": (b"<html><body>" + b'<div class="card"><h3>x</h3></div>' * 400_000, "text/html"),
    "bait for expressions": (b"<p>" + b"a" * 200_000 + b"!</p><h3>" + b"((((a*1 2 3, " * 50_000, "text/html"),
    "masked names": (b"<html><body>" + b'<div class="card"><h3>a*b*c*d*e*f*</h3></div>' * 4_000, "text/html"),
    "zeros": (bytes(50_000_000), "text/html"),
    "one tag": (b"<" * 2_000_000, "text/html"),
    "one quote": (b"<a href='" + b'"' * 2_000_000, "text/html"),
    "comments": (b"<!--" * 500_000, "text/html"),
    "deep JSON": (b'{"a":' * 200_000, "application/json"),
    "deep lists": (b"[" * 1_000_000, "application/json"),
    "unfinished strings": (b"var a = [" + b'"\\' * 1_000_000, "text/javascript"),
    "entities": (
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b"<rss><channel>" + b"<item><title>&b;</title></item>" * 20_000,
        "application/rss+xml",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_page_is_a_verdict(reader: WorkerReader, name: str) -> None:
    body, kind = HOSTILE[name]
    _, memory = await reader.read(good(), b"", (), HINTS)
    reading, after = await reader.read(page(body, kind), memory, NAMES, HINTS)
    assert not reading.complete
    assert reading.verdict in ("unreadable", "partial", "blocked", "redesigned", "error")
    assert name != "nested divs" or reading.why[0] == "parse-refused"
    assert name != "nested divs that seem to end" or reading.why[0] == "worker-killed:cpu"
    if reading.why[0].startswith("worker-killed"):
        assert reading.verdict == "unreadable"
        assert reading.why[0] in ("worker-killed:cpu", "worker-killed:memory")
        assert after == memory
    await reads_as_ever(reader, name)


async def test_pages_that_kill_are_told_by_what_they_took(reader: WorkerReader) -> None:
    space, _ = await reader.read(page(b"[" + b"[1]," * 3_000_000 + b"1]", "application/json"), b"", (), Hints())
    assert space.why == ("worker-killed:memory", "the page needs more memory than a reader may use")
    cards, _ = await reader.read(page(HOSTILE["a million cards"][0]), b"", (), Hints())
    assert cards.verdict == "unreadable"
    assert cards.why[0] in ("parse-refused", "worker-killed:memory")


async def test_a_stalled_worker_is_replaced() -> None:
    reader = WorkerReader(workers=1, wall_seconds=0.5)
    slow = WorkerReader(workers=1)
    await reads_as_ever(slow, "warm")
    reader._idle, slow._idle = slow._idle, []
    os.kill(reader._idle[0].process.pid, signal.SIGSTOP)
    reading, after = await reader.read(good("stalled"), b"memory", (), HINTS)
    assert reading == Reading(verdict="unreadable", why=("worker-killed:time", "not read within 0.5 s"))
    assert after == b"memory"
    assert reader._idle == []
    reader._wall_seconds = 30
    await reads_as_ever(reader, "stalled")  # the page itself was not to blame: it is asked again
    await reader.close()


async def test_a_worker_that_died_in_its_sleep_costs_no_page(reader: WorkerReader) -> None:
    await reads_as_ever(reader, "one")
    dead = reader._idle[0].process
    os.kill(dead.pid, signal.SIGKILL)
    await reads_as_ever(reader, "two")
    assert reader._idle[0].process.pid != dead.pid


async def test_a_cancelled_visit_leaves_no_answer_behind(reader: WorkerReader) -> None:
    await reads_as_ever(reader, "one")
    task = asyncio.create_task(reader.read(page(HOSTILE["nested divs that seem to end"][0]), b"", (), HINTS))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reader._idle == []
    await reads_as_ever(reader, "two")


async def test_many_at_once_get_their_own_answers() -> None:
    reader = WorkerReader(workers=2)
    readings = await asyncio.gather(
        *(reader.read_detail(page(f"<h1>{n} Ltd</h1>"), b"", f"{n} Ltd") for n in range(40))
    )
    assert [reading.text for reading in readings] == [f"{n} Ltd" for n in range(40)]
    assert {reading.verdict for reading in readings} == {"detail"}
    assert len(reader._idle) <= 2
    await reader.close()


async def started(monkeypatch: pytest.MonkeyPatch, reader: WorkerReader, pages: int) -> int:
    """How many workers so many pages at once are read by."""
    workers = 0
    start = _Worker.start

    async def counted(*limits: int) -> _Worker:
        nonlocal workers
        workers += 1
        return await start(*limits)

    monkeypatch.setattr(_Worker, "start", counted)
    await asyncio.gather(*(reads_as_ever(reader, str(n)) for n in range(pages)))
    return workers


async def test_pages_take_turns_with_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.edge.reader.PATIENCE_SECONDS", 60.0)
    reader = WorkerReader(workers=2)
    assert await started(monkeypatch, reader, 12) == 1
    assert len(reader._idle) == 1
    await reader.close()


async def test_who_waits_too_long_takes_a_worker_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.edge.reader.PATIENCE_SECONDS", 0.0)
    reader = WorkerReader(workers=2)
    assert await started(monkeypatch, reader, 12) == 2  # and no more of them than there is room for
    await reader.close()


async def test_the_next_page_is_asked_for_before_a_visit_goes_on(
    reader: WorkerReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    ask = _Worker.ask

    async def noted(worker: _Worker, question: bytes, *rest: bytes) -> tuple[bytes, bytes]:
        order.append("asked")
        return await ask(worker, question, *rest)

    async def one(salt: str) -> None:
        await reads_as_ever(reader, salt)
        order.append("goes on")

    monkeypatch.setattr(_Worker, "ask", noted)
    await asyncio.gather(one("one"), one("two"), one("three"))
    assert order == ["asked", "asked", "goes on", "asked", "goes on", "goes on"]


async def test_a_worker_that_nobody_asks_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.edge.reader.REST_SECONDS", 0.05)
    reader = WorkerReader()
    await reads_as_ever(reader, "one")
    worker = reader._idle[0].process
    assert await asyncio.wait_for(worker.wait(), 30) == -signal.SIGKILL
    assert reader._idle == []
    await reads_as_ever(reader, "two")
    assert reader._idle[0].process.pid != worker.pid
    await reader.close()
    assert reader._ending == set()


async def test_only_those_that_nobody_asked_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.edge.reader.PATIENCE_SECONDS", 0.0)
    reader = WorkerReader(workers=2)
    assert await started(monkeypatch, reader, 2) == 2
    rested, busy = reader._idle
    rested.idle_since -= REST_SECONDS
    reader._end_the_rested()
    assert reader._idle == [busy]
    await reader.close()
    assert (rested.process.returncode, busy.process.returncode) == (-signal.SIGKILL, -signal.SIGKILL)


async def test_the_same_question_needs_no_worker(reader: WorkerReader) -> None:
    first = await reader.read(good(), b"", NAMES, HINTS)
    await reader.close()
    assert await reader.read(good(), b"", NAMES, HINTS) == first
    assert reader._idle == []
    assert (await reader.read(good(), b"", NAMES[:2], HINTS))[0] == first[0]  # other names: another question
    assert len(reader._idle) == 1


def test_what_is_remembered_twice_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two visits that ask the same at the same time both put the answer down."""
    monkeypatch.setattr("watcher.edge.reader.MEMO_BYTES", 3_000)
    memo, answer = _Memo(), (Reading(verdict="listing"), b"")
    for _ in range(20):
        memo.put("a", b"same", answer)
    memo.put("b", b"other", answer)
    assert (memo.get("a", b"same"), memo.get("b", b"other"), memo.get("c", b"third")) == (answer, answer, None)
    for number in range(20):
        memo.put(str(number), b"same", answer)
    assert memo.get("a", b"same") is None


def test_what_is_remembered_stays_within_its_bound() -> None:
    """Whatever a page says, and however much of it."""
    memo = _Memo()
    for number in range(400):
        memo.put(str(number), b"key", (Reading(verdict="listing", text="x" * 10_000), b"m" * 10_000))
    held = [memo.get(str(number), b"key") for number in range(400)]
    assert held[:300] == [None] * 300
    assert MEMO_BYTES // 25_000 < sum(1 for one in held if one) <= MEMO_BYTES // 20_000


def test_of_a_place_only_the_last_answer_is_remembered() -> None:
    memo = _Memo()
    for number in range(3):
        memo.put("a", b"%d" % number, (Reading(verdict="listing"), b"%d" % number))
    assert [memo.get("a", b"%d" % number) is None for number in range(3)] == [True, True, False]


async def test_a_reader_that_cannot_be_started(reader: WorkerReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    reading, after = await reader.read(good(), b"memory", (), HINTS)
    assert (reading.verdict, reading.why[0], after) == ("unreadable", "worker-killed:start", b"memory")
    monkeypatch.undo()
    await reads_as_ever(reader, "")


async def test_a_reader_that_fails_says_what_it_failed_of(reader: WorkerReader) -> None:
    worker = await _Worker.start(320 * MIB, 1)
    with pytest.raises(asyncio.IncompleteReadError) as trouble:
        await worker.ask(b"this is no question", b"", b"")
    assert await worker.cause(trouble.value) == ("msgspec.DecodeError", "the reader failed")
    await worker.end()
    assert LENGTH.size == 4


async def test_every_fence_stands(reader: WorkerReader) -> None:
    await reads_as_ever(reader, "one")
    fences = reader._idle[0].fences
    assert fences is not None
    assert {"limits", "audit-hook"} <= set(fences)
    if sandbox.program_for(os.uname().machine) and sys.platform == "linux":
        assert "system-call-filter" in fences


def test_what_a_worker_does_not_load() -> None:
    """Each of these weighs megabytes, or could be of use to a page."""
    code = "import sys, watcher.edge.read_worker\nprint(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert {"watcher.core.reading", "selectolax.lexbor"} <= loaded
    useless = {"asyncio", "ssl", "sqlite3", "aiohttp", "rapidfuzz", "rich", "structlog", "click", "cryptography"}
    assert useless & loaded == set()


def test_what_visits_sites_does_not_load() -> None:
    """What takes pages apart is in the workers: it weighs five megabytes."""
    code = (
        "import sys, watcher.visit, watcher.watch, watcher.edge.fetch, watcher.edge.reader, watcher.edge.store\n"
        "print(*sorted(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert {"watcher.core.decide", "watcher.edge.read_talk"} <= loaded
    assert {"watcher.core.reading", "watcher.core.parse", "watcher.edge.read_worker", "selectolax"} & loaded == set()


TRIES = """
import ctypes, json, os, socket, subprocess, sys, tempfile
from watcher.edge import sandbox
libc = ctypes.CDLL(None, use_errno=True)
call = libc.syscall
fences = sandbox.enter(int(sys.argv[1]))
said = {"fences": fences}
def tried(name, act):
    try:
        result = act()
        said[name] = f"done {result}" if result != -1 else "errno %d" % ctypes.get_errno()
    except BaseException as error:
        said[name] = type(error).__name__
tried("connect", lambda: socket.create_connection(("127.0.0.1", 9)))
tried("look-up", lambda: socket.getaddrinfo("velm.example", 80))
tried("process", lambda: subprocess.run(["true"]))
tried("fork", os.fork)
tried("write", lambda: open("/tmp/read-worker-was-here", "w"))
tried("remove", lambda: os.remove("/etc/hostname.none"))
tried("memory", lambda: len(bytes(1 << 30)))
tried("read", lambda: len(open("/proc/self/stat").read()) > 0)
if "system-call-filter" in fences and os.uname().machine == "x86_64":
    tried("raw socket", lambda: libc.socket(2, 1, 0))
    tried("raw fork", lambda: call(57))
    tried("raw open to write", lambda: call(257, -100, b"/tmp/read-worker-was-here", os.O_WRONLY | os.O_CREAT, 0o600))
    tried("raw exec", lambda: call(59, b"/bin/true", None, None))
    tried("x32 socket", lambda: call(0x40000000 | 41, 2, 1, 0))
print(json.dumps(said))
"""


def test_what_a_worker_cannot_do() -> None:
    run = subprocess.run(
        [sys.executable, "-c", TRIES, str(320 * MIB)], capture_output=True, text=True, check=True, env={}, timeout=60
    )
    said = json.loads(run.stdout)
    refused = {"connect", "look-up", "process", "fork", "write", "remove"}
    assert {name: said[name] for name in refused} == dict.fromkeys(refused, "PermissionError")
    assert said["memory"] == "MemoryError"
    assert said["read"] == "done True"
    raw = {name: answer for name, answer in said.items() if name.startswith(("raw", "x32"))}
    assert set(raw.values()) <= {"errno 1", "errno 38"}, raw


@pytest.mark.parametrize("machine", sandbox.REFUSED)
def test_the_filter_is_well_formed(machine: str) -> None:
    program = sandbox.program_for(machine)
    assert len(program) % 8 == 0
    assert len(program) // 8 < 4096
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    for at, step in enumerate(steps):
        if step[0] in (sandbox.JUMP_EQUAL, sandbox.JUMP_ANY_BIT):
            assert at + 1 + max(step[2], step[3]) < len(steps)
    assert sandbox.program_for("pdp11") == b""
