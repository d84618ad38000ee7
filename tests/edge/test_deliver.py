"""Who is told of what, when, and how often: a real store and a real key, and sinks that fail as they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.edge.keeping import entries, whole_visit
from watcher.core import note
from watcher.edge import deliver
from watcher.edge.deliver import FIRST_WAIT, LONGEST_WAIT, Delivery
from watcher.edge.sign import SigningKey, check_signature, create_key
from watcher.edge.store import LedgerStore
from watcher.errors import DeliveryError, StoreError, StoreFull
from watcher.records import Event
from watcher.testing.clocks import ManualClock


class Ear:
    """A sink that hears what it is told, until it is told to fail."""

    def __init__(self, name: str = "ear", *, deaf_to: tuple[str, ...] = ()) -> None:
        self.name = name
        self.heard: list[str] = []
        self.tries: list[str] = []
        self.checkpoints: list[str] = []
        self.failing = False
        self.hanging: asyncio.Event | None = None
        """If there is one, what a sending waits for."""
        self._deaf_to = deaf_to

    def wants(self, event: Event) -> bool:
        return event.id not in self._deaf_to

    async def send(self, event: Event, checkpoint: str) -> None:
        self.tries.append(event.id)
        if self.hanging:
            await self.hanging.wait()
        if self.failing:
            raise DeliveryError("nobody is there")
        self.heard.append(event.id)
        self.checkpoints.append(checkpoint)


class Desk:
    """A store, a key and a clock that is turned by hand."""

    def __init__(self, store: LedgerStore, key: SigningKey, clock: ManualClock) -> None:
        self.store, self.key, self.clock = store, key, clock
        self._visits = 0

    async def delivery(self, *sinks: Ear) -> Delivery:
        made = Delivery(self.store, self.key, self.clock)
        await made.use(sinks)
        return made

    async def tell(self, count: int) -> list[str]:
        """So many events; their ids."""
        before = self._visits
        for _ in range(count):
            self._visits += 1
            await whole_visit(self.store, self._visits, b"<li>%d</li>" % self._visits, entries(1))
        return [f"e{number:015x}" for number in range(before + 1, self._visits + 1)]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = ManualClock()
    key = create_key(tmp_path / "key", "local")
    async with LedgerStore.open(tmp_path / "store", vantage="local", now=clock.now) as store:
        yield Desk(store, key, clock)


@asynccontextmanager
async def running(delivery: Delivery) -> AsyncIterator[None]:
    task = asyncio.create_task(delivery.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(what: Any) -> None:
    """Wait until the function says so."""
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_every_event_is_told_once_in_order_with_a_checkpoint_over_it(desk: Desk) -> None:
    ear = Ear()
    delivery = await desk.delivery(ear)
    told = await desk.tell(5)
    await delivery.flush()
    assert ear.heard == told
    signed = note.parse(ear.checkpoints[0].encode())
    note.verify(signed, desk.key.verifier, check_signature)
    leaves = [await desk.store.do(lambda d, name=name: d.ledger.leaf_of_event(name)) for name in told]
    assert note.parse_checkpoint(signed).size > max(leaf.index for leaf in leaves if leaf)
    more = await desk.tell(1)
    await delivery.flush()
    assert ear.heard == told + more
    await (await desk.delivery(ear)).flush()  # nor after another start
    assert ear.heard == told + more


async def test_a_flush_leaves_nothing_uncovered(desk: Desk) -> None:
    """That alerts went out is in the log, too, and the last head covers it."""
    delivery = await desk.delivery(Ear())
    await desk.tell(2)
    await delivery.flush()
    size, _ = await desk.store.head()
    assert max(head.size for head in await desk.store.do(lambda d: list(d.ledger.checkpoints()))) == size


async def test_what_a_sink_does_not_want_is_not_owed(desk: Desk) -> None:
    one, two = Ear("one", deaf_to=(f"e{1:015x}",)), Ear("two")
    delivery = await desk.delivery(one, two)
    first, second = await desk.tell(2)
    await delivery.flush()
    assert (one.heard, two.heard) == ([second], [first, second])
    assert await desk.store.undelivered() == ()


async def test_a_sink_that_fails_is_tried_again_later_and_later_and_nothing_is_told_out_of_turn(desk: Desk) -> None:
    bad, good = Ear("bad"), Ear("good")
    bad.failing = True
    delivery = await desk.delivery(bad, good)
    told = await desk.tell(3)
    with capture_logs() as logs:
        await delivery.flush()
        assert good.heard == told
        assert bad.tries == told[:1]  # where one does not arrive, the others would not either
        await delivery.flush()
        assert len(bad.tries) == 1
        wait = FIRST_WAIT
        for _ in range(12):
            desk.clock.turn(seconds=wait.total_seconds() - 1)
            await delivery.flush()
            assert len(set(bad.tries)) == 1
            before = len(bad.tries)
            desk.clock.turn(seconds=1)
            await delivery.flush()
            assert len(bad.tries) == before + 1
            wait = min(2 * wait, LONGEST_WAIT)
    assert {line["error"] for line in logs} == {"nobody is there"}
    bad.failing = False
    desk.clock.turn(seconds=LONGEST_WAIT.total_seconds())
    await delivery.flush()
    assert bad.heard == told


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_failed_while_the_clock_was_years_ahead_is_tried_again_soon(desk: Desk, restarted: bool) -> None:
    ear = Ear()
    ear.failing = True
    delivery = await desk.delivery(ear)
    told = await desk.tell(2)
    desk.clock.turn(days=4000)
    await delivery.flush()
    assert ear.tries == told[:1]
    desk.clock.turn(days=-4000)
    ear.failing = False
    if restarted:
        delivery = await desk.delivery(ear)
    await delivery.flush()
    assert ear.heard == told


async def test_a_sink_that_hangs_holds_up_no_other_and_is_given_up_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "SEND_SECONDS", 0.3)
    stuck, good = Ear("stuck"), Ear("good")
    stuck.hanging = asyncio.Event()
    delivery = await desk.delivery(stuck, good)
    with capture_logs() as logs:
        async with running(delivery):
            told = await desk.tell(1)
            delivery.soon()
            await until(lambda: stuck.tries and good.heard == told)
            told += await desk.tell(1)  # while the other one still hangs
            delivery.soon()
            await until(lambda: good.heard == told)
            await until(lambda: logs)
        assert logs[0]["error"] == "no answer within 0.3 s"
        stuck.hanging = None
        desk.clock.turn(seconds=FIRST_WAIT.total_seconds())
        await delivery.flush()
    assert stuck.heard == told


async def test_an_alert_that_went_out_and_could_not_be_noted_is_repeated_with_the_same_key(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: the disk was full, or the process ended, between the sending and the noting."""
    ear = Ear()
    delivery = await desk.delivery(ear)
    told = await desk.tell(2)
    do = desk.store.do

    async def full(work: Any) -> Any:
        if ear.heard:
            raise StoreFull("no room", hint="make room")
        return await do(work)

    monkeypatch.setattr(desk.store, "do", full)
    with capture_logs() as logs, pytest.raises(StoreError):
        await delivery.flush()
    assert logs[0]["error"] == "no room"
    assert ear.heard == told[:1]
    monkeypatch.undo()
    desk.clock.turn(seconds=FIRST_WAIT.total_seconds())
    await delivery.flush()
    assert ear.heard == [told[0], *told]


