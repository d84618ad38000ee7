"""What becomes of a tor of our own when its folder, its control port, its disk or its companions fail it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.edge import played_tor
from tests.edge.played_tor import DONE
from tests.edge.test_own_tor import home, is_alive, own, play, settings, until
from tests.edge.test_reader_deaths import nothing_is_left
from watcher.config import Settings
from watcher.core.torrc import bridge_line, pass_line
from watcher.edge import own_tor, tors
from watcher.edge.fetch import SocksFetcher
from watcher.edge.own_tor import OwnTor
from watcher.edge.tor_control import TorState, tor_state
from watcher.edge.tors import reaching
from watcher.errors import ProxyError, StoreError, WatcherError
from watcher.ports import Ask
from watcher.testing.names import invented_onion

__all__ = ["nothing_is_left", "settings"]  # fixtures


def several(settings: Settings, count: int) -> Settings:
    return replace(settings, proxy=replace(settings.proxy, tors=count))


def said_of(logs: list[Any], event: str) -> list[Any]:
    return [one for one in logs if one["event"] == event]


# --------------------------------------------------------------------------------------------------- its folder


def owned_by_another(folder: Path) -> None:
    os.chown(folder, 65534, 65534)


def open_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def state_is_a_folder(folder: Path) -> None:
    (folder / "state").mkdir()


def keys_are_a_file(folder: Path) -> None:
    (folder / "keys").write_text("")


def lock_is_a_folder(folder: Path) -> None:
    (folder / "lock").mkdir()


def caches_are_garbage(folder: Path) -> None:
    for name in ("state", "cached-microdesc-consensus", "cached-certs", "cached-microdescs.new"):
        (folder / name).write_bytes(random.Random(1).randbytes(5_000))


NOT_OURS = "is not owned by this user", "chown -R USER STORE"
IN_ITS_PLACE = "something else stands in tor's folder", "take it away"


@pytest.mark.tor
@pytest.mark.parametrize(
    ("spoil", "says", "mend"),
    [
        (owned_by_another, *NOT_OURS),
        (state_is_a_folder, *IN_ITS_PLACE),
        (keys_are_a_file, *IN_ITS_PLACE),
        (lock_is_a_folder, *IN_ITS_PLACE),
        (open_to_all, "", ""),
        (caches_are_garbage, "", ""),
    ],
)
async def test_a_folder_that_is_not_as_it_should_be(tmp_path: Path, spoil: Any, says: str, mend: str) -> None:
    """The real tor: what it says of its folder is told with the right mend; what it can mend itself is no trouble."""
    if spoil is owned_by_another and os.getuid():
        pytest.skip("only root can give a folder away")
    folder = tmp_path / "tor"
    folder.mkdir(mode=0o700)
    spoil(folder)
    tor = OwnTor(0, folder)
    try:
        if not says:
            await tor.start()
            assert (tor.pid is not None, folder.stat().st_mode & 0o777) == (True, 0o700)
            return
        with pytest.raises(ProxyError, match=says) as told:
            await tor.start()
        assert mend in told.value.hint
        assert "Reading config failed" not in str(told.value)
    finally:
        await tor.close()


async def test_a_disk_that_is_full_when_tor_dies_is_waited_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be written for it, so it cannot be started: told, and tried again until it can."""
    monkeypatch.setattr(own_tor, "FIRST_WAIT_SECONDS", 0.01)
    play(settings)
    with capture_logs() as logs:
        async with own(settings) as (reached, tor):
            await reached.ready()
            rc = home(settings) / "torrc"
            rc.unlink()
            (rc / "in the way").mkdir(parents=True)
            os.kill(tor.pid or 0, 9)
            await until(lambda: len(said_of(logs, "tor does not start")) >= 2)
            with pytest.raises(ProxyError, match="our own tor is not ready"):
                tor.check()
            shutil.rmtree(rc)
            await reached.ready(stall_seconds=20)
            tor.check()
    assert all(str(rc) in one["error"] and one["mend"] for one in said_of(logs, "tor does not start"))


# ------------------------------------------------------------------------------------------------ its control port


async def test_a_talk_that_is_cut_is_begun_again(settings: Settings) -> None:
    """Before tor is owned it may hang up at any point; it is the same tor that is asked again."""
    play(settings, cuts=4)
    async with own(settings) as (reached, tor):
        await reached.ready()
        assert (tor.version, played_tor.starts(home(settings))) == ("0.4.9.11", 1)


async def test_one_that_no_longer_answers_is_ended_and_another_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_tor, "POLL_WHEN_READY_SECONDS", 0.05)
    monkeypatch.setattr(own_tor, "FIRST_WAIT_SECONDS", 0.01)
    play(settings, mute_after=3)
    async with own(settings) as (reached, tor):
        await reached.ready()
        first = tor.pid
        monkeypatch.setattr(own_tor, "START_SECONDS", 1.0)
        await until(lambda: tor.pid not in (first, None) and tor.is_ready)
    assert not is_alive(first)


FRAGMENTS = (
    b"250-PROTOCOLINFO 1\r\n", b"250-AUTH METHODS=NULL\r\n", b"250-AUTH METHODS=SAFECOOKIE COOKIEFILE=\"/x\\\r\n",
    b'250-AUTH METHODS=SAFECOOKIE,COOKIE COOKIEFILE="/dev/zero"\r\n', b'250-VERSION Tor="0.4.9.11"\r\n', b"250 OK\r\n",
    b'250-VERSION Tor="' + b"9" * 300 + b'"\r\n', b"250 AUTHCHALLENGE SERVERHASH=zz SERVERNONCE=1\r\n",
    b"250 AUTHCHALLENGE SERVERHASH=" + b"A" * 64 + b" SERVERNONCE=ABC\r\n", b"515 No\r\n", b"250", b"\xff\xfe \r\n",
    b"250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=" + b"9" * 5_000 + b"\r\n250 OK\r\n", b"250-x\r\n" * 60,
    b'250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=85 TAG=x SUMMARY="', b"\r\n", b"9" * 70_000, b"\0" * 9,
)  # fmt: skip


