"""What ``watcher doctor`` finds of a fleet, at real servers; and that it leaves nothing there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from nats.aio.client import Client

from tests.fleet.test_permissions import client_of, example, fleet_of, index, server
from tests.fleet.vantage import key_of
from tests.props.nats import NatsServer
from watcher.config import Settings
from watcher.core.fleet import Word, alive_subject, say
from watcher.core.fleet_tables import FleetSettings
from watcher.core.shipping import STREAM
from watcher.edge import doctor, doctor_fleet
from watcher.edge.finding import Finding
from watcher.edge.nats_link import prepare
from watcher.edge.sign import NAME_LINE, SigningKey

__all__ = ["index", "server"]
BERLIN, OSLO = "berlin:change-me-1", "oslo:change-me-2"


def settings(folder: Path, fleet: FleetSettings, name: str = "berlin", key: SigningKey | None = None) -> Settings:
    """Of a vantage, with its key."""
    path = folder / f"{name}.key"
    pem = (key or key_of(name)).secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(f"{NAME_LINE}{name}\n".encode() + pem)
    path.chmod(0o600)
    return Settings(path=folder / "watcher.toml", vantage=name, store=folder, key=path, sites=(), fleet=fleet)


async def examined(mine: Settings) -> list[Finding]:
    assert mine.fleet is not None
    return await doctor_fleet.fleet(mine, mine.fleet)


def well(findings: list[Finding]) -> set[str]:
    assert [one for one in findings if not one.ok] == []
    return {one.detail for one in findings}


def wrong(findings: list[Finding]) -> dict[str, str]:
    """What is wrong, and its mend."""
    assert all(one.mend for one in findings if not one.ok)
    return {one.detail: one.mend for one in findings if not one.ok}


@asynccontextmanager
async def oslo_is_there(server: NatsServer, *, credentials: str = OSLO, ahead: float = 0.0) -> AsyncIterator[None]:
    """It says so each tenth of a second, by a clock that is ahead by so much."""
    user, _, password = credentials.partition(":")

    async def speak(client: Client) -> None:
        while True:
            word = Word("oslo", time.time_ns() + int(ahead * 1e9), "p", True)
            await client.publish(alive_subject("oslo"), say(word, key_of("oslo").sign))
            await asyncio.sleep(0.1)

    async with client_of(server, user, password) as (client, _):
        speaking = asyncio.create_task(speak(client))
        try:
            yield
        finally:
            speaking.cancel()


async def test_all_is_well_and_nothing_was_written(tmp_path: Path, server: NatsServer, index: Client) -> None:
    heard: list[str] = []

    async def hear(message: object) -> None:
        heard.append(str(getattr(message, "subject", "")))

    await index.subscribe("watcher.berlin.>", cb=hear)
    await index.flush()
    async with oslo_is_there(server):
        found = well(await examined(settings(tmp_path, fleet_of(server, BERLIN, lease=6))))
    assert {one for one in found if "answers" not in one} == {
        "berlin may ship to the stream LOG", "nothing of berlin is in the stream yet", "berlin may not publish as oslo",
        "1 of 1 others are there: oslo",
    }  # fmt: skip
    assert next(one for one in found if "answers" in one).startswith(f"{server.url} answers: NATS 2.")
    assert (await index.jetstream().stream_info(STREAM)).state.messages == 0
    # what was published as itself, to be refused, was nothing that a vantage would hear
    assert {one for one in heard if ".inbox." not in one} <= {"watcher.berlin.log"}
    await index.publish("watcher.berlin.log", b"something")
    async with oslo_is_there(server):
        found = well(await examined(settings(tmp_path, fleet_of(server, BERLIN, lease=6))))
    assert "the stream holds what berlin ships" in found


async def test_the_index(tmp_path: Path, server: NatsServer) -> None:
    mine = settings(tmp_path, fleet_of(server, "index:change-me-0", lease=4.5), "overview")
    async with oslo_is_there(server), client_of(server, "berlin", "change-me-1") as (berlin, _):
        before = await examined(mine)
        assert "there is no stream LOG yet: `watcher index` makes it when it starts" in {one.detail for one in before}
        assert list(wrong(before)) == ["berlin was not heard for 3 s"]
        async with client_of(server, "index", "change-me-0") as (client, _):
            await prepare(client.jetstream())
        word = say(Word("berlin", time.time_ns(), "p", True), key_of("berlin").sign)
        asked = asyncio.create_task(examined(mine))
        while not asked.done():
            await berlin.publish(alive_subject("berlin"), word)
            await asyncio.sleep(0.1)
    details = well(await asked)
    assert {"the stream LOG is there, with 0 messages", "the server's clock and this one agree"} <= details
    assert "2 of 2 others are there: berlin, oslo" in details
    refused = wrong(await examined(replace(mine, fleet=fleet_of(server, OSLO, lease=1))))
    assert "needs all permissions" in refused["the index may not ask for the stream"]


def test_an_index_needs_no_sites(tmp_path: Path, server: NatsServer) -> None:
    (one,) = doctor._configuration(settings(tmp_path, fleet_of(server, "index:change-me-0"), "overview"))
    assert (one.ok, one.mend) == (True, "")
    (one,) = doctor._configuration(settings(tmp_path, fleet_of(server, BERLIN)))
    assert one.mend == "add a [[site]] to it"


async def test_who_is_not_let_in_or_finds_nobody(tmp_path: Path, server: NatsServer) -> None:
    fleet = fleet_of(server, "berlin:wrong", lease=1)
    ((told, mend),) = wrong(await examined(settings(tmp_path, fleet))).items()
    assert told.startswith(server.url)
    assert "credentials" in told
    assert "[fleet] credentials" in mend
    fleet = replace(fleet_of(server, BERLIN, lease=1), servers=("nats://127.0.0.1:1", server.url))
    found = wrong(await examined(settings(tmp_path, fleet)))
    assert found == {
        "nats://127.0.0.1:1: no server answers there": "[fleet] servers says where; start it",
        "there is no stream LOG": "start `watcher index`: it makes it",
        "oslo was not heard for 0 s": found["oslo was not heard for 0 s"],
    }
    missing = replace(fleet_of(server, BERLIN, lease=1), credentials="", credentials_file=tmp_path / "gone.creds")
    ((told, _),) = wrong(await examined(settings(tmp_path, missing))).items()
    assert "gone.creds: No such file" in told


async def test_clocks_that_differ_and_a_key_that_is_none_of_the_fleet(
    tmp_path: Path, server: NatsServer, index: Client
) -> None:
    async with oslo_is_there(server, ahead=-90.2):
        found = wrong(
            await examined(settings(tmp_path, fleet_of(server, BERLIN, lease=6), key=key_of("somebody else")))
        )
    key, clock = found
    assert "is not among those of the fleet" in key
    assert clock == "the clock of oslo is 90 s behind this one"
    assert "chrony" in found[clock]


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ('"watcher.berlin.log", ', "the server lets berlin not publish watcher.berlin.log"),
        (', "$JS.API.DIRECT.GET.LOG.watcher.berlin.log"', "berlin may not see how far its part of the stream goes"),
        ('"watcher.*.alive", "watcher.*.paused", "watcher.berlin', "what others say is not heard"),
        (', "watcher.berlin.inbox.>"', "nothing answers berlin"),
    ],
)
async def test_permissions_that_are_missing(tmp_path: Path, without: str, told: str) -> None:
    text = example("\nauthorization ")
    assert without in text
    instead = '"watcher.berlin' if without.startswith('"watcher.*') else ""
    with NatsServer(tmp_path / "nats", more="authorization " + text.replace(without, instead, 1)) as server:
        async with client_of(server, "index", "change-me-0") as (client, _):
            await prepare(client.jetstream())
        async with oslo_is_there(server):
            found = wrong(await examined(settings(tmp_path, fleet_of(server, BERLIN, lease=1.5))))
    assert [mend for what, mend in found.items() if what.startswith(told)] == [doctor_fleet.PERMISSIONS], found


async def test_permissions_that_are_too_many(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as server:
        async with client_of(server, "berlin", "x") as (client, _):
            await prepare(client.jetstream())
            async with oslo_is_there(server):
                findings = await examined(settings(tmp_path, fleet_of(server, BERLIN, lease=6)))
            assert (await client.jetstream().stream_info(STREAM)).state.messages == 0
    (one,) = [one for one in findings if one.mend]
    assert one.ok
    assert one.detail.startswith("berlin may also publish as oslo")
    assert one.mend == doctor_fleet.PERMISSIONS
