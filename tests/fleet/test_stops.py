"""A stop at any moment ends what talks to the engine, even where the library takes the cancellation for its own: what
``asyncio.wait_for`` of Python 3.11 does if its answer comes in the same turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nats.js import JetStreamContext

from tests.fleet.copying import KEY
from tests.props.nats import NatsServer
from watcher.core.fleet_tables import FleetSettings
from watcher.edge.index_feed import Feed
from watcher.edge.nats_door import Door
from watcher.edge.nats_link import Link


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path) as server:
        yield server


@pytest.fixture
def link(server: NatsServer) -> Link:
    return Link(FleetSettings(servers=(server.url,), vantages=(KEY.verifier,)), "a")


async def hide_one_stop(reached: asyncio.Event) -> None:
    reached.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


async def ends(task: asyncio.Task[None], reached: asyncio.Event) -> None:
    await asyncio.wait_for(reached.wait(), 20)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=20)
    assert done


async def test_a_link_that_is_stopped_while_it_connects(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, connect = asyncio.Event(), Door.connect

    async def hiding(self: Door, *args: Any, **more: Any) -> None:
        await connect(self, *args, **more)
        await hide_one_stop(reached)

    monkeypatch.setattr(Door, "connect", hiding)
    await ends(asyncio.create_task(link.run()), reached)
    assert not link.up.is_set()


async def test_an_index_that_is_stopped_while_it_reads(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, fetch = asyncio.Event(), JetStreamContext.PullSubscription.fetch

    async def hiding(self: Any, *args: Any, **more: Any) -> list[Any]:
        if not reached.is_set():
            await hide_one_stop(reached)
            return []
        return await fetch(self, *args, **more)

    async def follow() -> None:
        async for _ in Feed(link, 0).arrivals():
            raise AssertionError("nothing was shipped")

    monkeypatch.setattr(JetStreamContext.PullSubscription, "fetch", hiding)
    linked = asyncio.create_task(link.run())
    await ends(asyncio.create_task(follow()), reached)
    linked.cancel()
    await asyncio.wait({linked}, timeout=20)
