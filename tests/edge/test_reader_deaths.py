"""Whatever becomes of the process that reads, each page gets one answer, the others are read, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.edge.test_reader import HINTS, good, page, reads_as_ever
from watcher.edge import sandbox
from watcher.edge.apart import Apart, made_inert, reread_apart
from watcher.edge.reader import KILLED, MIB, WorkerReader
from watcher.errors import EvidenceError, WatcherError

PLAYED = """#!{python} -SE
import os, struct, sys, time
starts, acts = {starts!r}, {acts!r}
open(starts, "a").write("x")
number = os.path.getsize(starts) - 1
if number >= len(acts):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
source, sink = sys.stdin.buffer, sys.stdout.buffer

def hear(sections=3):
    return [source.read(struct.unpack(">I", source.read(4))[0]) for _ in range(sections)]

def say(*sections):
    sink.write(b"".join(struct.pack(">I", len(one)) + one for one in sections))
    sink.flush()

exec(acts[number])
sink.flush()
time.sleep(1_000)
"""
FENCES = 'say(b"[]")'
READING = b'{"reading":{"verdict":"listing","complete":true},"tired":false}'
Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """The next workers do these things instead of reading, and live on unless that ends them; the others are real."""
    python = sys.executable

    def played(*acts: str) -> None:
        starts, program = tmp_path / "starts", tmp_path / "python"
        starts.write_bytes(b"")
        program.write_text(PLAYED.format(python=python, starts=str(starts), acts=acts))
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return played


def children() -> set[int]:
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No process, no pipe: whatever a test did to its readers."""
    gc.collect()
    before, open_before = children(), handles()
    yield
    gc.collect()
    assert children() <= before
    assert handles() <= open_before


DEATHS = {
    "before it is asked": ("sys.exit(7)", "exit-7"),
    "while the page is sent": ("source.read(100); os.kill(os.getpid(), 9)", "signal-9"),
    "while it reads": (f"{FENCES}; hear(); os.abort()", "signal-6"),
    "out of memory, and says so": (f"{FENCES}; hear(); os._exit(70)", "memory"),
    "of a fault": (f"{FENCES}; hear(); raise KeyError('x')", "KeyError"),
    "in the length of its answer": (f"{FENCES}; hear(); sink.write(b'\\0\\0'); sink.flush(); sys.exit(3)", "exit-3"),
    "in its answer": (f"{FENCES}; hear(); sink.write(struct.pack('>I', 99) + b'{{'); sys.exit(4)", "exit-4"),
    "between the sections": (f"{FENCES}; hear(); say({READING!r}); sys.exit(5)", "exit-5"),
    "of a complaint that nobody hears": ("sys.stderr.write('x' * 9_000_000); sys.exit(6)", "time"),
}
LIES = {
    "no JSON": f"{FENCES}; hear(); say(b'listing', b'')",
    "no reading": f"{FENCES}; hear(); say(b'{{}}', b'')",
    "a verdict that there is none of": f"{FENCES}; hear(); say({READING.replace(b'listing', b'well')!r}, b'')",
    "no UTF-8": f"{FENCES}; hear(); say({READING.replace(b'listing', bytes([255]))!r}, b'')",
    "fences that are none": "hear(); say(b'7')",
    "fences too deep to follow": "hear(); say(b'[' * 2_000_000)",
    "an answer too deep to follow": f"{FENCES}; hear(); say(b'{{\"x\":' + b'[' * 2_000_000, b'')",
    "more than any answer": f"{FENCES}; hear(); sink.write(b'\\xff' * 4)",
    "more than any fences": "hear(); sink.write(b'\\xff' * 4)",
    "nothing more, ever": f"{FENCES}; hear(); sink.flush(); os.close(1)",
    "neither a word nor a complaint": "os.close(1); os.close(2)",
}