async def test_whatever_a_control_port_says_it_is_a_state_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fragments of the protocol and of none, in any order, cut anywhere."""
    monkeypatch.setattr("watcher.edge.tor_control.PATIENCE_SECONDS", 0.1)
    dice, found = random.Random(4), Counter[type]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while await reader.read(500):
                for fragment in dice.choices(FRAGMENTS, k=dice.choice((1, 3, 5))):
                    writer.write(fragment)
                writer.write(dice.choice((b"250 OK\r\n", b"")))
                await writer.drain()
                if dice.random() < 0.4:
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for _ in range(60):
            found[type(await asyncio.wait_for(tor_state("127.0.0.1", port), 5))] += 1
    assert set(found) == {TorState, type(None)}


@pytest.mark.parametrize("ports", ["[[99999999, 99999999]]", "[[-1, -1]]", "[[0, 0]]", "[[1e3, 1.5]]", "[" * 100_000])
async def test_ports_that_there_are_none_of_are_not_asked(settings: Settings, ports: str) -> None:
    """A file that somebody else wrote, or that the disk spoiled."""
    folder = settings.store / tors.FOLDER
    folder.mkdir(parents=True)
    (folder / tors.PORTS).write_text(f'{{"pid": {os.getpid()}, "ports": {ports}}}')
    assert not any(await tors.states(settings.store))


# ------------------------------------------------------------------------------------------------------- several


async def test_if_one_of_several_does_not_start_none_is_left(settings: Settings) -> None:
    """Nor their ports told, nor their folder held."""
    play(settings)
    home(settings, 1).parent.mkdir(parents=True)
    home(settings, 1).write_text("in the way")
    with pytest.raises(StoreError, match=str(home(settings, 1))):
        async with own(several(settings, 3)):
            pass
    assert not (settings.store / "tor" / tors.PORTS).exists()
    home(settings, 1).unlink()
    async with reaching(several(settings, 3)) as reached:
        await reached.ready()
        assert len(reached.tors) == 3


async def test_visits_go_on_by_the_others_while_tors_are_killed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sites lead nowhere, and that is all that may be said of them: never that a tor of ours was not there."""
    monkeypatch.setattr(own_tor, "FIRST_WAIT_SECONDS", 0.05)
    play(settings)
    dice, outcomes = random.Random(7), Counter[str]()
    address = f"http://{invented_onion(1)}/"

    async def visit(fetcher: SocksFetcher, number: int) -> None:
        ask = Ask(url=address, mirror=address, isolation=str(number), headers={}, timeout_seconds=20)
        try:
            (exchange,) = await fetcher.fetch(ask)
            outcomes[f"{exchange.verdict} {exchange.why[0]}"] += 1
        except ProxyError:
            outcomes["no tor"] += 1

    async with (
        reaching(several(settings, 2)) as reached,
        SocksFetcher(reached.proxy.urls, [address], usable=reached.check) as fetcher,
    ):
        await reached.ready()
        one, two = reached.tors
        await until(lambda: one.is_ready and two.is_ready)
        for start in range(0, 60, 6):
            if one.pid:
                os.kill(one.pid, 9)
            visits = [visit(fetcher, number) for number in range(start, start + 6)]
            await asyncio.gather(*visits)
            reached.well()  # the other one was never touched
            await asyncio.sleep(dice.uniform(0, 0.1))
        assert set(outcomes) == {"unreachable socks:04"}
        for pid in filter(None, (one.pid, two.pid)):
            os.kill(pid, 9)
        await until(lambda: not (one.is_ready or two.is_ready))
        with pytest.raises(ProxyError):
            reached.well()
        await visit(fetcher, 99)
        assert outcomes["no tor"] == 1
        await reached.ready(stall_seconds=20)
        await visit(fetcher, 100)
    assert outcomes == {"unreachable socks:04": 61, "no tor": 1}


async def test_what_is_configured_reaches_tor_as_it_was_checked_and_nothing_else(settings: Settings) -> None:
    """A line that names a bridge and its key, and one that would make tor somebody else's."""
    play(settings, phases=((0, DONE),))
    bridges = tuple(map(bridge_line, ["Bridge 192.0.2.7:443  " + "A" * 40, "[2001:db8::1]:9001"]))
    lines = tuple(map(pass_line, ["ClientTransportPlugin x exec /bin/true", "+EntryNodes {is}"]))
    for line in (
        "SocksPort 0.0.0.0:9050",
        "controlp 9051",
        "/DataDirectory",
        "Log notice file /x\\",
        "HiddenServiceDir /x",
    ):
        with pytest.raises(ValueError, match=";"):
            pass_line(line)
    async with own(replace(settings, proxy=replace(settings.proxy, bridges=bridges, torrc=lines))):
        written = (home(settings) / "torrc").read_text().splitlines()
    assert written[-5:] == ["UseBridges 1", f"Bridge 192.0.2.7:443 {'A' * 40}", "Bridge [2001:db8::1]:9001", *lines]
    assert not [line for line in written if "0.0.0.0" in line]


async def test_a_borrowed_tor_that_never_says_where_it_is_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(settings)
    monkeypatch.setattr(tors, "STALL_SECONDS", 0.2)
    async with own(settings):
        (settings.store / "tor" / tors.PORTS).write_text(json.dumps({"pid": 1, "ports": [[1]]}))
        with pytest.raises(WatcherError, match="does not say where they are") as told:
            async with reaching(settings):
                pass
    assert told.value.hint
