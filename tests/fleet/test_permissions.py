"""What a hostile vantage can do with the permissions of docs/scale.md, at a real server: nothing in another's name."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import StreamConfig

from tests.edge.keeping import entries, whole_visit
from tests.fleet.copying import NOW
from tests.fleet.test_nats_ship import all_arrived, until
from tests.fleet.vantage import key_of
from tests.props.nats import NatsServer
from watcher import config
from watcher.core.fleet import Word, alive_subject, homes, say
from watcher.core.fleet_tables import FleetSettings
from watcher.core.shipping import STREAM, open_sealed, subject
from watcher.edge import parcels
from watcher.edge.nats_feed import FleetFeed
from watcher.edge.nats_link import Link, prepare
from watcher.edge.nats_ship import Shipper
from watcher.edge.sign import check_signature
from watcher.edge.store import LedgerStore
from watcher.errors import EvidenceError

PAGE = (Path(__file__).parent.parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")
BERLIN, OSLO = key_of("berlin"), key_of("oslo")


def example(opening: str) -> str:
    found = re.search(rf"```{opening}(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def fleet_of(server: NatsServer, credentials: str, lease: float = 30) -> FleetSettings:
    text = example("toml\n").replace("nats://192.0.2.7:4222", server.url).replace("30s", f"{lease}s")
    settings = config.parse(text, Path("/srv"), environ={"FLEET_CREDENTIALS": credentials}).fleet
    assert settings is not None
    return settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats", more="authorization " + example("\nauthorization ")) as server:
        yield server


@asynccontextmanager
async def client_of(server: NatsServer, user: str, password: str) -> AsyncIterator[tuple[Client, list[str]]]:
    client, told = Client(), []

    async def tell(error: Exception) -> None:
        told.append(str(error).lower())

    await client.connect(
        [server.url], user=user, password=password, error_cb=tell, inbox_prefix=f"watcher.{user}.inbox"
    )
    try:
        yield client, told
    finally:
        await client.close()


@pytest.fixture
async def index(server: NatsServer) -> AsyncIterator[Client]:
    async with client_of(server, "index", "change-me-0") as (client, _):
        await prepare(client.jetstream())
        yield client


async def test_a_vantage_ships_and_is_heard_with_these_permissions(
    tmp_path: Path, server: NatsServer, index: Client
) -> None:
    async with AsyncExitStack() as stack:
        feeds = {}
        for key, password in ((BERLIN, "change-me-1"), (OSLO, "change-me-2")):
            fleet = fleet_of(server, f"{key.origin}:{password}", lease=1.5)
            link = Link(fleet, key.origin)
            store = await stack.enter_async_context(
                LedgerStore.open(tmp_path / key.origin, vantage=key.origin, now=lambda: NOW)
            )
            await whole_visit(store, 0, b"page", entries(3))
            feeds[key.origin] = store, FleetFeed(link, fleet, key, {})
            for work in (link.run(), feeds[key.origin][1].run(), Shipper(link, store, key).run()):
                task = asyncio.create_task(work)
                stack.callback(task.cancel)
        for store, _ in feeds.values():
            await until(lambda store=store: all_arrived(store))  # type: ignore[misc]
        await asyncio.sleep(3)  # two leases: who was not heard is gone
        shares = {name: {site for site in SITES if feed.is_ours(site)} for name, (_, feed) in feeds.items()}
        for name, ours in shares.items():
            assert ours == {site for site in SITES if name in homes(site, ("berlin", "oslo"), 1)}


SITES = [f"s{number}" for number in range(40)]


async def test_nobody_publishes_under_anothers_name_or_reads_what_others_ship(
    server: NatsServer, index: Client
) -> None:
    async with client_of(server, "oslo", "change-me-2") as (oslo, told):
        for name in (subject("berlin"), alive_subject("berlin"), "watcher.berlin.inbox.x", "_INBOX.x"):
            await oslo.publish(name, b"x")
        for name in (subject("berlin"), "watcher.>", "watcher.berlin.inbox.>", "$JS.ACK.>"):
            await oslo.subscribe(name)
        await oslo.flush()
        await until(lambda: _true(len(told) == 8))
        assert all("permissions violation" in one for one in told), told
    assert (await index.jetstream().stream_info(STREAM)).state.messages == 0


async def _true(is_so: bool) -> bool:
    return is_so


async def test_nobody_but_the_index_makes_or_changes_or_reads_streams(server: NatsServer, index: Client) -> None:
    async with client_of(server, "oslo", "change-me-2") as (oslo, _):
        stream = oslo.jetstream(timeout=0.3)
        for attempt in (
            lambda: stream.add_stream(StreamConfig(name="MINE", subjects=["watcher.oslo.due"])),
            lambda: stream.delete_stream(STREAM),
            lambda: stream.purge_stream(STREAM),
            lambda: stream.stream_info(STREAM),
            lambda: stream.get_msg(STREAM, 1),
            lambda: stream.get_last_msg(STREAM, subject("berlin"), direct=True),
            lambda: stream.pull_subscribe(">", stream=STREAM),
        ):
            with pytest.raises((NatsTimeoutError, NatsError)):
                await attempt()
    names = await index.jetstream().streams_info()
    assert [one.config.name for one in names] == [STREAM]


async def test_answers_that_the_server_puts_under_anothers_name_are_taken_by_nobody(
    tmp_path: Path, server: NatsServer, index: Client
) -> None:
    """The server does not check where an answer goes; signatures do."""
    async with client_of(server, "oslo", "change-me-2") as (oslo, _):
        await oslo.publish(subject("oslo"), b"anything", reply=subject("berlin"))
        await oslo.flush()

        async def both() -> bool:
            return (await index.jetstream().stream_info(STREAM)).state.messages == 2

        await until(both)  # the engine's receipt now lies under berlin's name
    forged = await index.jetstream().get_last_msg(STREAM, subject("berlin"), direct=True)
    with pytest.raises(EvidenceError, match="not signed by vantage berlin"):
        open_sealed(forged.data or b"", "berlin", BERLIN.verifier.public, check_signature)
    # and berlin itself goes on from what it knows
    async with LedgerStore.open(tmp_path / "berlin", vantage="berlin", now=lambda: NOW) as store:
        await whole_visit(store, 0, b"page", entries(3))
        link = Link(fleet_of(server, "berlin:change-me-1"), "berlin")
        tasks = [asyncio.create_task(link.run()), asyncio.create_task(Shipper(link, store, BERLIN).run())]
        await until(lambda: all_arrived(store))
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert await store.do(parcels.last_sent) == 1
    last = await index.jetstream().get_last_msg(STREAM, subject("berlin"), direct=True)
    assert open_sealed(last.data or b"", "berlin", BERLIN.verifier.public, check_signature).seq == 1


async def test_words_that_a_vantage_did_not_sign_change_nobodys_share(server: NatsServer) -> None:
    fleet = fleet_of(server, "berlin:change-me-1", lease=1)
    feed = FleetFeed(Link(fleet, "berlin"), fleet, BERLIN, {})
    feed._link_changed(True)
    await asyncio.sleep(1.1)
    feed._look_round()
    assert all(feed.is_ours(site) for site in SITES)  # oslo is gone
    for data in (b"", b'{"stream":"LOG","seq":1}', say(Word("oslo", 9, "p", True), BERLIN.sign)):
        feed._heard(alive_subject("oslo"), data)
        feed._heard(alive_subject("nobody"), data)
    assert all(feed.is_ours(site) for site in SITES)
    feed._heard(alive_subject("oslo"), say(Word("oslo", 9, "p", True), OSLO.sign))
    assert not all(feed.is_ours(site) for site in SITES)


async def test_a_vantage_that_stood_still_hears_the_others_before_it_takes_their_sites(server: NatsServer) -> None:
    fleet = fleet_of(server, "berlin:change-me-1", lease=1.5)
    feed = FleetFeed(Link(fleet, "berlin"), fleet, BERLIN, {})
    ours = [site for site in SITES if feed.is_ours(site)]
    assert 0 < len(ours) < len(SITES)
    for site in SITES:
        feed.plan(site, 0.0)
    feed._link_changed(True)
    feed._heard(alive_subject("oslo"), say(Word("oslo", 1, "p", True), OSLO.sign))
    running = asyncio.create_task(feed.run())
    await asyncio.sleep(0.01)
    time.sleep(2)  # noqa: ASYNC251 - the whole process
    asyncio.get_running_loop().call_later(
        0.1, feed._heard, alive_subject("oslo"), say(Word("oslo", 2, "p", True), OSLO.sign)
    )  # it lay in the socket
    await asyncio.sleep(0.05)
    assert {lease.site for lease in await feed.leases(99)} == set(ours)
    await asyncio.sleep(2.2)  # and from now on it is silent
    assert {lease.site for lease in await feed.leases(99)} == set(SITES) - set(ours)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
