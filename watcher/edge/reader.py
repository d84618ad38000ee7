"""Pages are read in processes that may be killed: what a page does to a parser stays there.

``WorkerReader`` keeps a few such processes and remembers what it read lately: the same bytes with the same memory say
the same, and need no process at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Self

import msgspec
from xxhash import xxh3_128

from watcher.edge.machine import give_back_holes
from watcher.edge.read_talk import LENGTH, Answer, Ask
from watcher.records import Hints, Page, Reading

MIB = 1024 * 1024
STEP = 256 * 1024
LONGEST_ANSWER = 64 * MIB
MEMO_BYTES = 256 << 10
"""Pages that stay the same and say nothing good are read again and again; of those that do, nobody asks again."""
A_MEMORY = 500
"""What one takes beside its bytes, about."""
OUT_OF_MEMORY = 70
"""Exit code by which a worker says so (``read_worker``)."""
LAST_WORDS_SECONDS = 5.0
"""How long a worker that hung up may take to be gone; a page that took it over need not let it go at all."""
NO_READING = "answer", "the reader said something that is no reading"
QUICK_SECONDS = 2
"""Of processor time: nearly every page takes a hundredth of it."""
PATIENCE_SECONDS = 2.0
"""How long a page waits for the worker that reads another one, before it takes a worker of its own: each weighs some
30 MiB, and knows better what it has read before."""
REST_SECONDS = 60.0
"""A worker that nobody asked for so long is ended. To start one costs as much as to read some ten pages."""
KILLED = "worker-killed:"
OTHERWISE = frozenset({"cpu", "time", "start", "answer"})
"""What ends a worker and is no want of memory. A want of memory has many names: in C libraries it is a signal or a
``SystemError`` as often as a ``MemoryError``."""
DIED_OF = re.compile(r"^([A-Za-z_.]+(?:Error|Exception|Exit|Interrupt))\b", re.MULTILINE)


class WorkerReader:
    """``ports.Reader`` in processes of its own: bounded in memory and time, without a network.

    A page that needs more time than most is read again when no other such page is, so that there is always a worker
    for the rest; one that needs more memory than one of several may use, while no other page is read at all.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        memory_bytes: int = 208 * MIB,
        shared_bytes: int = 96 * MIB,
        cpu_seconds: int = 8,
        wall_seconds: float = 30.0,
    ) -> None:
        """``memory_bytes``: what a page may use by itself, ``shared_bytes``: beside others (address space, the
        interpreter's own 35 MiB included)."""
        shared_bytes = min(shared_bytes, memory_bytes)
        self._quick = (shared_bytes, min(QUICK_SECONDS, cpu_seconds))
        self._slow = (shared_bytes, cpu_seconds)
        self._alone = (memory_bytes, cpu_seconds)
        self._wall_seconds = wall_seconds
        self._workers = workers
        self._room, self._usual = asyncio.Semaphore(workers), asyncio.Lock()
        self._turn_slow, self._turn_alone = asyncio.Lock(), asyncio.Lock()
        self._idle: list[_Worker] = []
        """The one that was asked last is asked next."""
        self._rest: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._memo = _Memo()

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        """What a listing page says, and what it taught; what kills its reader is ``unreadable`` and teaches nothing."""
        ask = _ask(page, known=tuple(known), hints=hints)
        return await self._answer(ask, page.body, memory)

    async def read_detail(self, page: Page, memory: bytes, title: str) -> Reading:
        """What an entry's own page says."""
        reading, _ = await self._answer(_ask(page, title=title), page.body, memory)
        return reading

    async def close(self) -> None:
        """End the idle workers; those at work end with their pages' tasks."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        while self._idle:
            await self._idle.pop().end()
        await asyncio.gather(*self._ending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _answer(self, ask: Ask, body: bytes, memory: bytes) -> tuple[Reading, bytes]:
        question = msgspec.json.encode(ask)
        place, key = f"{ask.url} {ask.title or ''}", _fingerprint(question, body, memory)
        if (remembered := self._memo.get(place, key)) is not None:
            return remembered
        async with self._turn():
            answer, steady = await self._from_worker(self._quick, question, body, memory)
        if self._slow != self._quick and answer[0].why[:1] == (f"{KILLED}cpu",):
            async with self._turn_slow, self._room:
                answer, steady = await self._from_worker(self._slow, question, body, memory)
        if self._alone != self._slow and _may_want_room(answer[0]):
            async with self._all_room():
                answer, steady = await self._from_worker(self._alone, question, body, memory)
        if steady:
            self._memo.put(place, key, answer)
        return answer

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One page after the other; who waits too long for that takes a worker beside, if there is room for one."""
        mine = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                mine = await self._usual.acquire()
        try:
            async with self._room:
                yield
        finally:
            if mine:
                self._usual.release()
        await asyncio.sleep(0)  # the next page is asked for first, and read while this visit goes on

    @contextlib.asynccontextmanager
    async def _all_room(self) -> AsyncIterator[None]:
        """No other page is read within; the idle workers are ended, and with them goes what they hold, and what this
        process holds for nothing."""
        taken = 0
        async with self._turn_alone:
            try:
                while taken < self._workers:
                    await self._room.acquire()
                    taken += 1
                await self.close()
                give_back_holes()
                yield
            finally:
                for _ in range(taken):
                    self._room.release()

    async def _from_worker(
        self, limits: tuple[int, int], question: bytes, body: bytes, memory: bytes
    ) -> tuple[tuple[Reading, bytes], bool]:
        """The answer, and whether the same question would get the same one again."""
        while True:
            used = limits == self._quick and bool(self._idle)
            try:
                worker = self._idle.pop() if used else await _Worker.start(*limits)
            except OSError as trouble:
                return (_unreadable("start", f"no reader could be started: {trouble.strerror}"), memory), False
            word, prose = "", ""
            in_step = False
            try:
                async with asyncio.timeout(self._wall_seconds):
                    head, after = await worker.ask(question, body, memory)
                answer = msgspec.json.decode(head, type=Answer)
                in_step = not answer.tired and limits == self._quick
            except TimeoutError:
                word, prose = "time", f"not read within {self._wall_seconds:g} s"
            except (EOFError, ConnectionError, ValueError, RecursionError) as trouble:
                word, prose = await worker.cause(trouble)
            finally:
                # whatever went wrong, a cancelled visit too: a worker that is out of step is never asked again
                if in_step:
                    self._put_by(worker)
                else:
                    await worker.end()
            if not word:
                return (answer.reading, after), True
            if used and word.startswith("signal-"):
                continue  # it may have been dead before it was asked: the page deserves a reader of its own
            return (_unreadable(word, prose), memory), word in ("memory", "cpu")

    def _put_by(self, worker: _Worker) -> None:
        """The worker waits for its next page, and not for ever."""
        worker.idle_since = asyncio.get_running_loop().time()
        self._idle.append(worker)
        if self._rest is None:
            self._rest = asyncio.get_running_loop().call_later(REST_SECONDS, self._end_the_rested)

    def _end_the_rested(self) -> None:
        """End those that nobody asked for long, and look again when the next one may be."""
        loop, self._rest = asyncio.get_running_loop(), None
        while self._idle and self._idle[0].idle_since + REST_SECONDS <= loop.time():
            task = loop.create_task(self._idle.pop(0).end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        if self._idle:
            self._rest = loop.call_at(self._idle[0].idle_since + REST_SECONDS, self._end_the_rested)


def _ask(page: Page, *, title: str | None = None, known: tuple[str, ...] = (), hints: Hints | None = None) -> Ask:
    return Ask(
        url=page.url,
        status=page.status,
        content_type=page.content_type,
        cut=page.cut,
        title=title,
        known=known,
        hints=hints,
    )


def _unreadable(word: str, prose: str) -> Reading:
    return Reading(verdict="unreadable", why=(f"{KILLED}{word}", prose))


def _may_want_room(reading: Reading) -> bool:
    """Whether more memory might have led to another reading."""
    first = reading.why[0] if reading.why else ""
    return first == "parse-refused" or (first.startswith(KILLED) and first.removeprefix(KILLED) not in OTHERWISE)


def _fingerprint(*parts: bytes) -> bytes:
    digest = xxh3_128()
    for part in parts:
        digest.update(LENGTH.pack(len(part)))
        digest.update(part)
    return digest.digest()


class _Memo:
    """What each place was read to say last, packed, and bounded by the bytes that it takes."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[bytes, bytes, bytes]] = OrderedDict()
        self._size = 0

    def get(self, place: str, key: bytes) -> tuple[Reading, bytes] | None:
        held = self._held.get(place)
        if held is None or held[0] != key:
            return None
        self._held.move_to_end(place)
        return _decode_reading(held[1]), held[2]

    def put(self, place: str, key: bytes, answer: tuple[Reading, bytes]) -> None:
        reading, memory = answer
        self._drop(self._held.pop(place, None))
        held = self._held[place] = key, _encode(reading), memory
        self._size += _weight(held)
        while self._size > MEMO_BYTES:
            self._drop(self._held.popitem(last=False)[1])

    def _drop(self, held: tuple[bytes, bytes, bytes] | None) -> None:
        self._size -= _weight(held) if held else 0


_encode, _decode_reading = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Reading).decode


def _weight(held: tuple[bytes, bytes, bytes]) -> int:
    return A_MEMORY + sum(map(len, held))


class _Worker:
    """One process and its pipes. Its first word, the fences that stand, is heard with the first answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.fences: tuple[str, ...] | None = None
        self.idle_since = 0.0

    @classmethod
    async def start(cls, memory_bytes: int, cpu_seconds: int) -> _Worker:
        """A fresh interpreter, with nothing of this process but three pipes."""
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-X", "utf8", "-m", "watcher.edge.read_worker"),
                *(str(memory_bytes), str(cpu_seconds)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MIB,
                env={"HOME": "/"},  # else Python asks who the user is, and name services may ask the network
                cwd="/",
                start_new_session=True,
            )
        )

    async def ask(self, *sections: bytes) -> tuple[bytes, bytes]:
        """Send a question, and hear the answer's two sections."""
        assert self.process.stdin is not None
        for section in sections:
            self.process.stdin.write(LENGTH.pack(len(section)))
            for start in range(0, len(section), STEP):  # what the pipe cannot take is copied: never all of it
                self.process.stdin.write(memoryview(section)[start : start + STEP])
                await self.process.stdin.drain()
        await self.process.stdin.drain()
        if self.fences is None:
            (said,) = await self._hear(1)
            self.fences = msgspec.json.decode(said, type=tuple[str, ...])
        head, after = await self._hear(2)
        return head, after

    async def _hear(self, number: int) -> list[bytes]:
        assert self.process.stdout is not None
        sections = []
        for _ in range(number):
            (length,) = LENGTH.unpack(await self.process.stdout.readexactly(LENGTH.size))
            if length > LONGEST_ANSWER:
                raise ValueError("an answer beyond all measure")
            sections.append(await self.process.stdout.readexactly(length))
        return sections

    async def cause(self, trouble: Exception) -> tuple[str, str]:
        """Why it died: a word for machines and one for people."""
        if isinstance(trouble, ValueError | RecursionError):  # no JSON, not of this form or depth, or no UTF-8
            return NO_READING
        assert self.process.stderr is not None
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                said = (await self.process.stderr.read(64 * 1024)).decode("utf-8", "replace")
                code = await self.process.wait()
        except TimeoutError:
            return NO_READING
        died_of = DIED_OF.findall(said)
        if code == OUT_OF_MEMORY or "MemoryError" in died_of:
            return "memory", "the page needs more memory than a reader may use"
        if code == -signal.SIGXCPU:
            return "cpu", "the page needs more processor time than a reader may use"
        if code < 0:
            return f"signal-{-code}", "the reader died"
        return (died_of[-1] if died_of else f"exit-{code}"), "the reader failed"

    async def end(self) -> None:
        """Kill it, and wait until it and its pipes are gone."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.communicate()