async def test_a_worker_may_die_at_any_moment(play: Play) -> None:
    """Also while a page is sent that no pipe can hold; the next page has another worker."""
    play(*(acts for acts, _ in DEATHS.values()))
    reader = WorkerReader(workers=1, shared_bytes=208 * MIB, cpu_seconds=2, wall_seconds=3)  # nothing is asked twice
    big = [page(f"<p>{name}</p>" * 50_000) for name in DEATHS]
    told = [await reader.read(one, b"memory", (), HINTS) for one in big]
    assert [reading.why[0].removeprefix(KILLED) for reading, _ in told] == [word for _, word in DEATHS.values()]
    assert {(reading.verdict, reading.complete, reading.entries) for reading, _ in told} == {("unreadable", False, ())}
    assert {after for _, after in told} == {b"memory"}
    await reads_as_ever(reader, "next")
    await reader.close()


async def test_what_a_worker_says_that_was_taken_over_is_no_reading(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives on, and does not hang up: nobody waits for it, and none of it is kept."""
    monkeypatch.setattr("watcher.edge.reader.LAST_WORDS_SECONDS", 0.3)
    play(*LIES.values())
    reader = WorkerReader(workers=1, wall_seconds=20)
    for lie in LIES:
        async with asyncio.timeout(15):
            reading, after = await reader.read(good(), b"memory", (), HINTS)
        assert (lie, reading.verdict, reading.why[:1], after) == (lie, "unreadable", (f"{KILLED}answer",), b"memory")
    await reads_as_ever(reader, "")
    await reader.close()


async def test_what_a_worker_floods_us_with_takes_no_memory_of_ours(play: Play) -> None:
    """Complaints while it should read, and an answer that it never ends."""
    play(f"{FENCES}; sys.stderr.write('x' * (300 << 20))", "sink.write(b'\3' * (300 << 20))")
    reader = WorkerReader(workers=1, wall_seconds=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    words = [(await reader.read(good(), b"", (), HINTS))[0].why[0] for _ in range(2)]
    assert words == [f"{KILLED}time", f"{KILLED}answer"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10
    await reader.close()


async def test_ten_pages_wait_while_their_readers_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gets one answer, its own: what it says, or that its reader died."""
    monkeypatch.setattr("watcher.edge.reader.PATIENCE_SECONDS", 0.05)
    reader, dice, answers, killed = WorkerReader(workers=2), random.Random(1), Counter[str](), 0
    pages = [
        asyncio.create_task(reader.read_detail(page(f"<h1>{n} Ltd</h1>" + "<p>x</p>" * 20_000), b"", f"{n} Ltd"))
        for n in range(10)
    ]
    while not all(task.done() for task in pages):
        await asyncio.sleep(dice.uniform(0, 0.5))
        for pid in children():
            os.kill(pid, signal.SIGKILL)
            killed += 1
    for n, task in enumerate(pages):
        reading = task.result()
        answers[reading.why[0] if reading.verdict == "unreadable" else reading.verdict] += 1
        assert reading.verdict == "unreadable" or reading.text.startswith(f"{n} Ltd")
    assert set(answers) <= {"detail", f"{KILLED}signal-9"}
    assert answers[f"{KILLED}signal-9"] <= killed
    await reads_as_ever(reader, "after")
    await reader.close()


async def test_pages_are_read_to_their_end_though_the_reader_is_closed() -> None:
    """And those that are cancelled let go of their workers."""
    reader = WorkerReader(workers=2)
    pages = [asyncio.create_task(reads_as_ever(reader, str(n))) for n in range(4)]
    await asyncio.sleep(0.05)
    await reader.close()
    await asyncio.gather(*pages)
    cut = [asyncio.create_task(reader.read(page(f"<p>{n}" * 300_000), b"", (), HINTS)) for n in range(4)]
    await asyncio.sleep(0.03)
    for task in cut:
        task.cancel()
    assert {type(one) for one in await asyncio.gather(*cut, return_exceptions=True)} == {asyncio.CancelledError}
    await reader.close()


async def test_no_worker_can_be_started_for_want_of_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handles in earnest; processes and memory as the kernel would say it. Each page is told so, and the next is read
    once there is some."""
    reader = WorkerReader(workers=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 3, hard))
    taken = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        answers = [await reader.read(good(str(n)), b"m", (), HINTS) for n in range(3)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for handle in taken:
            os.close(handle)
    for number in (errno.EAGAIN, errno.ENOMEM):
        with monkeypatch.context() as patched:
            patched.setattr("subprocess._fork_exec", refusing(OSError(number, os.strerror(number))))
            answers.append(await reader.read(good(str(number)), b"m", (), HINTS))
    assert {(reading.verdict, reading.why[0], after) for reading, after in answers} == {
        ("unreadable", f"{KILLED}start", b"m")
    }
    assert [reading.why[1].partition(": ")[2] for reading, _ in answers] == [
        *["Too many open files"] * 3,
        os.strerror(errno.EAGAIN),
        os.strerror(errno.ENOMEM),
    ]
    await reads_as_ever(reader, "0")
    await reader.close()


def refusing(error: Exception) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise error

    return refuse


OLD_KERNEL = """#!{python} -SE
import sys
sys.path.insert(0, {root!r})
import os
from watcher.edge import sandbox as s
unshare, prctl = 272, 157
s.filter_calls(s.assembled([
    (s.LOAD, 0, 0, s.OFFSET_NUMBER),
    (s.JUMP_EQUAL, 0, 1, unshare), (s.RETURN, 0, 0, s.REFUSE),
    (s.JUMP_EQUAL, 0, 3, prctl), (s.LOAD, 0, 0, s.OFFSET_ARGUMENT), (s.JUMP_EQUAL, 0, 1, s.PR_SET_SECCOMP),
    (s.RETURN, 0, 0, s.REFUSE),
]))
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of its calls")
async def test_where_the_kernel_refuses_its_fences_pages_are_read_behind_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    root = str(Path(sandbox.__file__).parent.parent.parent)
    program.write_text(OLD_KERNEL.format(python=sys.executable, root=root))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    reader = WorkerReader(workers=1)
    await reads_as_ever(reader, "one")
    assert reader._idle[0].fences == ("limits", "audit-hook")
    await reader.close()


# ------------------------------------------------------------------------------------------------ one piece of work


APART = {
    "dies at once": "sys.exit(9)",
    "dies in the middle": "source.read(10); os.kill(os.getpid(), 9)",
    "says nothing": "source.read(); sys.exit(0)",
    "says no JSON": "source.read(); sink.write(b'<p>'); sink.flush(); sys.exit(0)",
    "says something else": "source.read(); sink.write(b'{\"a\": 1}'); sink.flush(); sys.exit(0)",
    "goes deep": "source.read(); sink.write(b'[' * 1_000_000); sink.flush(); sys.exit(0)",
    "loses a page": "source.read(); sink.write(b'[]'); sink.flush(); sys.exit(0)",
    "no UTF-8": "source.read(); sink.write(b'[\"\xff\"'); sink.flush(); sys.exit(0)",
    "never ends": "source.read()",
    "never reads": "pass",
    "hangs up and lives on": "source.read(); os.close(1)",
    "says more than anybody holds": "source.read(); sink.write(b'x' * (2 << 20))",
}


@pytest.mark.parametrize("conduct", APART)
def test_a_page_that_kills_what_makes_it_inert_is_not_shown(
    play: Play, conduct: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.edge.apart.WALL_SECONDS", 0.4)
    monkeypatch.setattr("watcher.edge.apart.MOST_BYTES", 1 << 20)
    play(APART[conduct])
    assert made_inert(["<p>" * 100_000]) is None


def test_a_bundle_that_kills_what_reads_it_again_does_not_hold(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.edge.apart.WALL_SECONDS", 0.4)
    fault = "source.read(); sink.write('no bundle: \ufffd'.encode()); sink.flush(); os._exit(3)"
    play(APART["dies in the middle"], APART["never ends"], fault)
    for says in ("more time or memory", "more time or memory", "no bundle: \ufffd"):
        with pytest.raises(EvidenceError, match=says):
            reread_apart(b"PK" * 200_000)


def test_no_process_for_one_piece_of_work_is_told_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess._fork_exec", refusing(OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))))
    with pytest.raises(WatcherError, match="could be started to read pages in: Resource temporarily unavail") as told:
        made_inert(["<p>"])
    assert "ulimit" in told.value.hint
    with pytest.raises(WatcherError):
        Apart("reread")