async def test_a_sink_that_is_taken_out_is_owed_nothing_and_a_new_one_only_what_is_new(desk: Desk) -> None:
    old, new = Ear("old"), Ear("new")
    old.failing = True
    delivery = await desk.delivery(old)
    await desk.tell(2)
    with capture_logs():
        await delivery.flush()
    await delivery.use([new])
    old.failing = False
    (third,) = await desk.tell(1)
    desk.clock.turn(hours=2)
    await delivery.flush()
    assert (old.heard, new.heard) == ([], [third])


async def test_more_than_one_round_holds_is_told_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MOST_AT_ONCE", 7)
    ear, other = Ear("ear"), Ear("other")
    delivery = await desk.delivery(ear, other)
    told = await desk.tell(40)
    await delivery.flush()
    assert ear.heard == other.heard == told


async def test_the_end_waits_so_long_and_no_longer(desk: Desk) -> None:
    """What is being sent then may have arrived: it stays owed, and a last head is signed."""
    stuck, good = Ear("stuck"), Ear("good")
    stuck.hanging = asyncio.Event()
    delivery = await desk.delivery(stuck, good)
    told = await desk.tell(1)
    async with running(delivery):
        await until(lambda: stuck.tries)
    await delivery.close(0.1)
    assert good.heard == told
    assert [alert.sink for alert in await desk.store.undelivered()] == ["stuck"]
    size, _ = await desk.store.head()
    assert max(head.size for head in await desk.store.do(lambda d: list(d.ledger.checkpoints()))) == size
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_trouble_with_the_store_is_told_once_and_waited_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "IDLE_SECONDS", 0.01)
    ear = Ear()
    delivery = await desk.delivery(ear)
    told = await desk.tell(1)
    tried = 0

    async def full(*_: object, **__: object) -> None:
        nonlocal tried
        tried += 1
        raise StoreFull("no room", hint="make room")

    with capture_logs() as logs:
        async with running(delivery):
            monkeypatch.setattr(desk.store, "checkpoint", full)
            await until(lambda: tried > 5)
            monkeypatch.undo()
            await until(lambda: ear.heard == told)
    assert [line["event"] for line in logs] == ["alerts wait"]


async def test_a_head_is_signed_now_and_then_without_news(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(deliver, "CHECKPOINT_SECONDS", 0.05)
    delivery = await desk.delivery()
    async with running(delivery):
        for _ in range(2):
            await desk.tell(1)
            size, _ = await desk.store.head()
            signed: list[int] = []
            async with asyncio.timeout(10):
                while size not in signed:
                    signed = await desk.store.do(lambda d: [head.size for head in d.ledger.checkpoints()])
